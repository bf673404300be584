"""Every test runs in double precision, on the CPU, with the strictest JAX."""

import gc
import os
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import numpy as np
import platformdirs
import pytest

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")
# Compiled programs are kept between runs of the tests.
jax.config.update("jax_compilation_cache_dir", os.path.join(platformdirs.user_cache_dir("alarmin"), "tests"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


MAPPED = 30_000
"""Pieces of memory of which a process lets go of its programs; Linux gives it 65,530, and beyond them it crashes."""


@pytest.fixture(autouse=True, scope="module")
def programs_that_are_let_go():
    """A program takes several pieces of memory, and a process that runs thousands of tests compiles thousands."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > MAPPED:
        jax.clear_caches()
        gc.collect()


@pytest.fixture
def virtual_cohort():
    """Makes cohorts for readouts and trials, without biology: `virtual_cohort(patients, lesions, record=value)`."""
    from alarmin.numerics.random import normal
    from alarmin.patients import Cohort
    from alarmin.patients.variation import shift
    from alarmin.records import parameters

    def make(patients: int, lesions: int = 1, *, seed: int = 1, vary: bool = True, **changes: float) -> Cohort:
        known = parameters()
        records = known | {name: known[name].model_copy(update={"value": value}) for name, value in changes.items()}
        ids, lesion = np.arange(patients), np.tile(np.arange(lesions), patients)
        patient = np.repeat(ids, lesions)
        values = {}
        for name, record in records.items():
            if not vary or not name.startswith(("patient_", "scan_", "lesion_elongation")):
                continue
            if record.between_patients is not None:
                value = np.full(len(patient), record.value)
                values[name] = shift(value, normal(seed, name, ids)[patient], record.between_patients)
            if record.between_lesions is not None:
                value = np.full(len(patient), record.value)
                values[name] = shift(value, normal(seed, name, ids, (5,))[patient, lesion], record.between_lesions)
        return Cohort("virtual", seed, ids, patient, lesion, values, records)

    return make


@pytest.fixture
def made_up_lesions():
    """Makes a bank of lesions that shrink at first and grow back, without biology: `made_up_lesions(patients)`."""
    from alarmin.forecast.bank import Bank

    def make(patients: int = 150) -> Bank:
        rng = np.random.default_rng(3)
        patient = np.repeat(np.arange(patients), 2)
        days = np.arange(0.0, 1135.0, 7.0)
        doubling = np.exp(np.log(120.0) + 0.6 * rng.standard_normal(patients))[patient]
        killing = np.exp(np.log(0.004) + 0.8 * rng.standard_normal(patients))[patient]
        first = np.exp(np.log(32.0) + 0.4 * rng.standard_normal(len(patient)))
        level = np.log(2.0) / 3.0 / doubling * days[:, None] - killing * 90.0 * (1.0 - np.exp(-days / 90.0))[:, None]
        values = {
            "tumor_doubling_time": doubling,
            "killing_per_cell": killing,
            "purines_release": rng.standard_normal(patients)[patient],
        }
        diameter = np.minimum(first * np.exp(level), 200.0)
        return Bank("nsclc", "atezolizumab 1200 mg q3w", "made up", (), days, diameter, patient, values)

    return make
