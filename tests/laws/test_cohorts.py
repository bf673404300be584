"""Laws: a cohort run is the same to the bit in any order, on any workers, after any fault; and says what it refuses."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alarmin import cohorts
from alarmin.cohorts import RunError, chunk, distributed, local, run
from alarmin.cohorts import folder as place
from alarmin.cohorts.plan import made_with
from alarmin.enrollment import enroll
from alarmin.simulation import SimulationError, simulate
from cohort_runs import PLAN, cluster, rows, state

HERE = partial(local, 1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A complete run."""
    target = tmp_path_factory.mktemp("cohort") / "run"
    cohorts.start(PLAN, target, workers=HERE)
    return target


@pytest.fixture(scope="module")
def known() -> dict[int, chunk.Piece]:
    return {}


@pytest.fixture
def remembered(monkeypatch, known) -> None:
    """No chunk is computed twice: faults of writing can be tried by the dozen."""

    def run_chunk(plan, number, expected):
        if number not in known:
            known[number] = chunk.run_chunk(plan, number, expected)
        return known[number]

    monkeypatch.setattr(run, "run_chunk", run_chunk)


class Backwards(Executor):
    """Does what was submitted last first, three at a time."""

    def __init__(self) -> None:
        self.waiting: list = []

    def submit(self, fn, /, *args, **kwargs) -> Future:
        future: Future = Future()
        self.waiting.append((future, partial(fn, *args, **kwargs)))
        if len(self.waiting) == 3:
            for done, work in reversed(self.waiting):
                done.set_result(work())
            self.waiting.clear()
        return future


@contextmanager
def backwards() -> Iterator[tuple[Executor, int]]:
    yield Backwards(), 3


def test_a_run_holds_the_patients_of_the_cohort_of_its_seed(whole):
    """The same patients, and diameters to the bit, as enrolled and simulated in one piece."""
    found, cohort = rows(whole), enroll("nsclc", 20, 3, settings=PLAN.settings)
    assert found["patient"].tolist() == cohort.ids[cohort.patient].tolist()
    assert found["lesion"].tolist() == (cohort.lesion + 1).tolist()
    stop = cohorts.chunk.until_progression(PLAN.trial().scans)
    course = simulate(cohort, PLAN.regimen, months=2, treat_on=stop, settings=PLAN.settings)
    for name, at in (("diameter_start", 0), ("diameter_end", -1)):
        np.testing.assert_array_equal(found[name], course.lesions["diameter"][at].astype(np.float32))
    drawn = cohort.values["oxygen_uptake_tumor"]
    np.testing.assert_array_equal(found["oxygen_uptake_tumor"], drawn.astype(np.float32))
    assert set(found["response"]) <= {"CR", "PR", "SD", "PD", "NE"}
    assert found["scan_diameter"].map(len).eq(2).all()
    assert json.loads((whole / "provenance.json").read_text())["patients"] == 20


def test_the_size_of_chunks_does_not_matter(whole, tmp_path):
    cohorts.start(PLAN.model_copy(update={"candidates": 40}), tmp_path / "run", workers=HERE)
    pd.testing.assert_frame_equal(rows(tmp_path / "run"), rows(whole))


def test_the_order_of_chunks_does_not_matter(whole, tmp_path, remembered):
    """The executor does three chunks where two hold everybody; nothing is left of the third."""
    cohorts.start(PLAN, tmp_path / "run", workers=backwards)
    assert state(tmp_path / "run") == state(whole)


def test_two_processes_give_the_same_bits(whole, tmp_path):
    cohorts.start(PLAN, tmp_path / "run", workers=partial(local, 2))
    assert state(tmp_path / "run") == state(whole)


def test_a_dask_cluster_gives_the_same_bits(whole, tmp_path):
    with cluster(tmp_path / "dask") as (address, _):
        cohorts.start(PLAN, tmp_path / "run", workers=partial(distributed, address))
    assert state(tmp_path / "run") == state(whole)


@pytest.mark.parametrize("address", ["nobody", "tcp://127.0.0.1:1", "http://127.0.0.1:8786"])
def test_a_scheduler_that_does_not_answer_is_refused_before_there_is_a_client(monkeypatch, address):
    """A client of Dask that has found nobody keeps the process for twice as long as it has looked."""
    monkeypatch.setattr("alarmin.cohorts.workers.LOOK_S", 0.3)
    monkeypatch.setattr("distributed.Client", lambda *_, **__: pytest.fail("a client was made"))
    with pytest.raises(RunError, match=f"no Dask scheduler answers at '{address}'"), distributed(address):
        pass


class Killed(BaseException):
    """What nobody can catch."""


def killed_at(step: int, monkeypatch) -> None:
    """Ends the run at the `step`th time that it touches the disk."""
    left = [step]
    real = {name: getattr(os, name) for name in ("fsync", "replace", "unlink")}

    def touch(name, *arguments, **options):
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return real[name](*arguments, **options)

    for name in real:
        monkeypatch.setattr(os, name, partial(touch, name))


def test_a_run_that_ends_at_any_touch_of_the_disk_goes_on_to_the_same_bits(whole, tmp_path, monkeypatch, remembered):
    """At every one of them, in the first run and in the one that goes on."""
    for step in range(1, 100):
        target = tmp_path / f"run{step}"
        with monkeypatch.context() as patched:
            killed_at(step, patched)
            try:
                cohorts.start(PLAN, target, workers=HERE)
                break
            except Killed:
                pass
        if not (target / "manifest.json").exists():
            continue
        with monkeypatch.context() as patched:
            killed_at(step % 7 + 1, patched)
            with suppress(Killed):
                cohorts.resume(target, workers=HERE)
        cohorts.resume(target, workers=HERE)
        assert state(target) == state(whole), step
    assert step > 12


def copied(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


@pytest.mark.parametrize("fault", ["truncated", "changed", "missing", "last"])
def test_a_damaged_chunk_is_noticed_said_and_done_again(whole, tmp_path, remembered, fault):
    """Also the last one, of which only the first patients are kept."""
    target, said = copied(whole, tmp_path), []
    path = sorted((target / "lesions").iterdir())[-1 if fault == "last" else 0]
    content = path.read_bytes()
    if fault == "missing":
        path.unlink()
    else:
        path.write_bytes(content[:-9] if fault != "changed" else content[:99] + b"x" + content[100:])
    assert state(target) != state(whole)
    cohorts.resume(target, workers=HERE, tell=said.append)
    assert state(target) == state(whole)
    assert path.name in said[0] and "done again" in said[0]


def test_a_complete_run_is_left_alone(whole, tmp_path, monkeypatch):
    target, said = copied(whole, tmp_path), []
    monkeypatch.setattr(run, "run_chunk", None)
    cohorts.resume(target, workers=HERE, tell=said.append)
    assert state(target) == state(whole) and not said


def test_other_bits_than_before_are_noticed(whole, tmp_path, monkeypatch, remembered, known):
    """A machine that errs is not trusted."""
    target = copied(whole, tmp_path)
    sorted((target / "lesions").iterdir())[0].unlink()
    monkeypatch.setattr(run, "run_chunk", lambda plan, number, expected: replace(known[number], sha256="0"))
    with pytest.raises(RunError, match="not the same to the bit"):
        cohorts.resume(target, workers=HERE)


def test_a_second_run_in_a_folder_is_refused(whole, tmp_path):
    target = copied(whole, tmp_path)
    with place.locked(target), pytest.raises(RunError, match=f"another run is at work .* process {os.getpid()} "):
        cohorts.resume(target, workers=HERE)
    with pytest.raises(RunError, match=r"exists already\n.*alarmin resume"):
        cohorts.start(PLAN, target, workers=HERE)
    cohorts.resume(target, workers=HERE)


def rewritten(target: Path, **changes) -> None:
    """A run that began with something else."""
    manifest = place.load(target)
    made = manifest.made_with.model_copy(update=changes)
    place.save(target, manifest.model_copy(update={"made_with": made, "key": made.key(PLAN)}))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"alarmin": "0.0.9"}, r"Alarmin was 0\.0\.9 and is "),
        ({"packages": {"jax": "0.1"}}, r"jax was 0\.1 and is"),
        ({"processor": "abacus"}, "the processor was abacus and is"),
        ({"code": {**made_with(PLAN).code, "model/model.py": "other"}}, r"the code of model/model\.py has changed"),
        ({"backend": "gpu"}, "JAX ran on gpu and runs on cpu"),
    ],
)
def test_a_run_that_began_with_something_else_is_refused(whole, tmp_path, changes, sentence):
    target = copied(whole, tmp_path)
    rewritten(target, **changes)
    with pytest.raises(RunError, match=sentence):
        cohorts.resume(target, workers=HERE)


def test_a_changed_record_is_refused_by_name(whole, tmp_path):
    target = copied(whole, tmp_path)
    recipe = json.loads((target / "provenance.json").read_text())
    recipe["parameters"]["oxygen_uptake_tumor"]["value"] = 1.0
    (target / "provenance.json").write_text(json.dumps(recipe))
    rewritten(target, records="other")
    with pytest.raises(RunError, match=r"records have changed; oxygen_uptake_tumor was 1 .* and is "):
        cohorts.resume(target, workers=HERE)


def test_a_changed_plan_is_refused(whole, tmp_path):
    path = copied(whole, tmp_path) / "manifest.json"
    path.write_text(path.read_text().replace('"seed": 3', '"seed": 4'))
    with pytest.raises(RunError, match=r"the plan in .* has been changed"):
        cohorts.resume(tmp_path / "run", workers=HERE)
    path.write_text(path.read_text()[:-20])
    with pytest.raises(RunError, match="is not as a run writes it"):
        cohorts.resume(tmp_path / "run", workers=HERE)
    with pytest.raises(RunError, match="holds no cohort run"):
        cohorts.resume(tmp_path, workers=HERE)


def test_a_worker_that_would_compute_other_bits_is_refused():
    other = made_with(PLAN).model_copy(update={"processor": "abacus"})
    with pytest.raises(RunError, match=r"a worker on .* would compute other bits: the processor was abacus"):
        chunk.run_chunk(PLAN, 0, other)


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A file system with room for the recipe and one chunk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=340k", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("only root can make a file system")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_loses_nothing(whole, disk, remembered):
    """The run ends with a sentence and nothing half-written, and goes on once there is room."""
    with pytest.raises(RunError, match=r"No space left on device; what was finished before is safe\n.*alarmin resume"):
        cohorts.start(PLAN, disk / "run", workers=HERE)
    finished = place.load(disk / "run").chunks
    assert not list((disk / "run").rglob("*.partial"))
    assert len(finished) < 2
    subprocess.run(["mount", "-o", "remount,size=4m", disk], check=True)
    cohorts.resume(disk / "run", workers=HERE)
    assert state(disk / "run") == state(whole)


def test_workers_that_die_again_and_again_are_given_up(tmp_path):
    class Dead(Executor):
        def submit(self, fn, /, *args, **kwargs):
            raise BrokenExecutor("killed")

    @contextmanager
    def dead():
        yield Dead(), 1

    with pytest.raises(RunError, match="workers died 3 times without finishing a chunk: killed"):
        cohorts.start(PLAN, tmp_path / "run", workers=dead)
    assert (tmp_path / "run" / "manifest.json").is_file()


@pytest.fixture
def sick(monkeypatch):
    """The third patient of every chunk has a lesion whose oxygen is no number; the second lesion, if there is one."""
    real = chunk.plausible

    def plausible(candidates, settings):
        found = real(candidates, settings)
        untreated = {name: values.copy() for name, values in found.untreated.items()}
        untreated["oxygen"][:, np.flatnonzero(found.patient == 2)[-1]] = np.nan
        return replace(found, untreated=untreated)

    monkeypatch.setattr(chunk, "plausible", plausible)


def test_a_patient_who_fails_is_named_and_takes_nobody_along(whole, tmp_path, sick):
    cohorts.start(PLAN, tmp_path / "run", workers=HERE)
    found, healthy = rows(tmp_path / "run"), rows(whole)
    failed = found["failed"].notna()
    chunks = len(list((tmp_path / "run" / "lesions").glob("part-*")))
    assert 0 < found[failed]["patient"].nunique() <= chunks
    others = lambda table: table[~failed].reset_index(drop=True)
    # A column with nulls is one of objects.
    pd.testing.assert_frame_equal(others(found), others(healthy), check_dtype=False, check_exact=True)
    assert found[failed][["response", "pfs", "os", "diameter_end", "scan_day"]].isna().all(axis=None)
    pd.testing.assert_series_equal(found["oxygen_uptake_tumor"], healthy["oxygen_uptake_tumor"])
    summary = cohorts.summary(tmp_path / "run")
    assert summary["failed"].keys() == set(found[failed]["patient"])
    assert all("is not a number from day 0 on" in why for why in summary["failed"].values())
    assert summary["patients"] == 20


def test_a_simulation_refuses_a_patient_who_fails_or_leaves_him_out():
    cohort = enroll("nsclc", 4, 3, settings=PLAN.settings)
    untreated = {name: values.copy() for name, values in (cohort.untreated or {}).items()}
    untreated["radius"][:, cohort.patient == 1] = np.inf
    sick = replace(cohort, untreated=untreated)
    sentence = rf"patient {cohort.ids[1]}: .* \(seed 3\); .*oxygen_uptake_tumor "
    with pytest.raises(SimulationError, match=sentence) as error:
        simulate(sick, "", days=21, settings=PLAN.settings)
    assert error.value.failed[0].parameters["oxygen_uptake_tumor"] > 0
    left, others = simulate(sick, "", days=21, drop_failed=True, settings=PLAN.settings), cohort[[0, 2, 3]]
    assert [failure.patient for failure in left.failed] == [cohort.ids[1]]
    expected = simulate(others, "", days=21, settings=PLAN.settings)
    for name in expected.lesions:
        np.testing.assert_array_equal(left.lesions[name], expected.lesions[name])
