"""A PEtab problem of a patient: the SBML model, a simulated patient's scans as measurements, records as priors.

Readers of PEtab (pyPESTO, AMICI, PEtab.jl, Data2Dynamics) fit it as it is. What is estimated are the records of the
biology that differ most between patients of the type, each with its spread as prior.
"""

import math
from typing import Any

import numpy as np

from alarmin.errors import AlarminError
from alarmin.exports.network import Constant, network
from alarmin.exports.patient import ONE_SHELL, double
from alarmin.exports.sbml import write
from alarmin.patients import Cohort
from alarmin.readouts.scan import longest_diameter, read
from alarmin.simulation import simulate
from alarmin.therapy.regimen import Regimen

CONDITION = "treated"
WEEKS_BETWEEN_SCANS = 6
MOST_ESTIMATED = 8


def petab_files(
    cohort: Cohort, regimen: str | Regimen = "", *, days: int = 180, estimated: int = MOST_ESTIMATED
) -> dict[str, str]:
    """The files of a PEtab problem (version 1) by name, checked by PEtab's own rules.

    Observables are the longest diameter of each lesion as a reader reports it [mm], with the error of scans, and the
    tumor cells in it on a logarithmic scale. Measurements are scans of the patient every six weeks; no scan counts
    cells, so that the second observable waits for data.

    Args:
        cohort: one patient in the untreated state of lesions of one shell (`alarmin.exports.well_mixed`).
        regimen: in the regimen language; empty for no treatment.
        days: length of follow-up.
        estimated: how many records are to be estimated.

    Raises `AlarminError` without the library petab, or where its check fails.
    """
    try:
        import petab  # noqa: F401
    except ImportError:
        raise AlarminError(
            "petab is not installed", remedy="pip install '.[sbml]' in a copy of the repository"
        ) from None
    import pandas as pd

    model = network(cohort, regimen, days=days)
    with double():
        course = simulate(cohort, regimen, days=days, settings=ONE_SHELL)
    scans = np.arange(0.0, days + 1.0, 7.0 * WEEKS_BETWEEN_SCANS)
    seen = read(cohort, course.days, course.lesions["diameter"], np.repeat(scans[:, None], 1, axis=1))
    elongation = longest_diameter(cohort, np.ones(cohort.lanes))
    error, relative = (cohort.records[f"scan_{name}"].value for name in ("error", "relative_error"))
    observables, measured = [], []
    for lesion in range(cohort.lanes):
        at = lambda name, lesion=lesion: name if cohort.lanes == 1 else f"{name}_{lesion + 1}"
        size = f"{float(elongation[lesion])!r} * {at('diameter')}"
        noise = f"sqrt({error!r}^2 + ({relative!r} * {size})^2)"
        observables.append((f"observable_{at('diameter')}", size, noise, "lin"))
        observables.append((f"observable_{at('tumor')}", at("tumor_cells"), "0.3", "log"))
        for row, day in enumerate(scans):
            if seen[row, lesion] > 0.0:
                measured.append((f"observable_{at('diameter')}", CONDITION, float(seen[row, lesion]), day))
    tables = {
        "conditions": pd.DataFrame({"conditionId": [CONDITION], "conditionName": [model.title]}),
        "observables": pd.DataFrame(
            observables,
            columns=pd.Index(["observableId", "observableFormula", "noiseFormula", "observableTransformation"]),
        ),
        "measurements": pd.DataFrame(
            measured, columns=pd.Index(["observableId", "simulationConditionId", "measurement", "time"])
        ),
        "parameters": pd.DataFrame([_parameter(*item) for item in _estimated(model.constants, estimated)]),
    }
    files = {f"{name}.tsv": table.to_csv(sep="\t", index=False) for name, table in tables.items()}
    files |= {"model.xml": write(model), "problem.yaml": PROBLEM}
    _lint(files)
    return files


PROBLEM = """\
format_version: 1
parameter_file: parameters.tsv
problems:
  - sbml_files: [model.xml]
    condition_files: [conditions.tsv]
    observable_files: [observables.tsv]
    measurement_files: [measurements.tsv]
"""


def _estimated(constants: dict[str, Any], most: int) -> list[tuple[str, Any]]:
    """The constants of the biology that differ most between patients, by id."""
    spread = lambda record: (record.between_patients.cv or 0.0) if record.between_patients else 0.0
    found = [(id, constant) for id, constant in constants.items() if constant.record and constant.value > 0.0]
    found = [item for item in found if spread(item[1].record) > 0.0]
    return sorted(found, key=lambda item: (-spread(item[1].record), item[0]))[:most]


def _parameter(id: str, constant: Constant) -> dict[str, Any]:
    """A row of the table of parameters: nominal is this patient's value, the prior is log-normal as patients differ."""
    record, value = constant.record, constant.value
    assert record is not None and record.between_patients is not None
    sd = math.sqrt(math.log1p((record.between_patients.cv or 0.0) ** 2))
    median = record.to(constant.unit)
    return {
        "parameterId": id,
        "parameterName": record.title,
        "parameterScale": "log10",
        "lowerBound": min(value, median * math.exp(-4.0 * sd)),
        "upperBound": max(value, median * math.exp(4.0 * sd)),
        "nominalValue": value,
        "estimate": 1,
        "objectivePriorType": "logNormal",
        "objectivePriorParameters": f"{math.log(median)!r};{sd!r}",
    }


def _lint(files: dict[str, str]) -> None:
    """PEtab's own check of the problem."""
    import logging
    import tempfile
    from pathlib import Path

    from petab.v1 import Problem
    from petab.v1.lint import lint_problem

    logging.getLogger("petab").setLevel(logging.WARNING)  # errors are told, tables that may be left out are not
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_text(content, encoding="utf-8")
        if lint_problem(Problem.from_yaml(str(Path(folder) / "problem.yaml"))):
            raise AlarminError("PEtab's check finds errors in the problem", remedy="report tumor, patient and regimen")
