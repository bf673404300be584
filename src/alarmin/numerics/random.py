"""Random numbers that depend on nothing but a seed, the name of their use, and whose they are."""

import zlib
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from alarmin.errors import AlarminError

LARGEST_SEED = 2**31 - 1
"""Largest seed that can be asked for; those that follow one by one, of populations, go on from it up to `_LAST`."""
_LAST = 2**32 - 1


@partial(jax.jit, static_argnums=3)
def _bits(seed: Any, stream: Any, ids: Any, shape: tuple[int, ...]) -> jax.Array:
    root = jax.random.fold_in(jax.random.key(seed), stream)
    return jax.vmap(lambda i: jax.random.bits(jax.random.fold_in(root, i), shape, np.uint32))(ids)


@lru_cache(maxsize=4096)
def _uniform(seed: int, stream: str, ids: bytes, shape: tuple[int, ...]) -> NDArray[np.float64]:
    names = np.frombuffer(ids, np.uint32)
    # Padded to a power of two, and to a thousand at least: few sizes are compiled, which takes longer than drawing.
    padded = np.zeros(1 << max(len(names) - 1, 1023).bit_length(), np.uint32)
    padded[: len(names)] = names
    bits = np.asarray(_bits(np.uint32(seed), np.uint32(zlib.crc32(stream.encode())), padded, shape), np.float64)[
        : len(names)
    ]
    found = (bits + 0.5) / 2.0**32
    found.flags.writeable = False
    return found


def uniform(seed: int, stream: str, ids: NDArray[np.int64], shape: Sequence[int] = ()) -> NDArray[np.float64]:
    """Numbers in (0, 1), shape `[id, *shape]`; row i depends on `seed`, `stream` and `ids[i]` alone.

    Args:
        seed: from 0 to 4294967295; any other is refused.
        stream: what the numbers are for; two uses of one name share their numbers.
        ids: who they are for.
    """
    if not 0 <= seed <= _LAST:
        raise AlarminError(f"seed {seed}", remedy=f"give a whole number from 0 to {LARGEST_SEED}")
    return _uniform(seed, stream, np.asarray(ids, np.uint32).tobytes(), tuple(shape))


def forget() -> None:
    """Frees the numbers that are kept for who asks again; for long runs, in which nobody will."""
    _uniform.cache_clear()


def normal(seed: int, stream: str, ids: NDArray[np.int64], shape: Sequence[int] = ()) -> NDArray[np.float64]:
    """Standard normal numbers, by the inverse of `uniform`."""
    from scipy.special import ndtri

    return ndtri(uniform(seed, stream, ids, shape))
