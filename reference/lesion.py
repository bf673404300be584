"""One well-mixed lesion of one patient: every equation of the biology, written down once more in plain NumPy.

Written from the equations, as a check of the program in `src/alarmin`: both take the same numbers and share no code.
Read it from top to bottom: each function below is one section of the biology. It works out quantities that later
sections use (kept in `now`), and adds to the balance of fields (`b`), where per day

    b.gain[x]             is what field x gains, whatever its value
    b.loss[x]             is the share of itself that x loses
    b.move(x, y, k)       takes the share k of x away and gives it to y
    b.charge(x, y, k)     gives y as much as k takes of x, and leaves x alone
    b.margin[x]           is the diffusivity, the exchange velocity and the host value of x at the margin

Units: day, mm, mL, Mcell (a million cells), mg, kPa, mmHg of oxygen, mM of glucose and lactate, uM of purines and amino
acids, nM of proteins; vessel surface in mm2/mm3. Well mixed means one value of each field in the ball: no gradient, no
drift, and a margin half a radius away, through which molecules and T cells come and go.

Scheme: steps of half a day, first order. All flows are taken at the beginning of a step, at the mean plasma
concentrations of the step. Then

1.  fast molecules take their balance   x = (gain + m host)/(loss + m)
2.  T cells cross the margin            x -> (x/dt + m host)/(1/dt + m)
    with m = (3/R) v D/(v l + D), v the exchange velocity, l = min(R/2, sqrt(D/loss))
3.  slow fields follow dx/dt = gain - loss x exactly:
    x -> x e^-z + gain dt f(z),   integral = x dt f(z) + gain dt^2 g(z),   z = loss dt,
    f = (1 - e^-z)/z,   g = (z - 1 + e^-z)/z^2
    What moves or charges is the share times the integral of its source. It arrives evenly over the step, as a gain;
    only what moves back up the table of fields (revived T cells, m2 to m1, mature to immature vessels) arrives at the
    end of the step.
4.  tissue fills its volume again: all that sits in it is diluted by q = occupied/packing, and R -> R q^(1/3);
    the middle of the ball moved at v = (R/2)(q^(1/3) - 1)/dt.
"""

from types import SimpleNamespace

import numpy as np

from reference import therapy
from reference.balance import (
    CARRIERS,
    QUANTILES,
    Balance,
    Numbers,
    at_margin,
    die,
    exposure,
    follow,
    hill,
    in_series,
    left,
    mean,
    through,
    through_margin,
)

CLONES = ("tumor_sensitive", "tumor_escaped", "tumor_resistant")
LYMPHOCYTES = ("cd8", "cd8_exhausted", "cd8_bystander", "cd4", "treg", "nk")
MACROPHAGES = ("m1", "m2")
LEUKOCYTES = (*LYMPHOCYTES, "dc_immature", "dc_mature", *MACROPHAGES, "mdsc")
DEAD = ("dying_immunogenic", "dying_silent", "necrotic")
TISSUE = (
    *CLONES, *DEAD, *LEUKOCYTES, "caf", "vessel_mature", "vessel_immature", "collagen", "hyaluronan",
    *(f"alarm_{name}" for name in CARRIERS), "alarm_killed",
)  # fmt: skip
"""Slow fields that sit in the tissue and are diluted when it swells, in the order in which they pass things on."""
RESTING = ("growth_stress",)
"""Slow fields that are properties of a place."""
BODY = ("node_dc", "precursors", "primed_early", "primed_late", "blood_cd8", "memory", "lymphocytes")
"""Slow fields of the patient."""
PROTEINS = ("vegf", "tgf_beta", "il10", "ifn_gamma", "ifn_type1", "cxcl10", "hmgb1")
MOLECULES = (
    "oxygen", "glucose", "lactate", "atp", "adenosine", "tryptophan", "kynurenine", "arginine", *PROTEINS,
    "ccl2", "ccl22", "csf1", "cxcl12",
)  # fmt: skip
MOTILE = ("cd8", "cd8_bystander")

# --- what there is -----------------------------------------------------------------------------------------------


def occupied_share(s, p):
    """Volume that cells, vessels and matrix need, over what they always fill [-]."""
    volume = p.volume_tumor * sum(s[name] for name in CLONES) + p.volume_fibroblast * s["caf"]
    volume += p.volume_dying * (s["dying_immunogenic"] + s["dying_silent"]) + p.volume_necrotic * s["necrotic"]
    volume += p.volume_leukocyte * sum(s[name] for name in LEUKOCYTES if name not in MACROPHAGES)
    volume += p.volume_macrophage * sum(s[name] for name in MACROPHAGES)
    volume += p.volume_collagen * s["collagen"] + p.volume_hyaluronan * s["hyaluronan"]
    volume += p.vessel_radius / 2.0 * (s["vessel_mature"] + s["vessel_immature"])
    return volume / p.volume_packing


def tissue(now, p, b):
    """Sums of cells, and leukocytes that leave no room for one another: loss k (w I/packing)^4."""
    now.tumor = sum(getattr(now, name) for name in CLONES)
    now.bearing = now.tumor_sensitive + now.tumor_resistant
    now.leukocytes = sum(getattr(now, name) for name in LEUKOCYTES)
    now.volume = 4.0 / 3.0 * np.pi * now.radius**3 / 1000.0
    for name in LEUKOCYTES:
        b.loss[name] += p.crowding_rate * (p.crowding_cell_volume * now.leukocytes / p.volume_packing) ** 4


def pores(now, p, b):
    """Pores of the matrix narrow with the root of its content: x = M_0/(C + b HA)."""
    mesh = p.hindrance_matrix_reference / (now.collagen + p.hindrance_hyaluronan_weight * now.hyaluronan)
    now.molecular_pore = p.hindrance_molecular_pore * np.sqrt(mesh)
    now.protein_mobility = np.exp(-p.hindrance_small_protein_radius / now.molecular_pore)
    diameter = min(p.hindrance_t_cell_pore * np.sqrt(mesh), p.hindrance_t_cell_pore_most)
    now.pore_gate = hill(diameter, p.hindrance_t_cell_pore_critical, 4)


def perfusion(now, p, b):
    """Solid stress closes vessels: f_o = f_0 + (1 - f_0)/(1 + (sigma/s_c)^3).

    sigma = growth stress + swelling of confined hyaluronan (Donnan) + k_C C; immature vessels hardly deliver.
    """
    fixed = p.perfusion_hyaluronan_charge * p.perfusion_hyaluronan_condensation * now.hyaluronan
    donnan = np.sqrt(fixed**2 + 4.0 * p.perfusion_salt**2) - 2.0 * p.perfusion_salt
    swelling = p.perfusion_osmotic_pressure * donnan * hill(now.collagen, p.perfusion_confinement_half)
    now.stress = now.growth_stress + swelling + p.perfusion_collagen_stress * now.collagen

    surface = now.vessel_mature + now.vessel_immature
    covered = now.vessel_mature / surface
    withstood = p.perfusion_collapse_immature + p.perfusion_collapse_pericytes * covered
    closing = (now.stress / (p.perfusion_collapse_stress * withstood)) ** 3
    now.open_fraction = p.perfusion_patent_floor + (1.0 - p.perfusion_patent_floor) / (1.0 + closing)
    now.open_surface = now.open_fraction * surface
    delivering = now.vessel_mature + p.perfusion_immature_function * now.vessel_immature
    now.functional_surface = now.open_fraction * delivering
    now.blood_flow = p.perfusion_flow * p.flow_factor * now.vasomotor_tone * now.functional_surface
    mature, immature = p.perfusion_permeability_mature, p.perfusion_permeability_immature
    leak = mature * now.vessel_mature + immature * now.vessel_immature
    now.antibody_permeability = p.vessel_permeability * now.open_fraction * leak
    now.amino_acid_exchange = in_series(p.perfusion_permeability_amino_acid * now.open_surface, now.blood_flow)


# --- what feeds it -----------------------------------------------------------------------------------------------


def by_class(value, length, now, p):
    """Concentration in the five distance classes; classes fade out where vessels are far apart."""
    fading = hill(now.vessel_density, p.vessel_density_class_half, 2)
    return value * (1.0 + fading * (exposure(now.vessel_distance, length) - 1.0))


def oxygen(now, p, b):
    """k_e (p_a - O) = U <p/(p + K_m)>, supply through blood flow and radial diffusion in series."""
    now.vessel_density = max(now.functional_surface, 0.02) / (2.0 * np.pi * p.vessel_radius)
    now.vessel_distance = np.sqrt(QUANTILES / (np.pi * now.vessel_density))
    cells = now.tumor + p.oxygen_uptake_share_caf * now.caf + p.oxygen_uptake_share_immune * now.leukocytes
    most = p.oxygen_uptake_tumor * cells
    length = np.sqrt(p.oxygen_diffusivity * (now.oxygen + p.oxygen_uptake_half) / most)
    now.oxygen_classes = by_class(now.oxygen, length, now, p)
    now.oxygen_use = most * mean(hill(now.oxygen_classes, p.oxygen_uptake_half))

    spacing = np.log(1.0 / (p.vessel_radius * np.sqrt(np.pi * now.vessel_density))) - 0.75
    krogh = 2.0 * np.pi * p.vessel_spacing_irregularity * now.vessel_density * p.oxygen_diffusivity / max(spacing, 0.3)
    delivery = in_series(krogh, p.oxygen_blood_capacity * now.blood_flow)
    b.gain["oxygen"] += delivery * p.oxygen_supply_pressure
    b.loss["oxygen"] += delivery + now.oxygen_use / now.oxygen
    at_margin(b, now, "oxygen", p.oxygen_diffusivity, p.oxygen_host, p.oxygen_host_loss)


def hypoxia(now, p, b):
    """H = <1/(1 + (p/K)^2)>; loss of VHL keeps it on in tumor cells."""
    now.hypoxia = mean(1.0 / (1.0 + (now.oxygen_classes / p.hypoxia_oxygen_half) ** 2))
    now.hypoxia_vegf = now.hypoxia + p.hypoxia_vhl_loss * (1.0 - now.hypoxia)
    now.t_cell_hypoxia = mean(1.0 / (1.0 + (now.oxygen_classes / p.suppression_oxygen_half) ** 2))


def glucose(now, p, b):
    """k (G_b - G) = u G, u = q y cells (1 + h H_v)/(G + K)."""
    cells = now.tumor + p.glucose_share_caf * now.caf + p.glucose_share_immune * now.leukocytes
    most = p.glucose_uptake * p.glucose_glycolysis * cells * (1.0 + p.glucose_hypoxia_gain * now.hypoxia_vegf)
    use = most / (now.glucose + p.glucose_uptake_half)
    now.glucose_uptake = use * now.glucose
    now.glucose_classes = by_class(now.glucose, np.sqrt(p.glucose_diffusivity / use), now, p)
    exchange = in_series(p.glucose_permeability * now.open_surface, now.blood_flow)
    b.gain["glucose"] += exchange * p.glucose_blood
    b.loss["glucose"] += exchange + use
    at_margin(b, now, "glucose", p.glucose_diffusivity, p.glucose_host, p.glucose_host_loss)


def lactate(now, p, b):
    """Two lactate for each glucose that oxygen does not burn, six oxygen to one glucose; lactate is acid."""
    burnt = p.lactate_oxygen_share * p.oxygen_solubility * now.oxygen_use / 6.0
    fermented = max(now.glucose_uptake - burnt, p.lactate_least_share * now.glucose_uptake)
    exchange = in_series(p.lactate_permeability * now.open_surface, now.blood_flow)
    b.gain["lactate"] += exchange * p.lactate_blood + 2.0 * fermented
    b.loss["lactate"] += exchange
    now.ph = max(p.lactate_ph_rest - p.lactate_ph_fall * (now.lactate - p.lactate_blood), p.lactate_ph_least)
    at_margin(b, now, "lactate", p.lactate_diffusivity, p.lactate_host, p.lactate_host_loss)


# --- how it grows and dies ---------------------------------------------------------------------------------------


def tumor(now, p, b):
    """Birth k_p <p/(p + K_O) G/(G + K_G)>/(1 + sigma/sigma_d), silent turnover, necrosis, clearance of the dead."""
    fed = mean(
        hill(now.oxygen_classes, p.tumor_division_oxygen_half)
        * hill(now.glucose_classes, p.tumor_division_glucose_half)
    )
    now.division_share = fed / (1.0 + now.stress / p.tumor_division_stress_half)
    net = np.log(2.0) / p.tumor_doubling_time
    now.birth_rate = p.tumor_growth_factor * net / (1.0 - p.tumor_loss_factor) * now.division_share
    fitness = {"tumor_sensitive": 1.0, "tumor_escaped": 1.0, "tumor_resistant": p.tumor_resistant_fitness}
    for clone in CLONES:
        b.gain[clone] += fitness[clone] * now.birth_rate * getattr(now, clone)

    turnover = net * p.tumor_loss_factor / (1.0 - p.tumor_loss_factor)
    die(b, p.under("turnover_"), dict.fromkeys(CLONES, turnover))

    airless = 1.0 / (1.0 + (now.oxygen_classes / p.necrosis_oxygen_half) ** 3)
    unfed = 1.0 / (1.0 + (now.glucose_classes / p.necrosis_glucose_half) ** 2)
    now.starvation = p.necrosis_rate * mean(airless * (p.necrosis_fed_share + (1.0 - p.necrosis_fed_share) * unfed))
    die(b, p.under("necrosis_"), dict.fromkeys(CLONES, now.starvation), rest="necrotic")

    perfused = hill(now.functional_surface, p.clearance_necrotic_surface_half)
    b.loss["dying_immunogenic"] += p.clearance_dying
    b.loss["dying_silent"] += p.clearance_dying
    b.loss["necrotic"] += p.clearance_necrotic + p.clearance_necrotic_perfused * perfused


def editing(now, p, b):
    """Loss of antigen at all times, resistance under cytotoxic drugs alone."""
    b.move("tumor_sensitive", "tumor_escaped", p.editing_escape)
    b.move("tumor_sensitive", "tumor_resistant", p.editing_resistance * min(now.cytotoxic_pressure, 1.0))


def growth_stress(now, p, b):
    """d sigma/dt = (target - sigma)/tau, target = host + integral of v/K from the middle of the ball to its margin."""
    friction = (1.0 + now.collagen / p.solid_stress_collagen_half) / p.solid_stress_conductivity
    target = max(p.solid_stress_host + now.velocity * friction * now.radius / 2.0, 0.0)
    b.gain["growth_stress"] += target / p.solid_stress_relaxation
    b.loss["growth_stress"] += 1.0 / p.solid_stress_relaxation


def vessels(now, p, b):
    """VEGF makes sprouts and takes mature vessels apart; without it sprouts mature, and starve."""
    signal = hill(now.vegf, p.vessel_sprouting_vegf_half)
    withdrawn = 1.0 / (1.0 + (now.vegf / p.vessel_withdrawal_vegf_half) ** 2)
    surface = now.vessel_mature + now.vessel_immature
    room = max(1.0 - surface / p.vessel_capacity, 0.0)
    rest = p.vessel_sprouting_rest
    b.gain["vessel_immature"] += p.vessel_sprouting * (rest + (1.0 - rest) * signal) * room * surface
    maturing = p.vessel_maturation / (1.0 + (now.vegf / p.vessel_maturation_vegf_half) ** 2)
    b.move("vessel_immature", "vessel_mature", maturing)
    b.move("vessel_mature", "vessel_immature", p.vessel_destabilization * signal**2)
    both = p.vessel_collapse_loss * (1.0 - now.open_fraction) + p.vessel_necrosis_share * now.starvation
    b.loss["vessel_immature"] += p.vessel_immature_loss + p.vessel_immature_withdrawal * withdrawn + both
    b.loss["vessel_mature"] += p.vessel_mature_loss + p.vessel_mature_withdrawal * withdrawn + both


def stroma(now, p, b):
    """Fibroblasts divide under TGF-beta and lay down matrix; both go where tumor cells get fewer or are gone."""
    active = hill(now.tgf_beta, p.caf_tgf_beta_half)
    share = p.volume_tumor * now.tumor / p.volume_packing
    dying = now.dying_immunogenic + now.dying_silent
    net_loss = (p.clearance_dying * dying - now.birth_rate * now.tumor) / (dying + now.tumor + 1e-9)
    filled = 1.0 - 1.0 / (1.0 + (share / p.caf_resorption_tumor_share) ** 4)
    scar = 1.0 - filled / (1.0 + (max(net_loss, 0.0) / p.caf_resorption_net_loss) ** 4)
    room = max(1.0 - now.caf / p.caf_capacity, 0.0)
    b.gain["caf"] += p.caf_influx * p.caf_capacity + 2.0 * p.caf_division * active * now.caf * room
    b.loss["caf"] += p.caf_death + scar * (p.caf_resorption - p.caf_death) + p.caf_necrosis_share * now.starvation

    room = max(1.0 - now.collagen / p.collagen_most, 0.0)
    b.gain["collagen"] += p.collagen_deposition * now.caf * (p.collagen_deposition_rest + active) * room
    b.loss["collagen"] += p.collagen_loss + scar * (p.collagen_resorption - p.collagen_loss)
    made = p.hyaluronan_deposition_rest + p.hyaluronan_deposition_gain * active
    made = p.hyaluronan_deposition_caf * now.caf * made + p.hyaluronan_deposition_tumor * now.tumor
    b.gain["hyaluronan"] += p.hyaluronan_factor * made
    b.loss["hyaluronan"] += p.hyaluronan_loss


# --- what cells tell one another ---------------------------------------------------------------------------------


def growth_factors(now, p, b):
    """VEGF, TGF-beta and interleukin 10, by tumor cells and stroma; the matrix slows the first two."""
    myeloid = p.vegf_share_m2 * now.m2 + p.vegf_share_mdsc * now.mdsc
    rest = (myeloid + p.vegf_share_treg * now.treg + p.vegf_share_caf * now.caf) * (1.0 + now.hypoxia)
    made = p.vegf_type_factor * now.tumor * (1.0 + p.vegf_hypoxia_gain * now.hypoxia_vegf) + rest
    b.gain["vegf"] += p.vegf_secretion * made
    b.loss["vegf"] += p.vegf_loss + now.vegf_neutralization
    at_margin(b, now, "vegf", p.vegf_diffusivity * now.protein_mobility, p.vegf_host, p.vegf_host_loss)

    made = now.caf * (1.0 + p.tgf_beta_hypoxia_gain * now.hypoxia) + p.tgf_beta_share_treg * now.treg
    made += p.tgf_beta_share_m2 * now.m2 + p.tgf_beta_share_mdsc * now.mdsc + p.tgf_beta_share_tumor * now.tumor
    b.gain["tgf_beta"] += p.tgf_beta_secretion_caf * p.tgf_beta_active_share * made
    b.loss["tgf_beta"] += p.tgf_beta_loss
    diffusivity = p.tgf_beta_diffusivity * now.protein_mobility
    at_margin(b, now, "tgf_beta", diffusivity, p.tgf_beta_host, p.tgf_beta_host_loss)

    made = now.m2 + p.il10_share_mdsc * now.mdsc + p.il10_share_treg * now.treg + p.il10_share_caf * now.caf
    b.gain["il10"] += p.il10_secretion_m2 * made
    b.loss["il10"] += p.il10_loss
    at_margin(b, now, "il10", p.il10_diffusivity, p.il10_host, p.il10_host_loss)


def amino_acids(now, p, b):
    """IDO turns tryptophan into kynurenine where interferon gamma calls; arginase destroys arginine."""
    exchange, diffusivity, host_loss = now.amino_acid_exchange, p.amino_acid_diffusivity, p.amino_acid_host_loss
    cells = p.ido_share_tumor * now.tumor + p.ido_share_m2 * now.m2 + p.ido_share_mdsc * now.mdsc
    ido = p.ido_capacity * p.ido_factor * (p.ido_rest + now.ifn_gamma_response) * cells / (now.tryptophan + p.ido_half)
    b.gain["tryptophan"] += exchange * p.tryptophan_blood
    b.loss["tryptophan"] += exchange + ido
    at_margin(b, now, "tryptophan", diffusivity, p.tryptophan_blood, host_loss)
    b.gain["kynurenine"] += exchange * p.kynurenine_blood + ido * now.tryptophan
    b.loss["kynurenine"] += exchange + p.kynurenine_loss
    at_margin(b, now, "kynurenine", diffusivity, p.kynurenine_blood, host_loss)
    arginase = p.arginine_arginase * (p.arginine_share_m2 * now.m2 + p.arginine_share_mdsc * now.mdsc)
    b.gain["arginine"] += exchange * p.arginine_blood
    b.loss["arginine"] += exchange + arginase
    at_margin(b, now, "arginine", diffusivity, p.arginine_blood, host_loss)


def purines(now, p, b):
    """Living cells leak ATP and NAD; CD39 and CD38 make AMP of them, and CD73 adenosine of that."""
    boost = 1.0 + p.purines_hypoxia_gain * now.hypoxia
    cells = p.purines_cd39_tumor * now.tumor + p.purines_cd39_treg * now.treg
    cells = (cells + p.purines_cd39_m2 * now.m2 + p.purines_cd39_caf * now.caf) * boost
    cd39 = p.purines_cd39 * cells / (now.atp + p.purines_cd39_half)
    now.atp_breakdown = cd39 + p.purines_atp_other_loss
    leak = p.purines_release * (now.tumor + p.purines_release_caf * now.caf) * (1.0 + now.hypoxia)
    b.gain["atp"] += leak
    b.loss["atp"] += now.atp_breakdown
    at_margin(b, now, "atp", p.purines_diffusivity, p.purines_host, p.purines_atp_host_loss)
    turned = hill(p.purines_cd73 * boost + p.purines_without_cd73, p.purines_cd73_half)
    b.gain["adenosine"] += turned * ((1.0 - p.purines_nad_share) * cd39 * now.atp + p.purines_nad_share * leak)
    b.loss["adenosine"] += p.purines_adenosine_loss + p.purines_adenosine_permeability * now.open_surface
    at_margin(b, now, "adenosine", p.purines_diffusivity, p.purines_host, p.purines_adenosine_host_loss)


def alarm(now, p, b):
    """Killed cells discharge ATP, HMGB1 and type-I interferon; A = (1 - I)(G - e)/(1 - e), G a geometric mean."""
    released = p.alarm_atp_amount * p.alarm_atp_discharge * now.alarm_atp
    now.atp_signal = hill(released / now.atp_breakdown, p.alarm_atp_half)
    now.ifn_signal = hill(now.ifn_type1, p.alarm_ifn_half)
    calreticulin = hill(now.dying_immunogenic, p.alarm_calreticulin_half)
    signals = np.array([calreticulin, now.atp_signal, hill(now.hmgb1, p.alarm_hmgb1_half), now.ifn_signal])
    weights = np.array([p.alarm_calreticulin_weight, p.alarm_atp_weight, p.alarm_hmgb1_weight, p.alarm_ifn_weight])
    floor = p.alarm_floor
    heard = np.prod((floor + (1.0 - floor) * signals) ** (weights / weights.sum()))
    inhibited = min(now.alarm_inhibitor / max(now.alarm_killed, 1e-9), 1.0)
    now.alarm = (1.0 - inhibited) * (heard - floor) / (1.0 - floor)

    b.gain["atp"] += released
    b.gain["hmgb1"] += p.alarm_hmgb1_amount * p.alarm_hmgb1_discharge * now.alarm_hmgb1
    b.gain["ifn_type1"] += p.alarm_ifn_amount * p.alarm_ifn_discharge * now.alarm_ifn
    b.loss["hmgb1"] += p.alarm_hmgb1_loss
    b.loss["ifn_type1"] += p.alarm_ifn_loss
    at_margin(b, now, "hmgb1", p.alarm_hmgb1_diffusivity, 0.0, p.alarm_hmgb1_host_loss)
    at_margin(b, now, "ifn_type1", p.alarm_ifn_diffusivity, 0.0, p.alarm_ifn_host_loss)
    b.loss["alarm_atp"] += p.alarm_atp_discharge
    b.loss["alarm_hmgb1"] += p.alarm_hmgb1_discharge
    b.loss["alarm_ifn"] += p.alarm_ifn_discharge
    b.loss["alarm_inhibitor"] += p.alarm_memory
    b.loss["alarm_killed"] += p.alarm_memory


def chemokines(now, p, b):
    """CXCL9 and CXCL10 call T cells, CCL2 monocytes, CCL22 regulatory T cells; CXCL12 keeps T cells out of nests."""
    induced = p.cxcl10_by_ifn_gamma * now.ifn_gamma_response + p.cxcl10_by_ifn_type1 * now.ifn_signal
    b.gain["cxcl10"] += p.cxcl10_loss * (p.cxcl10_rest + p.cxcl10_inducibility * induced)
    b.loss["cxcl10"] += p.cxcl10_loss
    at_margin(b, now, "cxcl10", p.cxcl10_diffusivity, p.cxcl10_rest, p.cxcl10_loss)

    now.monocyte_call = p.ccl2_most * hill(now.ccl2, p.ccl2_half)
    made = now.tumor + p.ccl2_share_caf * now.caf + p.ccl2_share_m2 * now.m2
    b.gain["ccl2"] += p.ccl2_secretion * made * (1.0 + p.ccl2_hypoxia_gain * now.hypoxia)
    b.loss["ccl2"] += p.ccl2_loss
    at_margin(b, now, "ccl2", p.ccl2_diffusivity, p.ccl2_host, p.ccl2_loss)

    now.treg_call = p.ccl22_rest + (1.0 - p.ccl22_rest) * hill(now.ccl22, p.ccl22_half)
    b.gain["ccl22"] += p.ccl22_secretion_m2 * (now.m2 + p.ccl22_share_tumor * now.tumor)
    b.loss["ccl22"] += p.ccl22_loss
    at_margin(b, now, "ccl22", p.ccl22_diffusivity, p.ccl22_host, p.ccl22_loss)

    now.nests_open = left(now.cxcl12, p.cxcl12_half, p.cxcl12_most)
    b.gain["cxcl12"] += p.cxcl12_secretion_caf * now.caf * (1.0 + p.cxcl12_hypoxia_gain * now.hypoxia)
    b.loss["cxcl12"] += p.cxcl12_loss
    at_margin(b, now, "cxcl12", p.cxcl12_diffusivity, 0.0, p.cxcl12_loss)


def lymph(now, p, b):
    """Lymph drains proteins near the margin; the middle of the ball is half a radius away."""
    now.lymph_drainage = p.lymph_rate * np.exp(-now.radius / 2.0 / p.lymph_reach)
    for protein in PROTEINS:
        b.loss[protein] += now.lymph_drainage


# --- what holds T cells back -------------------------------------------------------------------------------------


def checkpoint(now, p, b):
    """PD-L1 follows interferon gamma and hypoxia; inhibition through PD-1 is x^2/(1 + x^2)."""
    now.ifn_gamma_response = hill(now.ifn_gamma, p.ifn_gamma_half)
    induced = p.checkpoint_interferon_gain * now.ifn_gamma_response + p.checkpoint_hypoxia_gain * now.hypoxia
    now.pd1 = hill(p.checkpoint_pdl1 * (1.0 + induced) * now.pd1_free, 1.0, 2)


def suppression(now, p, b):
    """What suppressors leave of killing and proliferation: prod_i (1 - m_i h_i), and never less than a floor."""
    now.by_treg = hill(now.treg, p.suppression_treg_half)
    now.by_tgf_beta = hill(now.tgf_beta, p.suppression_tgf_beta_half)
    now.by_adenosine = hill(now.adenosine, p.suppression_adenosine_half)
    now.by_lactate = hill(now.lactate, p.suppression_lactate_half, 2)
    by_kynurenine = hill(now.kynurenine, p.suppression_kynurenine_half)
    no_arginine = 1.0 - hill(now.arginine, p.suppression_arginine_half, 2)
    no_glucose = 1.0 - hill(now.glucose, p.suppression_glucose_half)
    killing = (
        (1.0 - p.suppression_killing_pd1 * now.pd1)
        * (1.0 - p.suppression_killing_treg * now.by_treg)
        * (1.0 - p.suppression_killing_tgf_beta * now.by_tgf_beta)
        * (1.0 - p.suppression_killing_adenosine * now.by_adenosine)
        * (1.0 - p.suppression_killing_lactate * now.by_lactate)
        * left(now.mdsc, p.suppression_mdsc_half, p.suppression_killing_mdsc)
        * (1.0 - p.suppression_killing_hypoxia * now.t_cell_hypoxia)
    )
    proliferation = (
        (1.0 - p.suppression_proliferation_pd1 * now.pd1)
        * (1.0 - p.suppression_proliferation_treg * now.by_treg)
        * (1.0 - p.suppression_proliferation_tgf_beta * now.by_tgf_beta)
        * (1.0 - p.suppression_proliferation_adenosine * now.by_adenosine)
        * (1.0 - p.suppression_proliferation_lactate * now.by_lactate)
        * (1.0 - p.suppression_proliferation_kynurenine * by_kynurenine)
        * (1.0 - p.suppression_proliferation_arginine * no_arginine)
        * (1.0 - p.suppression_proliferation_glucose * no_glucose)
    )
    now.killing_capacity = max(killing, p.suppression_floor)
    now.proliferation_capacity = max(proliferation, p.suppression_floor)


# --- who kills ---------------------------------------------------------------------------------------------------


def killing(now, p, b):
    """CD8 T cells kill what shows antigen; k = kappa C A S/(K_T + T + (kappa/k_max) cd8)."""
    together = hill(now.cd8, p.killing_cooperation_half)
    effective = (now.cd8 + p.killing_exhausted_share * now.cd8_exhausted) * together
    shown = p.killing_mhc * (0.5 + 0.5 * now.ifn_gamma_response) * (1.0 - p.killing_mhc_hypoxia * now.hypoxia)
    contacts = p.killing_contact_half + now.tumor + p.killing_per_cell / p.killing_fastest * now.cd8
    rate = p.killing_per_cell * effective * min(shown, 1.0) * now.killing_capacity / contacts
    escaped = p.killing_escaped_share * rate
    die(b, p.under("killing_"), {"tumor_sensitive": rate, "tumor_escaped": escaped, "tumor_resistant": rate})


def nk_killing(now, p, b):
    """Natural killer cells kill above all what shows no antigen."""
    kept = (
        (1.0 - p.suppression_killing_tgf_beta * now.by_tgf_beta)
        * (1.0 - p.suppression_killing_lactate * now.by_lactate)
        * (1.0 - p.suppression_killing_adenosine * now.by_adenosine)
        * (1.0 - p.suppression_killing_hypoxia * now.t_cell_hypoxia)
    )
    rate = p.nk_killing_per_cell * now.nk * kept / (p.killing_contact_half + now.tumor)
    held = p.nk_killing_mhc_share * rate
    die(b, p.under("nk_killing_"), {"tumor_sensitive": held, "tumor_escaped": rate, "tumor_resistant": held})


def cd8(now, p, b):
    """Effectors that meet antigen divide, secrete interferon gamma, and exhaust; blocked PD-1 brings them back."""
    costimulation = 1.0 / (1.0 + p.node_ctla4_weight)
    contact = p.killing_mhc * now.bearing / (now.tumor + p.killing_contact_half)
    crowd = (now.cd8 + now.cd8_exhausted) / p.cd8_most
    aid = (0.5 + 0.5 * hill(now.cd4, p.cd8_help_half)) * (1.0 + p.cd8_interferon_gain * now.ifn_signal)
    aid *= p.cd8_costimulation_floor + p.cd8_costimulation_gain * costimulation
    birth = p.cd8_proliferation * contact * now.proliferation_capacity * aid
    b.gain["cd8"] += birth * max(1.0 - crowd, 0.0) * now.cd8
    inhibited = p.cd8_exhaustion_floor + (1.0 - p.cd8_exhaustion_floor) * now.pd1
    b.move("cd8", "cd8_exhausted", p.cd8_exhaustion * contact * inhibited)
    b.move("cd8_exhausted", "cd8", p.cd8_revival * (1.0 - now.pd1))
    acid = p.suppression_proliferation_lactate * now.by_lactate
    stress = 1.0 + p.cd8_death_hypoxia * now.t_cell_hypoxia + p.cd8_death_lactate * acid
    regulated = 1.0 + p.suppression_proliferation_treg * now.by_treg
    b.loss["cd8"] += p.cd8_death * stress * regulated * (1.0 + crowd**2)
    b.loss["cd8_exhausted"] += p.cd8_exhausted_death * (1.0 + crowd**2)

    kept = (
        (1.0 - p.suppression_killing_pd1 * now.pd1)
        * (1.0 - p.suppression_killing_adenosine * now.by_adenosine)
        * (1.0 - p.suppression_killing_lactate * now.by_lactate)
        * (1.0 - p.suppression_killing_tgf_beta * now.by_tgf_beta)
    )
    active = (now.cd8 + p.ifn_gamma_exhausted_share * now.cd8_exhausted) * contact * max(kept, p.ifn_gamma_floor)
    b.gain["ifn_gamma"] += p.ifn_gamma_secretion * active + p.ifn_gamma_secretion_nk * now.nk
    b.loss["ifn_gamma"] += p.ifn_gamma_loss
    at_margin(b, now, "ifn_gamma", p.ifn_gamma_diffusivity, 0.0, p.ifn_gamma_host_loss)


# --- who comes ---------------------------------------------------------------------------------------------------


def entry(now, p, b):
    """T cells leave the blood through adhesive vessels where chemokine calls, and over the margin."""
    floor = p.entry_chemokine_floor
    called = floor + (1.0 - floor) * hill(now.cxcl10, p.entry_cxcl10_half)
    freedom = left(now.tgf_beta, p.entry_tgf_beta_half, p.entry_tgf_beta_most)
    gates = left(now.vegf, p.entry_vegf_half, p.entry_vegf_most) * called * freedom
    gates *= now.nests_open * (p.entry_nest_floor + (1.0 - p.entry_nest_floor) * now.pore_gate)
    now.entry_surface = p.leukocyte_traffic * now.functional_surface * gates
    now.cleared = p.entry_clearance * p.entry_factor * now.entry_surface

    specific = now.blood_cd8 / p.blood_volume
    bystander = p.entry_bystander_share * p.blood_memory_cd8 * now.lymphocytes
    b.gain["cd8"] += now.cleared * specific
    b.gain["cd8_bystander"] += now.cleared * bystander
    b.loss["cd8_bystander"] += p.entry_bystander_loss

    strip = p.entry_clearance * p.entry_factor * p.leukocyte_traffic * p.entry_strip_surface * called
    diffusivity = p.entry_motility * now.pore_gate * freedom
    exchange = diffusivity / p.entry_strip_width
    b.margin["cd8"] = (diffusivity, exchange, strip * specific / p.entry_strip_loss)
    b.margin["cd8_bystander"] = (diffusivity, exchange, strip * bystander / p.entry_bystander_loss)


def lymphocytes(now, p, b):
    """CD4 T cells, regulatory T cells and natural killer cells."""
    converted = p.cd4_conversion * hill(now.tgf_beta, p.cd4_conversion_half)
    b.gain["cd4"] += p.cd4_recruitment * now.entry_surface
    b.loss["cd4"] += p.cd4_death + (1.0 - p.cd4_regulatory_share) * converted
    b.move("cd4", "treg", p.cd4_regulatory_share * converted)

    come = p.leukocyte_traffic * now.functional_surface
    division = p.treg_proliferation * hill(now.cd8 + now.cd8_exhausted, p.treg_cd8_half)
    b.gain["treg"] += p.treg_recruitment * come * now.treg_call
    b.gain["treg"] += division * max(1.0 - now.treg / p.treg_most, 0.0) * now.treg
    b.loss["treg"] += p.treg_death

    b.gain["nk"] += p.nk_recruitment * come * (0.5 + 0.5 * hill(now.cxcl10, p.entry_cxcl10_half))
    b.loss["nk"] += p.nk_death


def myeloid_cells(now, p, b):
    """CCL2 calls macrophages and MDSC; macrophages live on CSF-1, arrive inflammatory and turn suppressive, or back."""
    b.gain["csf1"] += p.csf1_secretion * (now.tumor + p.csf1_share_caf * now.caf)
    b.loss["csf1"] += p.csf1_loss + p.csf1_uptake * (now.m1 + now.m2)
    at_margin(b, now, "csf1", p.csf1_diffusivity, p.csf1_host, p.csf1_loss)

    want = 1.0 - hill(now.csf1, p.csf1_half)
    kept = 1.0 - p.myeloid_csf1_dependence * want
    come = p.leukocyte_traffic * now.functional_surface * now.monocyte_call
    b.gain["m1"] += p.myeloid_recruitment * come * kept
    turn = p.myeloid_polarization_rest + p.myeloid_polarization_il10 * hill(now.il10, p.myeloid_il10_half)
    turn += p.myeloid_polarization_lactate * hill(now.lactate, p.myeloid_lactate_half, 2)
    b.move("m1", "m2", p.myeloid_polarization * turn * kept)
    back = p.myeloid_reversal + p.myeloid_reversal_interferon * now.ifn_gamma_response
    b.move("m2", "m1", back + p.myeloid_csf1_reversal * want)
    b.loss["m1"] += p.myeloid_death
    b.loss["m2"] += p.myeloid_death + p.myeloid_csf1_death * want
    b.gain["mdsc"] += p.mdsc_recruitment * come * (1.0 + p.mdsc_csf1_rebound * want)
    b.loss["mdsc"] += p.mdsc_death


def dendritic_cells(now, p, b):
    """Dendritic cells mature on alarm unless held back, and carry antigen to the node."""
    call = 0.5 + 0.5 * hill(now.nk + now.cd8, p.dendritic_lymphocyte_half)
    call += p.dendritic_atp_call * now.atp_signal + p.dendritic_ifn_call * now.ifn_signal
    b.gain["dc_immature"] += p.dendritic_recruitment * p.leukocyte_traffic * now.functional_surface * call
    held = (
        left(now.il10, p.dendritic_il10_half, p.dendritic_il10_most)
        * left(now.vegf, p.dendritic_vegf_half, p.dendritic_vegf_most)
        * left(now.tgf_beta, p.dendritic_tgf_beta_half, p.dendritic_tgf_beta_most)
        * left(now.adenosine, p.dendritic_adenosine_half, p.dendritic_adenosine_most)
    )
    maturing = p.dendritic_maturation * (p.dendritic_maturation_rest + now.alarm) * held
    b.move("dc_immature", "dc_mature", maturing)
    b.loss["dc_immature"] += p.dendritic_immature_death
    b.loss["dc_mature"] += p.dendritic_migration + p.dendritic_mature_death
    eaten = now.dying_immunogenic + p.dendritic_silent_antigen * (now.dying_silent + now.necrotic)
    loaded = hill(eaten * now.bearing / max(now.tumor, 1e-6), p.dendritic_antigen_half)
    leaving = p.dendritic_cross_presenting * p.dendritic_lymphatics * p.dendritic_migration * now.dc_mature
    now.dc_arrival = leaving * loaded


def node(now, p, b):
    """Priming in the node, division, blood, memory and recall."""
    met = hill(now.node_dc, p.node_dc_half)
    b.gain["node_dc"] += now.dc_arrival * now.volume
    b.loss["node_dc"] += p.node_dc_death
    b.gain["precursors"] += p.node_renewal * p.node_clones * p.node_clone_size
    b.loss["precursors"] += p.node_renewal + now.lymphodepletion
    b.move("precursors", "primed_early", p.node_priming * met)
    b.move("primed_early", "primed_late", p.node_stage)
    b.loss["primed_late"] += p.node_stage
    costimulation = 1.0 / (1.0 + p.node_ctla4_weight)
    divisions = p.node_divisions + p.node_divisions_cd28 * costimulation
    divisions += p.node_divisions_help * hill(now.cd4, p.node_help_half)
    b.gain["blood_cd8"] += p.node_stage * now.primed_late * 2.0**divisions
    death = p.blood_cd8_death * (1.0 + now.blood_cd8 / p.blood_cd8_crowding)
    b.loss["blood_cd8"] += death + now.lymphodepletion + now.cleared * now.volume / p.blood_volume

    recalled = p.node_recall * met
    b.gain["memory"] += p.node_memory_share * now.blood_cd8 * max(1.0 - now.memory / p.node_memory_most, 0.0)
    b.loss["memory"] += p.node_memory_death + 0.5 * now.lymphodepletion + recalled
    boost = 2.0 ** (-p.node_recall_fewer) * (1.0 + p.node_recall_pd1 * (1.0 - now.pd1_free))
    b.gain["primed_early"] += boost * recalled * now.memory
    b.gain["lymphocytes"] += p.blood_lymphocyte_renewal
    b.loss["lymphocytes"] += p.blood_lymphocyte_renewal + now.lymphodepletion


# --- one step ----------------------------------------------------------------------------------------------------


SECTIONS = (
    therapy.antibodies, tissue, pores, perfusion, oxygen, hypoxia, glucose, lactate, tumor, therapy.cytotoxic, editing,
    growth_stress, vessels, stroma, checkpoint, suppression, growth_factors, amino_acids, purines, alarm, chemokines,
    lymph, killing, nk_killing, cd8, entry, lymphocytes, myeloid_cells, dendritic_cells, node, therapy.in_tissue,
)  # fmt: skip
"""In an order in which each finds what it reads."""


def flows(s, p, plasma):
    """The balance of all fields in the state `s` under `plasma`, the mean concentration of each drug in the step."""
    now, b = SimpleNamespace(**s, plasma=plasma), Balance()
    for section in SECTIONS:
        section(now, p, b)
    return b


def step(s, p, plasma, dt=0.5):
    """The state `dt` later; see the scheme at the top."""
    b, new, integral = flows(s, p, plasma), dict(s), {}
    for name in (*MOLECULES, *plasma):
        new[name] = through_margin(b.gain[name], b.loss[name], b.margin.get(name, (1.0, 0.0, 0.0)), s["radius"])
    start = dict(s)
    for name in MOTILE:
        crossing = through(b.margin[name], b.loss[name], s["radius"])
        start[name] = (s[name] / dt + crossing * b.margin[name][2]) / (1.0 / dt + crossing)
    slow = (*TISSUE, *RESTING, *BODY, *(name for name in s if name.endswith("_damage")))
    arriving = b.moving + b.charging
    for name in slow:
        known = [(source, rate) for source, target, rate in arriving if target == name and source in integral]
        came = sum(rate * integral[source] for source, rate in known) / dt
        new[name], integral[name] = follow(start[name], b.gain[name] + came, b.loss[name], dt)
    for source, target, rate in b.moving:
        if slow.index(source) > slow.index(target):
            new[target] += rate * integral[source]

    swelling = occupied_share(new, p)
    for name in TISSUE:
        new[name] /= swelling
    new["radius"] = s["radius"] * np.cbrt(swelling)
    new["velocity"] = (new["radius"] - s["radius"]) / 2.0 / dt
    return new


def run(start, values, doses, days, dt=0.5):
    """The states on days 0, 1, …, `days` [list of dicts].

    Args:
        start: value of every field, radius [mm] and velocity [mm/day] by name.
        values: the numbers of the patient by record id, or `Numbers` of them.
        doses: milligrams of each drug by day, `{drug: {day: mg}}`.
        days: how long.
        dt: length of a step [day].
    """
    p = values if isinstance(values, Numbers) else Numbers(values)
    s = dict(start) | {name: 0.0 for name in therapy.fields(doses)}
    bodies = {drug: therapy.kinetics(drug, p, dt, max(given.values(), default=0.0)) for drug, given in doses.items()}
    per_day, states = round(1.0 / dt), [s]
    for day in range(days):
        for part in range(per_day):
            dose = {drug: given.get(day, 0.0) if part == 0 else 0.0 for drug, given in doses.items()}
            plasma = {drug: bodies[drug](dose[drug]) for drug in doses}
            s = step(s, p, plasma, dt)
        states.append(s)
    return states
