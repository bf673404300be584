"""What memory gives: the STREAM triad."""

from functools import partial

import numpy as np

from alarmin.bench.clock import fastest_of

BLOCK = 16_384
"""Values that a thread takes at a time: what it multiplied is still in its cache when it adds."""


def triad(threads: int = 2, values: int = 20_000_000, repeats: int = 5) -> float:
    """Bandwidth of memory [GB/s] in a = b + 3 c, with arrays far beyond any cache.

    Counted as STREAM does: two arrays read and one written; that the written one is read first does not count.
    NumPy, in pieces that stay in the cache: a compiled JAX program takes new pages for its result each time, and was
    four times slower.
    """
    a, b, c = np.zeros(values), np.ones(values), np.ones(values)

    def work(thread: int) -> None:
        for start in range(thread * values // threads, (thread + 1) * values // threads, BLOCK):
            part = slice(start, min(start + BLOCK, (thread + 1) * values // threads))
            np.multiply(c[part], 3.0, out=a[part])
            a[part] += b[part]

    spent = fastest_of([partial(work, thread) for thread in range(threads)], repeats)
    return 3 * a.nbytes / spent / 1e9
