"""Surface: lesion files that cannot be meant are refused by row and with a remedy; nothing good is dropped."""

import json

import pytest
from typer.testing import CliRunner

from alarmin import results
from alarmin.cli.main import app
from alarmin.forecast.lesions import LesionError, read
from alarmin.forecast.what_if import GroundsError, grounds, switched
from alarmin.records import population
from alarmin.therapy.regimen import parse

HEAD = "patient,lesion,day,diameter_mm\n"
GOOD = "1,1,-5,38\n1,1,40,30\n1,1,82,TOO SMALL TO MEASURE\n1,2,-5,22\n1,2,40,not evaluable\n1,2,82,20\n"

REFUSED = {
    "centimeters": ("1,1,0,3.2\n1,1,42,2.8\n", ("row 2", "3.2 mm", "multiply by 10")),
    "one row in centimeters": ("1,1,0,32\n1,1,42,3.1\n1,1,84,30\n", ("row 3", "a tenth of 32")),
    "a unit": ("1,1,0,3.2 cm\n", ("row 2", "in cm")),
    "a day before anybody scans": ("1,1,-900,30\n", ("row 2", "-900", "first dose")),
    "a date": ("1,1,2021-03-04,30\n", ("row 2", "date")),
    "the same day twice": ("1,1,0,30\n1,1,0,31\n", ("row 3", "already, in row 2")),
    "a word": ("1,1,0,thirty\n", ("row 2", "'thirty'", "TOO SMALL TO MEASURE")),
    "a decimal comma": ('1,1,0,"30,5"\n', ("row 2", "decimal comma", "'30.5'")),
    "nothing": ("1,1,0,30\n1,1,42,\n", ("row 3", "empty", "NOT EVALUABLE")),
    "less than nothing": ("1,1,0,-3\n", ("row 2", "outside 0 to 400")),
    "no number": ("1,1,0,nan\n", ("row 2", "'nan'")),
    "no patient": (",1,0,30\n", ("row 2", "patient is empty")),
    "ten thousand lesions": ("".join(f"1,{k},0,30\n" for k in range(10_000)), ("row 2", "10000 lesions", "five")),
    "a decimal comma that parts a cell": ("1,1,0,30,5\n1,1,42,28,5\n", ("row 2", "row 3", "5 cells under 4", "comma")),
    "a cell too few": ("1,1,0,30\n\n1,1,42\n", ("row 4", "3 cells under 4")),
    "centimeters of large lesions": ("1,1,0,6.8\n1,1,42,6.1\n", ("row 2", "6.8 mm", "multiply by 10")),
    "no rows": ("", ("holds no rows",)),
}


def written(folder, rows, head=HEAD):
    path = folder / "lesions.csv"
    path.write_text(head + rows)
    return path


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused_by_row(name, tmp_path):
    rows, said = REFUSED[name]
    with pytest.raises(LesionError) as error:
        read(written(tmp_path, rows))
    assert all(part in str(error.value) for part in said), str(error.value)


def test_every_wrong_row_is_named_at_once(tmp_path):
    with pytest.raises(LesionError) as error:
        read(written(tmp_path, "1,1,0,thirty\n1,1,42,30\n1,1,x,30\n"))
    assert "row 2" in str(error.value) and "row 4" in str(error.value) and "row 3" not in str(error.value)


def test_good_rows_are_all_kept_and_words_mean_what_they_say(tmp_path):
    found = read(written(tmp_path, GOOD))
    assert len(found.table) == 6
    assert list(found.table["status"].value_counts()[["measured", "too small", "not evaluable"]]) == [4, 1, 1]
    assert found.table["diameter"].isna().sum() == 2
    assert any("too small" in note for note in found.notes)


def test_many_patients_are_read_quickly(tmp_path):
    found = read(written(tmp_path, "".join(f"{k},1,0,30\n" for k in range(10_000))))
    assert len(found.table) == 10_000 and "10000 lesions have one reading" in found.notes[0]


def test_columns_are_named(tmp_path):
    with pytest.raises(LesionError, match="multiply by 10"):
        read(written(tmp_path, "1,0,3\n", head="patient,day,diameter_cm\n"))
    with pytest.raises(LesionError, match="not needed"):
        read(written(tmp_path, "1,0,30,A\n", head="patient,day,diameter_mm,surname\n"))
    with pytest.raises(LesionError, match="commas"):
        read(written(tmp_path, "1;0;30\n", head="patient;day;diameter_mm\n"))
    with pytest.raises(LesionError, match="'day' stands twice"):
        read(written(tmp_path, "1,0,0,30\n", head="patient,day,day,diameter_mm\n"))


def test_a_small_lesion_alone_is_no_centimeter(tmp_path):
    assert len(read(written(tmp_path, "1,1,0,8\n1,1,42,9\n")).table) == 2
    assert len(read(written(tmp_path, "1,1,0,8.5\n1,2,0,31\n")).table) == 2


def test_rows_are_counted_as_an_editor_counts_them(tmp_path):
    with pytest.raises(LesionError, match="row 5"):
        read(written(tmp_path, "1,1,0,30\n\n\n1,1,42,thirty\n"))


def test_a_switch_keeps_what_goes_on_and_ends_what_does_not():
    first = parse("atezolizumab 1200 mg q3w")
    assert switched(first, first, 84) == first
    assert str(switched(first, parse("none"), 84)) == "atezolizumab 1200 mg q3w x4"
    both = switched(first, parse("atezolizumab 1200 mg q3w + bevacizumab 15 mg/kg q3w"), 84)
    assert str(both) == "atezolizumab 1200 mg q3w + bevacizumab 15 mg/kg q3w from day 85"
    changed = switched(first, parse("docetaxel 75 mg/m2 q3w"), 84)
    assert str(changed) == "atezolizumab 1200 mg q3w x4 + docetaxel 75 mg/m2 q3w from day 85"


def test_what_no_data_speak_to_is_refused_and_the_rest_says_what_it_is():
    training = ("oak.docetaxel.orr", "oak.atezolizumab.orr", "beyond.bevacizumab.orr")
    assert grounds("nsclc", parse("atezolizumab 1200 mg q3w"), training).startswith("Lesion by lesion")
    together = parse("atezolizumab 1200 mg q3w + docetaxel 75 mg/m2 q3w")
    assert grounds("nsclc", together, training).startswith("Extrapolated")
    assert grounds("nsclc", parse("none"), training).startswith("Extrapolated")
    with pytest.raises(GroundsError, match="durvalumab"):
        grounds("nsclc", parse("durvalumab 10 mg/kg q2w"), training)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("bad.csv", "--regimen", "atezolizumab 1200 mg q3w"), "row 2"),
        (("good.csv", "--regimen", "atezolizumab"), "dose is missing"),
        (("good.csv", "--regimen", "atezolizumab 1200 mg q3w", "--what-if", "durvalumab 10 mg/kg q2w"), "durvalumab"),
        (("good.csv", "--regimen", "atezolizumab 1200 mg q3w", "--tumor", "nsclk"), "nsclk"),
        (("good.csv", "--regimen", "atezolizumab 1200 mg q3w", "--scans", "0"), "--scans 0"),
        (("missing.csv", "--regimen", "none"), "no file"),
    ],
)
def test_the_command_refuses_before_anything_is_computed(arguments, said, tmp_path, monkeypatch):
    def compute(*arguments, **options):
        raise AssertionError("computed before the input was refused")

    monkeypatch.setattr("alarmin.forecast.bank.kept_bank", compute)
    monkeypatch.setattr("alarmin.cli.fit.keep_programs", lambda: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.csv").write_text(HEAD + GOOD)
    (tmp_path / "bad.csv").write_text(HEAD + "1,1,0,thirty\n")
    result = CliRunner().invoke(app, ["fit", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 2 and said in " ".join(result.stderr.replace("│", " ").split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv", "good.csv"]


def test_the_command_prints_json_and_writes_only_where_it_is_told(tmp_path, monkeypatch, made_up_lesions):
    monkeypatch.setattr("alarmin.forecast.bank.kept_bank", lambda *a, **k: made_up_lesions())
    monkeypatch.setattr("alarmin.cli.fit.keep_programs", lambda: None)
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, GOOD)
    regimen = ["--regimen", "atezolizumab 1200 mg q3w"]
    result = CliRunner().invoke(app, ["fit", str(path), *regimen, "--what-if", "none", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [one["if"] for one in found["forecasts"]] == ["continue", "none"]
    assert found["grounds"]["none"].startswith("Extrapolated")
    assert [p.name for p in tmp_path.iterdir()] == ["lesions.csv"]
    result = CliRunner().invoke(app, ["fit", str(path), *regimen, "--out", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["lesions.csv", "run"]
    made, fit = results.read(tmp_path / "run").provenance, population("nsclc")
    assert made.members == f"nsclc: 8 of members 0 to 23 of the {fit.members} of nsclc"
    assert all(made.parameters[id].value == record.value for id, record in fit.records.items())


def test_who_has_no_reading_is_left_out_of_every_question(tmp_path, monkeypatch, made_up_lesions):
    """A patient whose lesions could not be measured has no forecast, under no treatment, and stops nobody else's."""
    monkeypatch.setattr("alarmin.forecast.bank.kept_bank", lambda *a, **k: made_up_lesions())
    monkeypatch.setattr("alarmin.cli.fit.keep_programs", lambda: None)
    path = written(tmp_path, GOOD + "9,1,0,NE\n9,1,42,NE\n")
    regimen = ["--regimen", "atezolizumab 1200 mg q3w"]
    result = CliRunner().invoke(app, ["fit", str(path), *regimen, "--what-if", "none", "--json"])
    assert result.exit_code == 0, result.output
    assert [one["if"] for one in json.loads(result.stdout)["forecasts"]] == ["continue", "none"]
