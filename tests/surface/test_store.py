"""Trust: a stored run comes back as it was written, and a run that was cut short leaves nothing that looks whole."""

import os
import subprocess
import sys
import textwrap
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alarmin.patients import Cohort
from alarmin.records import Record
from alarmin.results import StoreError, dataset, provenance, read, read_course, write, write_course, write_file
from alarmin.results.provenance import fingerprint, records_by_tumor

RECORDS = {
    name: Record(
        title=name, value=value, unit="mm", source="assumption", grade="assumed", status="provisional", note="a test"
    )
    for name, value in (("one", 1.0), ("two", 2.0))
}


def cohort() -> Cohort:
    """Two patients, three lesions."""
    return Cohort(
        tumor="nsclc",
        seed=4,
        ids=np.array([10, 11]),
        patient=np.array([0, 0, 1]),
        lesion=np.array([0, 1, 0]),
        values={},
        records=RECORDS,
    )


def course() -> Any:
    """A course with the shapes that a simulation gives."""
    return SimpleNamespace(
        cohort=cohort(),
        regimen="atezolizumab 1200 mg q3w",
        days=np.arange(5.0),
        lesions={"diameter": np.arange(15.0).reshape(5, 3), "oxygen": np.full((5, 3), 9.0)},
        doses={"atezolizumab": np.full((4, 2), 1200.0)},
        profile_days=np.array([0.0, 4.0]),
        profiles={
            "oxygen": np.arange(24.0).reshape(2, 4, 3),
            "tumor": np.ones((2, 4, 3)),
            "atezolizumab": np.ones((2, 4, 3)),
        },
        radius=np.full((2, 3), 12.0),
        shells=np.array([0.2, 0.5, 0.8, 0.95]),
    )


def recipe(**changes: Any) -> Any:
    return provenance(
        **{"command": "alarmin", "subject": {"trial": "x"}, "seed": 4, "patients": 2, "records": RECORDS} | changes
    )


def test_run_comes_back(tmp_path):
    adsl = pd.DataFrame({"patient": [10, 11], "arm": ["A", "B"]})
    folder = write(
        tmp_path / "new" / "run", recipe(), tables={"ADSL": adsl}, courses={"A": course()}, files={"figures/a.svg": "s"}
    )
    stored = read(folder)
    pd.testing.assert_frame_equal(stored.tables["adsl"], adsl)
    np.testing.assert_array_equal(stored.courses["A"]["lesion_diameter"], course().lesions["diameter"])
    assert stored.provenance == recipe().model_copy(update={"made": stored.provenance.made})
    assert (folder / "figures" / "a.svg").read_text() == "s"


def test_course_has_coordinates_and_units(tmp_path):
    data = read_course(write_course(tmp_path / "run.zarr", course(), recipe()))
    assert data["oxygen"].dims == ("profile_day", "shell", "lane")
    assert data["oxygen"].attrs["units"] == "mmHg"
    assert data["tumor"].attrs["units"] == "Mcell/mL"
    assert data["atezolizumab"].attrs["units"] == "nM"
    assert data["lesion_diameter"].attrs["units"] == "mm"
    assert data["dose_atezolizumab"].attrs["units"] == "mg"
    np.testing.assert_array_equal(data["patient"], [10, 10, 11])
    np.testing.assert_array_equal(data["shell"], course().shells)
    assert '"seed": 4' in data.attrs["provenance"]


@pytest.mark.parametrize(
    ("agent", "unit"),
    [("docetaxel", "mg"), ("collagenase", "mg"), ("radiotherapy", "Gy"), ("t_vec", "PFU"), ("porfimer_pdt", "J/cm**2")],
)
def test_a_dose_has_the_unit_in_which_it_is_given(agent, unit):
    given = course()
    given.profiles = {}
    given.doses = {agent: np.ones((4, 2))}
    assert dataset(given)[f"dose_{agent}"].attrs["units"] == unit


def test_a_course_is_plain_arrays_that_group_by_patient(tmp_path):
    """Also where Dask is installed, whose arrays do not group by name alone."""
    data = read_course(write_course(tmp_path / "run.zarr", course(), recipe()))
    assert not data.chunks
    assert data["lesion_diameter"].groupby("patient").sum().sizes["patient"] == len(set(data["patient"].values))


def test_readings_can_be_thinned():
    data = dataset(course(), every=2)
    np.testing.assert_array_equal(data["day"], [0, 2, 4])
    np.testing.assert_array_equal(data["lesion_diameter"], course().lesions["diameter"][::2])


def test_precision_is_kept_where_it_is_needed():
    """Single precision where it holds the values, double where not."""
    fine = course()
    fine.lesions["diameter"] = fine.lesions["diameter"] + 1e-9
    assert dataset(course())["lesion_diameter"].dtype == np.float32
    np.testing.assert_array_equal(dataset(fine)["lesion_diameter"], fine.lesions["diameter"])


def test_every_variable_of_a_course_has_a_unit():
    data = dataset(course())
    assert [name for name in data.data_vars if not data[name].attrs["units"]] == []


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_exists_is_not_touched(tmp_path, kind):
    target = tmp_path / "run"
    if kind == "file":
        target.write_text("precious")
    elif kind == "folder":
        target.mkdir()
    else:
        target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="exists already"):
        write(target, recipe())
    assert os.listdir(tmp_path) == ["run"]
    assert kind != "file" or target.read_text() == "precious"


def test_place_that_cannot_be_written_is_refused_by_name(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file/run"):
        write(tmp_path / "file" / "run", recipe())


def test_failure_leaves_nothing(tmp_path):
    class Broken:
        def to_parquet(self, path: Any, index: bool) -> None:
            path.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write(tmp_path / "run", recipe(), tables={"ADSL": Broken()})  # type: ignore[dict-item]
    assert os.listdir(tmp_path) == []


def test_file_is_written_once(tmp_path):
    write_file(tmp_path / "new" / "picture.svg", "first")
    with pytest.raises(StoreError, match="exists already"):
        write_file(tmp_path / "new" / "picture.svg", "second")
    assert (tmp_path / "new" / "picture.svg").read_text() == "first"
    assert os.listdir(tmp_path / "new") == ["picture.svg"]


CRASH = """
    import os
    from pathlib import Path
    from alarmin.results import store

    with store._staged(Path("run")) as place:
        (place / "half").write_text("half")
        {end}
"""


@pytest.mark.parametrize(("end", "seen"), [("os._exit(9)", False), ("pass", True)])
def test_killed_run_is_not_seen(tmp_path, end, seen):
    """The second case shows that the first would notice a run that had been renamed too early."""
    script = textwrap.dedent(CRASH.format(end=end))
    ended = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=False).returncode
    assert ended == (0 if seen else 9)
    assert (tmp_path / "run").exists() == seen
    assert seen or write(tmp_path / "run", recipe()).is_dir()


def test_missing_run_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"no provenance\.json"):
        read(tmp_path)
    (tmp_path / "run1.zarr").mkdir()
    with pytest.raises(StoreError, match=r"did you mean 'run1\.zarr'"):
        read_course(tmp_path / "run.zarr")


def test_provenance_says_how_far_to_trust():
    made = recipe()
    assert made.trust == {"grade": {"assumed": 2}, "status": {"provisional": 2}}
    assert list(made.citations) == ["assumption"]
    assert made.parameters["two"].value == 2.0
    assert made.packages["jax"] != "not installed"
    assert "not for decisions about a patient" in made.notice


def test_fingerprint_follows_records_and_not_their_order():
    turned = dict(reversed(RECORDS.items()))
    assert fingerprint(turned) == fingerprint(RECORDS)
    changed = RECORDS | {"two": RECORDS["two"].model_copy(update={"note": "another reason"})}
    assert fingerprint(changed) != fingerprint(RECORDS)


def test_records_that_differ_between_tumor_types_are_told_apart():
    other = RECORDS | {"two": RECORDS["one"]}
    assert records_by_tumor({"pdac": RECORDS}) == RECORDS
    assert set(records_by_tumor({"pdac": RECORDS, "nsclc": other})) == {"one", "pdac.two", "nsclc.two"}
    own = {"one": RECORDS["one"]}
    assert set(records_by_tumor({"pdac": RECORDS, "nsclc": own})) == {"one", "pdac.two"}
    assert set(records_by_tumor({"nsclc": own, "pdac": RECORDS})) == {"one", "pdac.two"}


@pytest.mark.parametrize("content", ["junk", "{}"])
def test_a_damaged_provenance_is_refused_by_its_file(content, tmp_path):
    (tmp_path / "provenance.json").write_text(content)
    with pytest.raises(StoreError, match="is not as a run writes it"):
        read(tmp_path)
