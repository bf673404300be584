"""A small cohort run, what it holds, and a Dask cluster of processes that can be killed."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import jax
import pandas as pd
import pyarrow.dataset as ds

from alarmin.cohorts import Plan

PLAN = Plan(
    tumor="nsclc",
    regimen="atezolizumab 1200 mg q3w",
    patients=20,
    seed=3,
    months=2,
    shells=8,
    steps_per_day=1,
    lanes=32,
    candidates=16,
)


def state(run: Path) -> dict[str, str]:
    """SHA-256 of what a run holds, but for the recipe, in which the time stands, and the lock."""
    files = [path for path in run.rglob("*") if path.is_file() and path.name not in ("provenance.json", ".lock")]
    return {str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def rows(run: Path) -> pd.DataFrame:
    """The dataset of a run."""
    return ds.dataset(run / "lesions").to_table().to_pandas()


def environment() -> dict[str, str]:
    """In which other processes compute the same as the tests."""
    return os.environ | {
        "JAX_ENABLE_X64": "1",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "JAX_COMPILATION_CACHE_DIR": jax.config.jax_compilation_cache_dir,  # type: ignore[attr-defined]
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.5",
    }


def begin(*command: str) -> subprocess.Popen:
    """A Python process in a session of its own."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, *command], env=environment(), start_new_session=True, **quiet)


def end(process: subprocess.Popen) -> None:
    """Kills a process with its children."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[tuple[str, list[subprocess.Popen]]]:
    """The address of a Dask scheduler, and its process followed by those of its workers; it notes in `folder`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    processes = [begin("-m", "distributed.cli.dask_scheduler", "--host", address, "--no-dashboard")]
    own = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder))
    try:
        for _ in range(workers):
            processes.append(begin("-m", "distributed.cli.dask_worker", address, *own))
        yield address, processes
    finally:
        for process in processes:
            end(process)
