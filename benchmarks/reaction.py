"""Explicit diffusion of ten fields that turn into one another, beside py-pde's numba backend, taking turns.

    python benchmarks/reaction.py PYTHON [rounds]

PYTHON is an interpreter that has py-pde and numba (`python -m venv peers; peers/bin/pip install py-pde numba`), apart
from the one that has Alarmin. Both compute in double precision, as py-pde does; the fastest of each counts, and the
results of both are compared.
"""

import json
import subprocess
import sys
import time

FIELDS, STEPS, NUMBER, RATE = 10, 30, 0.1, 0.01
SHAPES = ((128, 128), (64, 64, 64))


def start(shape: tuple[int, ...]):
    """The same field values on both sides, `[field, *axes]`."""
    import numpy as np

    return np.random.default_rng(0).random((FIELDS, *shape))


def peer() -> None:
    """py-pde: for each shape, the time to start, then a line for each line that comes."""
    import numpy as np
    import pde  # type: ignore[import-not-found]

    for shape in SHAPES:
        began = time.perf_counter()
        grid = pde.CartesianGrid([[0, n] for n in shape], shape)
        turn = lambda k: f"u{k % FIELDS} / (1 + u{k % FIELDS})"
        terms = {f"u{k}": f"{NUMBER} * laplace(u{k}) + {RATE} * ({turn(k - 1)} - {turn(k)})" for k in range(FIELDS)}
        equation = pde.PDE(terms, bc={"derivative": 0})
        state = pde.FieldCollection([pde.ScalarField(grid, values) for values in start(shape)])
        solver = pde.EulerSolver(equation, backend="numba")
        step = solver.make_stepper(state, dt=1.0)
        step(state, 0.0, float(STEPS))
        print(json.dumps([time.perf_counter() - began, float(np.sum(state.data[0] ** 2))]), flush=True)
        while sys.stdin.readline().strip() == "go":
            began = time.perf_counter()
            step(state, 0.0, float(STEPS))
            print(time.perf_counter() - began, flush=True)


def main() -> None:
    """Takes turns with the peer, and prints what came out as JSON."""
    if len(sys.argv) < 2:
        raise SystemExit("Nothing was measured: name an interpreter that has py-pde and numba.")
    other, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 7
    if subprocess.run([other, "-c", "import pde, numba"], capture_output=True).returncode:
        raise SystemExit(f"Nothing was measured: {other} has no py-pde with numba.")
    import jax
    import jax.numpy as jnp

    from alarmin.bench.reaction import explicit_step

    jax.config.update("jax_enable_x64", True)
    child = subprocess.Popen([other, __file__, "--peer"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None and child.stdout is not None
    found = []
    for shape in SHAPES:
        compiled, theirs = json.loads(child.stdout.readline())
        began = time.perf_counter()
        values = jnp.asarray(start(shape))
        run = jax.jit(lambda values: jax.lax.fori_loop(0, STEPS, lambda _, u: explicit_step(u, NUMBER, RATE), values))
        ours = float(jnp.sum(run(values)[0] ** 2))
        started = time.perf_counter() - began
        spent: dict[str, list[float]] = {"py-pde": [], "alarmin": []}
        for _ in range(rounds):
            print("go", file=child.stdin, flush=True)
            spent["py-pde"].append(float(child.stdout.readline()))
            began = time.perf_counter()
            values = jax.block_until_ready(run(values))
            spent["alarmin"].append(time.perf_counter() - began)
        print("next", file=child.stdin, flush=True)
        rate = {name: values.size * STEPS / min(times) / 1e6 for name, times in spent.items()}
        found.append(
            {
                "shape": shape,
                "million_voxel_field_steps_per_s": rate,
                "ratio": rate["alarmin"] / rate["py-pde"],
                "started_s": {"py-pde": compiled, "alarmin": started},
                "difference": abs(ours / theirs - 1.0),
            }
        )
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    peer() if sys.argv[1:] == ["--peer"] else main()
