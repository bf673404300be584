"""Random numbers that depend on nothing but a seed, the name of their use, and whose they are."""

import zlib
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray


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
    bits = np.asarray(_bits(seed, np.uint32(zlib.crc32(stream.encode())), padded, shape), np.float64)[: len(names)]
    found = (bits + 0.5) / 2.0**32
    found.flags.writeable = False
    return found


def uniform(seed: int, stream: str, ids: NDArray[np.int64], shape: Sequence[int] = ()) -> NDArray[np.float64]:
    """Numbers in (0, 1), shape `[id, *shape]`; row i depends on `seed`, `stream` and `ids[i]` alone.

    Args:
        seed: any non-negative integer.
        stream: what the numbers are for; two uses of one name share their numbers.
        ids: who they are for.
    """
    return _uniform(seed, stream, np.asarray(ids, np.uint32).tobytes(), tuple(shape))


def forget() -> None:
    """Frees the numbers that are kept for who asks again; for long runs, in which nobody will."""
    _uniform.cache_clear()


def normal(seed: int, stream: str, ids: NDArray[np.int64], shape: Sequence[int] = ()) -> NDArray[np.float64]:
    """Standard normal numbers, by the inverse of `uniform`."""
    from scipy.special import ndtri

    return ndtri(uniform(seed, stream, ids, shape))
