"""The patient who is exported: the very person of a simulated cohort, with every lesion well mixed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import jax

from alarmin.enrollment import enroll, settled
from alarmin.numerics.sphere import Sphere
from alarmin.patients import Cohort
from alarmin.simulation import Settings

ONE_SHELL = Settings(grid=Sphere(1), lanes=8, workers=1, precision="float64")
"""Well-mixed lesions in double precision; within `double` alone."""


@contextmanager
def double() -> Iterator[None]:
    """Lets JAX compute in double precision, in all threads; `jax.enable_x64` would in this one alone."""
    before = jax.config.jax_enable_x64  # type: ignore[attr-defined]
    jax.config.update("jax_enable_x64", True)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)


def mixed(cohort: Cohort) -> Cohort:
    """The same patients, with every lesion well mixed, in the untreated state."""
    with double():
        return settled(cohort, ONE_SHELL)


def well_mixed(
    tumor: str, patient: int = 1, seed: int = 0, *, progress: Callable[[int, int], None] | None = None
) -> Cohort:
    """Patient `patient` (from 1) of the cohort that `alarmin simulate` takes, in the untreated state when well mixed.

    Args:
        tumor: tumor type.
        patient: which patient of the cohort.
        seed: seed of the cohort.
        progress: is told how many patients of how many are found.
    """
    found = enroll(tumor, patient, seed, settings=Settings(lanes=64), progress=progress)
    return mixed(found[[patient - 1]])
