"""How the burden of one patient answers to the parameters that move it most, by differentiation and by differences.

python benchmarks/elasticities.py [REGIMEN]
"""

import sys
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

import alarmin as al  # noqa: E402
from alarmin.cli.face import keep_programs  # noqa: E402
from alarmin.explain.gradients import elasticities, log_burden, prepared  # noqa: E402
from alarmin.patients.variation import MOST_LESIONS  # noqa: E402
from alarmin.therapy.regimen import parse  # noqa: E402

SHOWN, STEP, DAYS = 8, 1e-4, 84
keep_programs()
regimen = sys.argv[1] if len(sys.argv) > 1 else "atezolizumab 1200 mg q3w"
settings = al.Settings(precision="float64")
patient = al.cohort("nsclc", 1, seed=0)
found = elasticities(patient, regimen, days=DAYS, settings=settings)
start = prepared(patient, parse(regimen), DAYS, replace(settings, lanes=MOST_LESIONS))
run = eqx.filter_jit(log_burden)
agents = [name for name in found if name.startswith(parse(regimen).agents)]
for record in [*list(found)[:SHOWN], *agents[:1]]:
    one = np.zeros(len(start.records))
    one[start.records.index(record)] = STEP
    difference = (float(run(start, jnp.asarray(one))) - float(run(start, jnp.asarray(-one)))) / (2.0 * STEP)
    print(f"| `{record}` | {found[record]:.3g} | {difference:.3g} |", flush=True)
