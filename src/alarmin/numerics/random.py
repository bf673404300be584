"""Random numbers that depend on nothing but a seed, the name of their use, and whose they are."""

import zlib
from collections.abc import Sequence

import jax
import numpy as np
from numpy.typing import NDArray


def _keys(seed: int, stream: str, ids: NDArray[np.int64]) -> jax.Array:
    root = jax.random.fold_in(jax.random.key(seed), zlib.crc32(stream.encode()))
    return jax.vmap(lambda i: jax.random.fold_in(root, i))(np.asarray(ids, np.uint32))


def uniform(seed: int, stream: str, ids: NDArray[np.int64], shape: Sequence[int] = ()) -> NDArray[np.float64]:
    """Numbers in (0, 1), shape `[id, *shape]`; row i depends on `seed`, `stream` and `ids[i]` alone.

    Args:
        seed: any non-negative integer.
        stream: what the numbers are for; two uses of one name share their numbers.
        ids: who they are for.
    """
    draw = jax.vmap(lambda key: jax.random.bits(key, tuple(shape), np.uint32))
    bits = np.asarray(draw(_keys(seed, stream, ids)), np.float64)
    return (bits + 0.5) / 2.0**32


def normal(seed: int, stream: str, ids: NDArray[np.int64], shape: Sequence[int] = ()) -> NDArray[np.float64]:
    """Standard normal numbers, by the inverse of `uniform`."""
    from scipy.special import ndtri

    return ndtri(uniform(seed, stream, ids, shape))
