"""Wall time of the same work, several times over and on several threads at once."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax


def fastest(run: Callable[[], Any], workers: int, repeats: int) -> float:
    """Least wall time of `workers` runs at once [s]; the least, since other work on the machine only adds."""
    return fastest_of([run] * workers, repeats)


def fastest_of(runs: Sequence[Callable[[], Any]], repeats: int) -> float:
    """Least wall time of different runs at once [s]."""
    spent = []
    with ThreadPoolExecutor(len(runs)) as pool:
        for _ in range(repeats):
            begin = time.perf_counter()
            list(pool.map(lambda run: jax.block_until_ready(run()), runs))
            spent.append(time.perf_counter() - begin)
    return min(spent)
