"""Exact: a program that is kept gives what tracing gives, to the bit, with any numbers; what is broken is mended."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alarmin as al
from alarmin import programs
from alarmin.numerics.sphere import Sphere
from alarmin.simulation import Settings, advance_days


@pytest.fixture
def folder(tmp_path):
    """A folder of compiled programs that JAX and Alarmin use meanwhile."""
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    yield tmp_path / "programs"
    jax.config.update("jax_compilation_cache_dir", before)


def twice(traced):
    """A kept function of two dictionaries and a number, which notes when it is traced."""

    @programs.kept(lambda a, b, power: {"sum": a["x"], "left": a})
    def combine(a, b, power):
        traced.append(power)
        return {"sum": a["x"] ** power + b["y"], "left": a}

    return combine


def test_a_program_is_traced_once_and_found_again(folder):
    """By another object of the same function, as in another run; another constant or shape is another program."""
    traced = []
    a, b = {"x": jnp.arange(3.0)}, {"y": jnp.ones(3)}
    for numbers in (1.0, 5.0):
        found = twice(traced)({"x": a["x"] * numbers}, b, 2)
        np.testing.assert_array_equal(found["sum"], (a["x"] * numbers) ** 2 + 1.0)
        np.testing.assert_array_equal(found["left"]["x"], a["x"] * numbers)
    assert traced == [2] and len(list(folder.iterdir())) == 1
    assert twice(traced)(a, b, 3)["sum"][2] == 9.0
    assert twice(traced)({"x": jnp.arange(4.0)}, {"y": jnp.ones(4)}, 2)["sum"].shape == (4,)
    assert traced == [2, 3, 2] and len(list(folder.iterdir())) == 3


def test_what_is_broken_is_compiled_again(folder):
    traced, a, b = [], {"x": jnp.arange(3.0)}, {"y": jnp.ones(3)}
    twice(traced)(a, b, 2)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert twice(traced)(a, b, 2)["sum"][2] == 5.0
    assert traced == [2, 2] and len(path.read_bytes()) == pytest.approx(len(whole), rel=0.1)


def test_other_code_is_another_program(folder, monkeypatch):
    traced, a, b = [], {"x": jnp.arange(3.0)}, {"y": jnp.ones(3)}
    twice(traced)(a, b, 2)
    monkeypatch.setattr(programs, "_origin", lambda: "other code")
    twice(traced)(a, b, 2)
    assert traced == [2, 2]


def test_under_another_transformation_and_without_a_folder_nothing_is_kept(folder, tmp_path):
    traced, a, b = [], {"x": jnp.arange(3.0)}, {"y": jnp.ones(3)}
    combine = twice(traced)
    slope = jax.grad(lambda x: combine({"x": x}, b, 2)["sum"].sum())(a["x"])
    np.testing.assert_array_equal(slope, 2.0 * a["x"])
    jax.config.update("jax_compilation_cache_dir", None)
    assert not combine.prepare(a, b, 2) and combine(a, b, 2)["sum"][1] == 2.0
    assert not folder.exists()


@pytest.mark.slow
def test_no_number_is_part_of_the_program_of_a_lesion(folder):
    """Other patients, each record a tenth larger, and another dose run through the program of the first, to the bit."""
    settings = Settings(grid=Sphere(12, 1.5), lanes=16, workers=1)
    runs = {}
    for kept in (True, False):
        jax.config.update("jax_compilation_cache_dir", str(folder.parent) if kept else None)
        cohorts = [al.cohort("nsclc", 2, seed, settings=settings) for seed in (0, 7)]
        larger = {
            name: record.model_copy(update={"value": 1.1 * record.value}) for name, record in cohorts[0].records.items()
        }
        cohorts.append(type(cohorts[0])(**{**vars(cohorts[0]), "records": larger}))
        advance_days._held.clear()
        runs[kept] = [
            al.simulate(cohort, dose, days=42, settings=settings).lesions
            for cohort, dose in zip(cohorts, ("docetaxel 75 mg/m2 q3w", *["docetaxel 40 mg/m2 q3w"] * 2), strict=True)
        ]
        if kept:
            # Enrollment has programs of its own; the three runs share one.
            assert len(advance_days._held) == 1
    for mine, other in zip(runs[True], runs[False], strict=True):
        for name in mine:
            np.testing.assert_array_equal(mine[name], other[name])
    assert any((runs[True][0][name] != runs[True][2][name]).any() for name in runs[True][0])
