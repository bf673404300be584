"""Therapy: doses, the way from plasma into the tissue, and what atezolizumab, bevacizumab and chemotherapy do.

Records of a drug are read with times in days, volumes in L, amounts in mg or umol; creatinine clearance and what goes
with it in mL/min, the weight in kg and the body surface in m2.
"""

import numpy as np

from reference.balance import die, exposure, hill, in_series, mean

CYTOTOXIC = ("carboplatin", "paclitaxel")
NANOMOLAR = ("atezolizumab", "bevacizumab")
"""Drugs whose concentrations are in nM; the others are in uM."""


def fields(drugs):
    """The fields that drugs bring along: the concentration in tissue, and damage in cells."""
    return (*drugs, *(f"{drug}_damage" for drug in drugs if drug in CYTOTOXIC))


# --- what is given -----------------------------------------------------------------------------------------------


def atezolizumab(p, days):
    """Atezolizumab 1200 mg every three weeks."""
    del p
    return {"atezolizumab": dict.fromkeys(range(0, days, 21), 1200.0)}


def atezolizumab_bevacizumab_chemotherapy(p, days):
    """With bevacizumab 15 mg/kg, and four cycles of carboplatin to an AUC of 6 and of paclitaxel 200 mg/m2."""
    k = p.under("carboplatin.pharmacokinetics.")
    calvert = 6.0 * (min(p.patient_creatinine_clearance, k.filtration_cap) + k.nonrenal_clearance)
    cycles = range(0, days, 21)
    return atezolizumab(p, days) | {
        "bevacizumab": dict.fromkeys(cycles, 15.0 * p.patient_weight),
        "carboplatin": dict.fromkeys(cycles[:4], calvert),
        "paclitaxel": dict.fromkeys(cycles[:4], 200.0 * p.patient_body_surface),
    }


# --- from dose to plasma -----------------------------------------------------------------------------------------


def kinetics(drug, p, dt, planned):
    """A function that takes the dose [mg] at the beginning of a step, and gives the mean concentration over it."""
    k, molar_mass = p.under(f"{drug}.pharmacokinetics."), p.under(f"{drug}.").molar_mass
    unit = 1e6 if drug in NANOMOLAR else 1e3
    unbound = k.fraction_unbound if drug in CYTOTOXIC else 1.0
    step = saturable(k, molar_mass, dt, planned) if drug == "paclitaxel" else linear(k, p, dt, drug in NANOMOLAR)
    return lambda dose: step(dose) * unbound * unit / molar_mass


def linear(k, p, dt, antibody):
    """Two compartments in proportion to concentration, V_0 dc_0/dt = R - CL c_0 - Q (c_0 - c_1), solved exactly.

    Body weight and albumin act on antibodies; carboplatin leaves by the kidney and by other ways.
    """
    flow = size = 1.0
    if antibody:
        weight = p.patient_weight / k.weight_reference
        flow, size = weight**k.weight_exponent_clearance, weight**k.weight_exponent_volume
        clearance = k.clearance * flow * (p.patient_albumin / k.albumin_reference) ** k.albumin_exponent_clearance
    else:
        clearance = k.clearance_ratio * 1.44 * (p.patient_creatinine_clearance + k.nonrenal_clearance)
    exchange, infusion = k.intercompartmental_clearance * flow, k.infusion_time
    inner, outer = k.central_volume * size, k.peripheral_volume * size
    # Amounts inside and outside, the area under the concentration, and the rate of the infusion.
    rates = np.array([
        [-(clearance + exchange) / inner, exchange / outer, 0.0, 1.0],
        [exchange / inner, -exchange / outer, 0.0, 0.0],
        [1.0 / inner, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0],
    ])  # fmt: skip
    during, after = exponential(rates * infusion), exponential(rates * (dt - infusion))
    body = np.zeros(4)

    def step(dose):
        body[2:] = 0.0, dose / infusion
        body[:] = during @ body
        body[3] = 0.0
        body[:] = after @ body
        return body[2] / dt

    return step


def exponential(matrix):
    """e^M by its series for M/2^n, squared n times."""
    halvings = max(int(np.ceil(np.log2(np.abs(matrix).sum()))) + 4, 0)
    total = term = np.eye(len(matrix))
    for n in range(1, 16):
        term = term @ matrix / 2.0**halvings / n
        total = total + term
    return np.linalg.matrix_power(total, 2**halvings)


def saturable(k, molar_mass, dt, planned, memory=14.0):
    """Paclitaxel: elimination and uptake into tissue saturate, and a third compartment takes up the rest.

        dA0/dt = R - Vm C/(Km + C) - Vt C/(Kt + C) + r A1 - Q (C - A2/V2),   C = A0/V0
        dA1/dt = Vt C/(Kt + C) - r A1,    dA2/dt = Q (C - A2/V2)

    The response to the planned dose is worked out for `memory` days by Rosenbrock's two-stage method, in steps of 3
    minutes for 12 hours and of 15 minutes after that; each dose adds it in proportion to what is left of earlier ones.
    """
    mass = molar_mass / 1000.0  # mg per umol
    most, half = k.elimination_most * mass, k.elimination_half * mass
    taken_most, taken_half = k.uptake_most * mass, k.uptake_half * mass
    back, exchange = k.uptake_return, k.intercompartmental_clearance
    volume, outer, infusion = k.central_volume, k.peripheral_volume, k.infusion_time

    def slope(a, rate):
        c = a[0] / volume
        taken, spread = taken_most * hill(c, taken_half) - back * a[1], exchange * (c - a[2] / outer)
        return np.array([rate - most * hill(c, half) - taken - spread, taken, spread])

    def jacobian(a):
        c = a[0] / volume
        out, taken = most * half / (half + c) ** 2, taken_most * taken_half / (taken_half + c) ** 2
        inside = np.array([-(out + taken + exchange), taken, exchange]) / volume
        return np.array([inside, [back, -back, 0.0], [exchange / outer, 0.0, -exchange / outer]]).T

    steps = round(memory / dt)
    minutes = [*np.arange(0.0, 720.0, 3.0), *np.arange(720.0, memory * 1440.0, 15.0)]
    minutes += [infusion * 1440.0, *(dt * 1440.0 * np.arange(steps + 1))]
    times = np.unique(np.round(minutes, 6)) / 1440.0
    amounts, area, areas, gamma = np.zeros(3), 0.0, [0.0], 1.0 - np.sqrt(0.5)
    for begin, h in zip(times[:-1], np.diff(times), strict=True):
        rate = planned / infusion if begin < infusion - 1e-9 else 0.0
        inverse = np.linalg.inv(np.eye(3) - gamma * h * jacobian(amounts))
        first = inverse @ slope(amounts, rate)
        second = inverse @ (slope(amounts + h * first, rate) - 2.0 * first)
        later = np.maximum(amounts + h * (1.5 * first + 0.5 * second), 0.0)
        area += h * (amounts[0] + later[0]) / (2.0 * volume)
        amounts = later
        areas.append(area)
    response = np.diff(np.interp(dt * np.arange(steps + 1), times, areas)) / dt / planned
    coming = np.zeros(steps + 1)

    def step(dose):
        coming[:-1] = coming[1:]
        coming[:-1] += response * dose
        return coming[0]

    return step


# --- what drugs do -----------------------------------------------------------------------------------------------


def antibodies(now, p, b):
    """Antibodies take up PD-L1 and VEGF; vessels tighten as VEGF falls. Without them, everything is free."""
    del b
    now.pd1_free, now.vegf_neutralization, now.vasomotor_tone = 1.0, 0.0, 1.0
    if "atezolizumab" in now.plasma:
        a = p.under("atezolizumab.pdl1_blockade.")
        now.pd1_free = 1.0 - (1.0 - a.other_ligand) * hill(now.atezolizumab, a.affinity)
    if "bevacizumab" in now.plasma:
        a = p.under("bevacizumab.vegf_neutralization.")
        bound = now.bevacizumab / a.affinity
        now.vegf_neutralization = a.complex_loss * bound / (1.0 + a.complex_loss / a.dissociation)
        now.vasomotor_tone = 1.0 - a.vasoconstriction * hill(now.vegf_neutralization, p.vegf_loss)


def cytotoxic(now, p, b):
    """Exposure leaves damage X; k = k_max (f0 + (1 - f0) d/d_ref) <O2/(O2 + K) X^h/(X^h + X50^h)>."""
    now.cytotoxic_pressure = now.lymphodepletion = 0.0
    for drug in (drug for drug in now.plasma if drug in CYTOTOXIC):
        c = p.under(f"{drug}.cytotoxic.")
        b.gain[f"{drug}_damage"] += getattr(now, drug) / c.reference_exposure
        b.loss[f"{drug}_damage"] += c.repair
        reach = exposure(now.vessel_distance, p.under(f"{drug}.tissue.").penetration)
        effort = (reach * getattr(now, f"{drug}_damage") / c.damage_half) ** c.steepness
        now.cytotoxic_pressure += mean(effort / (1.0 + effort))
        now.lymphodepletion += c.lymphocyte_loss * now.plasma[drug] / c.reference_exposure
        dividing = now.birth_rate / p.tumor_division_reference
        cycling = c.kill_rate * (c.resting_share + (1.0 - c.resting_share) * dividing)
        airy = hill(now.oxygen_classes, c.oxygen_half)
        sensitive = cycling * mean(airy * effort / (1.0 + effort))
        resistant = cycling * mean(airy * effort / (c.resistance**c.steepness + effort))
        killed = {"tumor_sensitive": sensitive, "tumor_escaped": sensitive, "tumor_resistant": resistant}
        die(b, c, killed)


def in_tissue(now, p, b):
    """0 = k_v c_p - (k_v/K + k_u + k_l + k_L) c: through vessel walls and flow in series, used up, lost, drained."""
    for drug, concentration in now.plasma.items():
        t = p.under(f"{drug}.tissue.")
        selective = t.permeability / p.vessel_permeability * now.antibody_permeability
        crossing = (1.0 - t.size_selectivity) * t.permeability * now.open_surface + t.size_selectivity * selective
        exchange = in_series(crossing, now.blood_flow)
        mobility = np.exp(-t.radius / now.molecular_pore)
        diffusivity = p.transport_open_share * p.transport_water_diffusivity / t.radius * mobility
        b.gain[drug] += exchange * concentration
        b.loss[drug] += exchange / t.partition + t.uptake_lost * diffusivity / t.penetration**2
        b.loss[drug] += t.loss + now.lymph_drainage
