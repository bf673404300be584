"""Trust: exported tables and cells hold what the run holds, under standard names; bad input is refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import xarray as xr
from typer.testing import CliRunner

from alarmin import exports
from alarmin.cli.main import app
from alarmin.exports.adam import LABELS, files
from alarmin.exports.formulas import Formulas
from alarmin.exports.network import ExportError

TABLES = {
    "adsl": pd.DataFrame(
        {
            "USUBJID": ["t-00001", "t-00002"],
            "ARM": ["A", "B"],
            "AGE": [60.0, 71.5],
            "ALB": [40.0, 38.0],
            "NLR": [2.0, 5.0],
            "ECOG": [0, 1],
            "LESIONS": [1, 3],
            "SUMDIAM": [30.0, 88.0],
            "RANDDY": [0.0, 12.4],
        }
    ),
    "adtte": pd.DataFrame(
        {"USUBJID": ["t-00001", "t-00002"], "ARM": ["A", "B"], "PARAMCD": "OS", "AVAL": [100.5, 9.0], "CNSR": [0, 1]}
    ),
    "adrs": pd.DataFrame(
        {
            "USUBJID": ["t-00001", "t-00001", "t-00002", "t-00001", "t-00002"],
            "ARM": ["A", "A", "B", "A", "B"],
            "PARAMCD": ["OVRLRESP"] * 3 + ["BESTRESP"] * 2,
            "ADY": [42.2, 84.0, 41.0, np.nan, np.nan],
            "SUMDIAM": [20.0, 18.0, 99.0, np.nan, np.nan],
            "AVALC": ["PR", "PR", "PD", "PR", "PD"],
        }
    ),
    "adae": pd.DataFrame(
        columns=pd.Index(["USUBJID", "ARM", "AEDECOD", "AETOXGR", "ASTDY", "AGENT", "AEACN"]),
    ),
}


def call(*arguments: str):
    return CliRunner(env={"COLUMNS": "140", "TERMINAL_WIDTH": "140"}).invoke(app, list(arguments))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder as `alarmin trial … --out` leaves it."""
    from alarmin import results
    from alarmin.records import parameters

    records = dict(list(parameters().items())[:2])
    made = results.provenance(command="alarmin trial t", subject={"trial": "t"}, seed=1, patients=2, records=records)
    return results.write(tmp_path / "run", made, tables=TABLES)


def test_tables_have_standard_names_and_plain_columns(run: Path, tmp_path: Path) -> None:
    result = call("export", "adam", str(run), "--out", str(tmp_path / "adam"))
    assert result.exit_code == 0, result.output
    found = {path.name for path in (tmp_path / "adam").iterdir()}
    assert {"adsl.csv", "adtte.parquet", "adrs.csv", "adae.parquet", "variables.csv", "provenance.json"} <= found
    table = pq.read_table(tmp_path / "adam" / "adtte.parquet")
    assert {str(kind) for kind in table.schema.types} <= {"string", "int32", "double"}
    assert table.schema.field("CNSR").metadata[b"label"] == b"Censor"
    times = pd.read_csv(tmp_path / "adam" / "adtte.csv")
    assert times["AVAL"].tolist() == [100.5, 9.0] and times["CNSR"].tolist() == [0, 1]
    scans = pd.read_csv(tmp_path / "adam" / "adrs.csv")
    assert scans["AVISITN"].tolist() == [1, 2, 1, 0, 0]
    assert scans["PARAMCD"].tolist() == ["OVRLRESP"] * 3 + ["BOR"] * 2
    variables = pd.read_csv(tmp_path / "adam" / "variables.csv")
    assert variables["label"].notna().all()
    for name, rows in variables.groupby("dataset"):
        assert rows["variable"].tolist() == list(pd.read_csv(tmp_path / "adam" / f"{str(name).lower()}.csv").columns)


def test_every_variable_has_a_label() -> None:
    for table in exports.adam(TABLES, "t").values():
        assert set(table.columns) <= set(LABELS)
        assert all(len(name) <= 8 for name in table.columns)
    assert files(exports.adam(TABLES, "t"))["variables.csv"]


def test_what_exists_is_not_overwritten(run: Path, tmp_path: Path) -> None:
    result = call("export", "adam", str(run), "--out", str(run))
    assert result.exit_code == 2 and "exists already" in result.stderr
    result = call("export", "adam", str(tmp_path / "nothing"), "--out", str(tmp_path / "new"))
    assert result.exit_code == 2 and not (tmp_path / "new").exists()


def course() -> xr.Dataset:
    """A ball of two shells: tumor cells inside, CD8 T cells outside."""
    field = lambda inner, outer: (("profile_day", "shell", "lane"), np.array([[[inner], [outer]]], float))
    return xr.Dataset(
        {
            "tumor_sensitive": field(100.0, 0.0),
            "cd8": field(0.0, 100.0),
            "oxygen": field(1.0, 40.0),
            "radius": (("profile_day", "lane"), np.array([[10.0]])),
        },
        {"profile_day": [0.0], "shell": [0.25, 0.75]},
        {"tumor": "nsclc", "regimen": "none"},
    )


def test_cells_sit_where_they_are_dense_and_feel_what_is_there() -> None:
    pytest.importorskip("anndata")
    found = exports.sample(exports.ball(course(), 0.0), 4000, seed=3)
    distance = np.linalg.norm(found.obsm["spatial"], axis=1)
    tumor = (found.obs["cell_type"] == "tumor_sensitive").to_numpy()
    assert distance[tumor].max() <= 5.0 and distance[~tumor].min() >= 5.0 and distance.max() <= 10.0
    assert set(found.obs["oxygen"][tumor]) == {1.0}
    # Both are as dense, so that an eighth of the volume holds an eighth of the cells.
    assert tumor.mean() == pytest.approx(1.0 / 8.0, abs=0.02)
    # Points fill a ball evenly: half of them lie within the cube root of a half of its radius.
    assert (distance[tumor] < 5.0 * 0.5 ** (1 / 3)).mean() == pytest.approx(0.5, abs=0.08)
    again = exports.sample(exports.ball(course(), 0.0), 4000, seed=3)
    np.testing.assert_array_equal(found.obsm["spatial"], again.obsm["spatial"])
    other = exports.sample(exports.ball(course(), 0.0), 4000, seed=4)
    assert not np.array_equal(found.obsm["spatial"], other.obsm["spatial"])


def test_cells_of_a_volume() -> None:
    pytest.importorskip("anndata")
    density = np.zeros((4, 4, 4))
    density[1, 2, 3] = 1.0
    found = exports.sample(exports.box({"cd8": density}, {"oxygen": 7.0 + density}, (0.5, 0.5, 0.1)), 50)
    at = found.obsm["spatial"]
    assert (at >= [0.5, 1.0, 0.3]).all() and (at <= [1.0, 1.5, 0.4001]).all()
    assert set(found.obs["oxygen"]) == {8.0}


@pytest.mark.parametrize("options", [("--day", "3"), ("--lesion", "2"), ("--count", "0")])
def test_cells_that_cannot_be_are_refused(tmp_path: Path, options: tuple[str, str]) -> None:
    pytest.importorskip("anndata")
    course().to_zarr(tmp_path / "c.zarr", zarr_format=3, consolidated=False)
    target = tmp_path / "cells.h5ad"
    result = call("export", "cells", str(tmp_path / "c.zarr"), "--out", str(target), *options)
    assert result.exit_code == 2 and not target.exists()
    result = call("export", "cells", str(tmp_path / "c.zarr"), "--out", str(target))
    assert result.exit_code == 0 and target.exists()


def test_sbml_refuses_before_it_computes(tmp_path: Path) -> None:
    pytest.importorskip("libsbml")
    for arguments in (("sbml", "nsclc", "none", "--out", "x.json"), ("petab", "leukemia", "none", "--out", "x")):
        result = call("export", *arguments)
        assert result.exit_code == 2, result.output


def test_formulas_keep_the_order_of_operations() -> None:
    write = Formulas(lambda name, place, lesion: name, lambda name: False, lambda effect, lesion: [], 1).write
    values = {"a": 3.0, "b": 5.0, "c": 0.7}
    from alarmin.exports.relaxation import evaluate

    for text in (
        "a - (b - c)",
        "a / (b * c)",
        "(a + b) ** 2 * c",
        "-(a + b) * c",
        "a ** (b - c)",
        "-a ** 2",
        "a / b / c",
    ):
        assert evaluate(write(text, 0), values) == pytest.approx(eval(text, {}, values)), text
    assert json.loads(write("1e-09", 0)) == 1e-9


def test_a_course_in_a_box_has_no_shells_to_sample() -> None:
    course = xr.Dataset({"oxygen": (("profile_day", "y", "x"), np.ones((1, 8, 8)))}, {"profile_day": [0.0]})
    with pytest.raises(ExportError, match="in a box"):
        exports.ball(course, 0.0)
