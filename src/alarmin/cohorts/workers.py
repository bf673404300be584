"""Who computes chunks: this process, processes of this machine, or the workers of a Dask scheduler.

All are executors of `concurrent.futures`: anything with `submit` does.
"""

import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.connection import wait
from typing import Any

import jax

from alarmin.cohorts.plan import RunError

Workers = Callable[[], AbstractContextManager[tuple[Executor, int]]]
"""Opens an executor, and says how many chunks it can have at a time; `BrokenExecutor` says that it has lost workers."""

SETTINGS = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs", "jax_enable_x64")
LOOK_S = 20
"""Time for which a scheduler is looked for [s]."""
WAIT_S = 60
"""Time for which the first worker of a scheduler is waited for [s]."""
AHEAD = 2
"""Chunks at a time for each worker, so that none waits for work while results are written."""


class Here(Executor):
    """Does what is submitted at once, in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def local(processes: int) -> Iterator[tuple[Executor, int]]:
    """So many processes of this machine, each on one processor; with one, this process itself, on all of them."""
    if processes == 1:
        yield Here(), 1
        return
    settings = {name: getattr(jax.config, name) for name in SETTINGS}
    pool = ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(settings,)
    )
    try:
        yield pool, AHEAD * processes
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def distributed(address: str) -> Iterator[tuple[Executor, int]]:
    """The workers of the Dask scheduler at `address`."""
    try:
        from distributed import Client, KilledWorker
        from distributed.comm.addressing import get_address_host_port
        from distributed.comm.core import CommClosedError
    except ImportError:
        raise RunError(
            "Dask is not installed", remedy="pip install '.[distributed]' in a copy of the repository"
        ) from None
    try:
        _reach(*get_address_host_port(address))
        client = Client(address, timeout=LOOK_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise RunError(
            f"no Dask scheduler answers at {address!r}: {error}",
            remedy="start one with: dask scheduler, and give the address that it prints",
        ) from None
    try:
        client.wait_for_workers(1, timeout=WAIT_S)
        threads: Any = client.nthreads()
        yield client.get_executor(pure=False), AHEAD * sum(threads.values())
    except (KilledWorker, CommClosedError, CancelledError) as error:
        raise BrokenExecutor(f"{type(error).__name__}: {error}") from None
    finally:
        client.close(timeout=5)


def _reach(host: str, port: int) -> None:
    """Returns once somebody answers there; one who has just been started may take a moment.

    A client of Dask that has found nobody takes twice as long again to end.
    """
    last = time.monotonic() + LOOK_S
    while True:
        try:
            socket.create_connection((host, port), timeout=LOOK_S).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() > last:
                raise
            time.sleep(0.2)


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin(settings: dict[str, Any]) -> None:
    """Readies a worker: the settings of its parent, and an end when the parent ends, even if it is killed."""
    # As many threads as there are processors, in each of as many workers, would wait for one another.
    os.environ["NPROC"] = "1"
    for name, value in settings.items():
        jax.config.update(name, value)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
