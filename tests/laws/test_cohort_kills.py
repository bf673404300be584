"""Laws: killed without warning at any moment, process, worker or scheduler, a cohort run goes on to the same bits."""

import os
import random
import signal
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from alarmin import cohorts
from cohort_runs import PLAN, begin, cluster, end, state

SMALL = PLAN.model_copy(update={"candidates": 8})
"""More chunks, so that most moments lie between two of them."""

RUN = """
import sys
from functools import partial
from pathlib import Path
from alarmin import cohorts

if __name__ == "__main__":
    target, who = Path(sys.argv[1]), sys.argv[2]
    workers = partial(cohorts.distributed, who) if ":" in who else partial(cohorts.local, int(who))
    if (target / "manifest.json").exists():
        cohorts.resume(target, workers=workers)
    else:
        cohorts.start(cohorts.Plan.model_validate_json(sys.argv[3]), target, workers=workers)
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory) -> Path:
    """Starts a run, or goes on with it; a file, since the workers of a process read it too."""
    path = tmp_path_factory.mktemp("script") / "run.py"
    path.write_text(RUN)
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("cohort") / "run"
    cohorts.start(SMALL, target, workers=partial(cohorts.local, 1))
    return target


def wait_for(happens, seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < until, "it never happens"
        time.sleep(0.01)


def gone_on(script: Path, target: Path, whole: Path) -> None:
    """The run is finished by this process, and is the same to the bit."""
    if (target / "manifest.json").exists():
        cohorts.resume(target, workers=partial(cohorts.local, 1))
        assert state(target) == state(whole)
    else:
        assert not list(target.glob("lesions/*")), "nothing was lost, since nothing was begun"


def kill_in_a_run(script: Path, target: Path, whole: Path, chance: random.Random, victim: str) -> None:
    """Kills the process, or one of its two workers, some time after the first chunk."""
    process = begin(str(script), str(target), "2", SMALL.model_dump_json())
    try:
        wait_for(lambda: (target / "manifest.json").exists())
        if victim == "worker":
            wait_for(lambda: len(list(target.glob("lesions/part-*"))) > 0 or process.poll() is not None)
        else:
            time.sleep(chance.uniform(0.0, 8.0))
        family = psutil.Process(process.pid).children() if process.poll() is None else []
        workers = [child for child in family if "spawn_main" in " ".join(child.cmdline())]
        if victim == "process":
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            wait_for(lambda: not any(worker.is_running() for worker in workers), 30.0)
        elif workers:
            chance.choice(workers).kill()
            # The run goes on with new workers by itself.
            assert process.wait(300) == 0
            assert state(target) == state(whole)
    finally:
        end(process)
    gone_on(script, target, whole)


def kill_in_a_cluster(script: Path, target: Path, whole: Path, chance: random.Random, victim: str) -> None:
    """Kills the scheduler, or one of its two workers."""
    with cluster(target.parent / "dask") as (address, processes):
        process = begin(str(script), str(target), address, SMALL.model_dump_json())
        try:
            wait_for(lambda: (target / "manifest.json").exists())
            time.sleep(chance.uniform(0.0, 8.0))
            processes[0 if victim == "scheduler" else chance.choice((1, 2))].kill()
            ended = process.wait(300)
            assert victim == "scheduler" or ended == 0, "the other worker goes on"
        finally:
            end(process)
    gone_on(script, target, whole)


KILLS = {
    "process": partial(kill_in_a_run, victim="process"),
    "worker": partial(kill_in_a_run, victim="worker"),
    "scheduler": partial(kill_in_a_cluster, victim="scheduler"),
    "dask worker": partial(kill_in_a_cluster, victim="worker"),
}


def test_a_killed_process_goes_on_to_the_same_bits(script, whole, tmp_path):
    """Its workers end too."""
    KILLS["process"](script, tmp_path / "run", whole, random.Random(1))


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(50))
def test_whoever_is_killed_at_whatever_moment_the_bits_are_the_same(script, whole, tmp_path, moment):
    chance = random.Random(moment)
    victim = ("process", "process", "worker", "scheduler", "dask worker")[moment % 5]
    KILLS[victim](script, tmp_path / "run", whole, chance)
