"""Surface: an exported PEtab problem is one by PEtab's own check, and says what the patient's records say."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from alarmin.cli.main import app
from alarmin.enrollment import enroll
from alarmin.errors import AlarminError
from alarmin.exports.patient import ONE_SHELL
from alarmin.exports.petab import _lint, petab_files
from alarmin.patients import Cohort

petab = pytest.importorskip("petab.v1", reason="needs the extra [sbml]")


@pytest.fixture(scope="module")
def patient() -> Cohort:
    """The first patient with one lesion, well mixed."""
    cohort = enroll("nsclc", 6, seed=5, settings=ONE_SHELL)
    return cohort[int(np.flatnonzero(np.bincount(cohort.patient) == 1)[0])]


@pytest.fixture(scope="module")
def files(patient: Cohort) -> dict[str, str]:
    """The files of an untreated patient."""
    return petab_files(patient, "", days=84)


def call(*arguments: str):
    return CliRunner(env={"COLUMNS": "140", "TERMINAL_WIDTH": "140"}).invoke(app, ["export", "petab", *arguments])


@pytest.fixture
def problem(files: dict[str, str], patient: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The problem as PEtab reads what the command writes; the patient is not enrolled again."""
    monkeypatch.setattr("alarmin.cli.export._patient", lambda *_: patient)
    monkeypatch.setattr("alarmin.exports.petab.petab_files", lambda *_, **__: files)
    result = call("nsclc", "none", "--days", "84", "--out", str(tmp_path / "problem"))
    assert result.exit_code == 0, result.output
    return petab.Problem.from_yaml(str(tmp_path / "problem" / "problem.yaml"))


def test_petab_finds_no_error(problem) -> None:
    from petab.v1.lint import lint_problem

    assert not lint_problem(problem)


def test_parameters_are_those_of_the_patient(problem, patient: Cohort) -> None:
    """The nominal value is that of the model and of the patient; the prior has the record's median and spread."""
    rows = problem.parameter_df
    assert len(rows) == 8 and rows["estimate"].eq(1).all()
    assert (rows["lowerBound"] <= rows["nominalValue"]).all() and (rows["nominalValue"] <= rows["upperBound"]).all()
    for id, row in rows.iterrows():
        assert problem.model.get_parameter_value(id) == pytest.approx(row["nominalValue"], rel=1e-12)
    shared = [id for id in rows.index if id in patient.records]
    assert len(shared) > 4, "records of the biology keep their ids"
    for id in shared:
        record, (center, sd) = patient.records[id], map(float, rows.loc[id, "objectivePriorParameters"].split(";"))
        assert np.exp(center) == pytest.approx(record.value, rel=1e-9), id
        assert np.sqrt(np.expm1(sd**2)) == pytest.approx(record.between_patients.cv, rel=1e-9), id


def test_measurements_are_scans(problem, patient: Cohort) -> None:
    """Every six weeks, of the size that the lesion has, within the error of a reader; nothing else is measured."""
    rows = problem.measurement_df
    assert rows["time"].tolist() == [0.0, 42.0, 84.0]
    assert set(rows["observableId"]) == {"observable_diameter"}
    assert set(problem.observable_df.index) == {"observable_diameter", "observable_tumor"}
    # A reader errs by a millimeter and some percent, and measures along the longest axis.
    diameter = 2.0 * float(patient.untreated["radius"].ravel()[0])
    assert 0.8 * diameter - 3.0 < rows["measurement"].iloc[0] < 2.0 * diameter + 3.0


def test_a_problem_that_is_none_is_refused(files: dict[str, str]) -> None:
    """So that the check can fail: a measurement of what is not observed."""
    wrong = files["measurements.tsv"].replace("observable_diameter", "observable_mood", 1)
    with pytest.raises(AlarminError, match="PEtab's check"):
        _lint(files | {"measurements.tsv": wrong})


def test_fewer_records_can_be_estimated(patient: Cohort, files: dict[str, str]) -> None:
    """`--estimated` keeps those that differ most."""
    first = [line.split("\t")[0] for line in files["parameters.tsv"].splitlines()]
    few = petab_files(patient, "", days=1, estimated=3)["parameters.tsv"]
    assert [line.split("\t")[0] for line in few.splitlines()] == first[:4]


@pytest.mark.parametrize("options", [("--estimated", "0"), ("--days", "0"), ("--patient", "0")])
def test_what_cannot_be_is_refused(tmp_path: Path, options: tuple[str, str]) -> None:
    result = call("nsclc", "none", "--out", str(tmp_path / "problem"), *options)
    assert result.exit_code == 2 and options[0].strip("-") in result.stderr and options[1] in result.stderr
    assert not (tmp_path / "problem").exists()
    result = call("nsclc", "none", "--out", str(tmp_path))
    assert result.exit_code == 2 and "exists already" in result.stderr
