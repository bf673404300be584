"""Compiled programs that are kept between runs, so that a later one neither traces nor compiles them again.

JAX keeps what it compiled by what it traced, and tracing the model takes longer than a short run. Here a program is
found by what determines it before anything is traced: the code and the data that it is made from, the structure of its
arguments with all that is no array in it, the shapes of the arrays, and the machine. Numbers are arguments and never
part of a program.
"""

import hashlib
import os
import pickle
import platform
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax.core import Tracer
from jax.experimental import serialize_executable

ROOMS = ("biology", "mechanism", "model", "numerics", "programs", "records", "simulation", "state", "therapy", "units")
"""What programs are made from: these rooms, with their data."""

WIDE = {"avx512_vp2intersect", "avx512_fp16"}
"""Instructions that came with processors that compute on 512 bits at once (Zen 5; Sapphire Rapids)."""


@cache
def processor(about: str) -> str:
    """What the system says of its processor (`model name`, `flags`); nothing where it does not say."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(about):
                return line.partition(":")[2].strip()
    return ""


OPTIONS: dict[str, Any] = {
    "xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED",
    **({"xla_cpu_prefer_vector_width": 512} if WIDE & {*processor("flags").split()} else {}),
}
"""What the compiler is told beside a program: to use as little room as it can, and vectors as wide as they are fast.

It refuses options that it does not know; these are those of jaxlib 0.10.
"""


def jitted(function: Callable[..., Any]) -> Any:
    """`equinox.filter_jit` with what the compiler is told."""
    jit: Any = eqx.filter_jit
    return jit(function, compiler_options=OPTIONS)


class Kept:
    """A function of arrays, compiled for each structure and shape of its arguments; as `equinox.filter_jit` otherwise.

    Programs are kept in the folder of compiled programs where JAX has one. Without it, under another transformation,
    and where a program cannot be read, they are traced and compiled as usual.

    Args:
        function: of pytrees; what is no array in them is part of the program.
        like: of the same arguments, a pytree with the structure of the result.
    """

    def __init__(self, function: Callable[..., Any], like: Callable[..., Any]) -> None:
        self.function, self.like, self.usual = function, like, jitted(function)
        self.__doc__ = function.__doc__
        self._held: dict[Any, Any] = {}
        self._lock = threading.Lock()

    def __call__(self, *arguments: Any) -> Any:
        program, leaves = self._program(arguments)
        if program is None:
            # Within another transformation, the compiler is told by that one.
            within = any(isinstance(leaf, Tracer) for leaf in leaves)
            return (eqx.filter_jit(self.function) if within else self.usual)(*arguments)
        return jax.tree.unflatten(jax.tree.structure(self.like(*arguments)), program(leaves))

    def prepare(self, *arguments: Any) -> bool:
        """Finds or compiles the program for such arguments; False where it is not kept, and nothing was done."""
        return self._program(arguments)[0] is not None

    def _program(self, arguments: tuple[Any, ...]) -> tuple[Any, list[Any]]:
        """The program for such arguments, None where it is not kept, and the arrays that it takes."""
        folder = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
        arrays, rest = eqx.partition(arguments, lambda leaf: isinstance(leaf, jax.Array | np.ndarray | np.generic))
        leaves, structure = jax.tree.flatten(arrays)
        if folder is None or any(isinstance(leaf, Tracer) for leaf in leaves):
            return None, leaves
        shapes = tuple((leaf.shape, str(leaf.dtype), getattr(leaf, "weak_type", False)) for leaf in leaves)
        key = (structure, tuple(jax.tree.leaves(rest)), shapes)
        with self._lock:
            if key not in self._held:
                self._held[key] = self._found(Path(folder) / "programs", str(key), arrays, rest)
        return self._held[key], leaves

    def _found(self, folder: Path, told: str, arrays: Any, rest: Any) -> Any:
        """The program from its file, or compiled now; None where what it depends on has no name of its own."""
        if " at 0x" in told:
            return None
        key = hashlib.sha256("\n".join((self.function.__qualname__, told, _origin())).encode()).hexdigest()
        path = folder / f"{self.function.__name__}-{key[:32]}"
        return _read(path) or self._compiled(arrays, rest, path)

    def _compiled(self, arrays: Any, rest: Any, path: Path) -> Any:
        leaves, structure = jax.tree.flatten(arrays)

        def flat(leaves: list[Any]) -> list[Any]:
            return jax.tree.leaves(self.function(*eqx.combine(jax.tree.unflatten(structure, leaves), rest)))

        # A name of its own, so that JAX knows no such program either.
        flat.__name__ = f"kept_{self.function.__name__}"
        lowered = jax.jit(flat).lower(leaves)
        with _alone():
            program = lowered.compile(OPTIONS)
        _write(path, program)
        try:
            # What was written is of use only if it runs.
            jax.block_until_ready((_read(path) or program)(leaves))
        except jax.errors.JaxRuntimeError:
            path.unlink(missing_ok=True)
        return program


def kept(like: Callable[..., Any]) -> Callable[[Callable[..., Any]], Kept]:
    """Makes a function `Kept`."""
    return lambda function: Kept(function, like)


@contextmanager
def _alone() -> Iterator[None]:
    """Keeps JAX from keeping the program as well: one that it has read from its own folder cannot be written again."""
    least = jax.config.jax_persistent_cache_min_compile_time_secs  # type: ignore[attr-defined]
    jax.config.update("jax_persistent_cache_min_compile_time_secs", float("inf"))
    try:
        yield
    finally:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", least)


@cache
def _origin() -> str:
    """What else a program depends on: code and data, packages, options of the compiler, and the machine."""
    root, digest = Path(__file__).parent, hashlib.sha256()
    for path in sorted(path for kind in ("*.py", "*.toml") for path in root.rglob(kind)):
        place = path.relative_to(root)
        if Path(place.parts[0]).stem in ROOMS:
            digest.update(place.as_posix().encode() + path.read_bytes())
    digest.update(processor("flags").encode())
    told = (version("jax"), version("jaxlib"), jax.default_backend(), platform.machine(), platform.processor())
    return "\n".join((digest.hexdigest(), *told, str(OPTIONS), os.environ.get("XLA_FLAGS", "")))


def _read(path: Path) -> Any:
    """The program in a file; None where there is none that can be read."""
    # Whatever is wrong with what was kept, compiling again mends it.
    with suppress(Exception):
        return serialize_executable.deserialize_and_load(*pickle.loads(zlib.decompress(path.read_bytes())))
    return None


def _write(path: Path, program: Any) -> None:
    """Keeps a program, whole or not at all; whatever cannot be kept is compiled again."""
    with suppress(Exception):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}")
        part.write_bytes(zlib.compress(pickle.dumps(serialize_executable.serialize(program)), 1))
        part.replace(path)
