"""Surface: lesions in boxes are stored, shown and exported as promised, and options that do not go together are refused
before anything is computed."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from PIL import Image
from typer.testing import CliRunner

from alarmin.cli.main import app
from alarmin.errors import AlarminError
from alarmin.geometry import read_map
from alarmin.plots.multiplex import STAINS, multiplex
from alarmin.plots.stack import movie
from alarmin.results.voxels import VoxelStore, write_ome

REGIMEN = "atezolizumab 1200 mg q3w"


def call(*arguments: str):
    return CliRunner().invoke(app, ["simulate", "nsclc", REGIMEN, *arguments], env={"COLUMNS": "200"})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--geometry", "cube"), "--geometry cube"),
        (("--shape", "16,16,16"), "--shape with --geometry sphere"),
        (("--geometry", "well-mixed", "--spacing", "0.1"), "--spacing with --geometry well-mixed"),
        (("--movie", "a.gif"), "--movie with --geometry sphere"),
        (("--geometry", "volume", "--shape", "16,16"), "give 3 whole numbers from 8 to 1024"),
        (("--geometry", "plane", "--shape", "16,16,16"), "give 2 whole numbers from 8 to 1024"),
        (("--geometry", "volume", "--shape", "16,16,4"), "--shape 16,16,4"),
        (("--geometry", "volume", "--shape", "16,16,2000"), "--shape 16,16,2000"),
        (("--geometry", "volume", "--shape", "a,b,c"), "--shape a,b,c"),
        (("--geometry", "volume", "--spacing", "-1"), "--spacing -1"),
        (("--geometry", "volume", "--spacing", "0"), "a --spacing or --diameter of 0"),
        (("--geometry", "volume", "--diameter", "-3"), "--diameter -3"),
        (("--geometry", "volume", "--vessel-spread", "-0.5"), "--vessel-spread -0.5"),
        (("--geometry", "volume", "--vessel-spread", "1", "--vessel-length", "-1"), "--vessel-length -1"),
        (("--geometry", "volume", "--vessel-spread", "1", "--vessel-length", "nan"), "--vessel-length nan"),
        (("--geometry", "volume", "--vessel-spread", "1", "--vessel-length", "0"), "a --vessel-length of 0"),
        (("--geometry", "volume", "--vessel-length", "2"), "--vessel-length 2 where vessels do not vary"),
        (("--vessel-length", "2"), "--vessel-length with --geometry sphere"),
        (("--geometry", "volume", "--every", "0"), "--every 0"),
        (("--geometry", "volume", "--every", "3", "--ome", "a.zarr"), "--every 3 with no place for profiles"),
        (("--every", "3"), "--every 3 with no place for profiles"),
        (("--geometry", "volume", "--from", "nothing.npy"), "no map 'nothing.npy'"),
        (("--geometry", "volume", "--from", "flat.npy", "--spacing", "0.1"), "a map of 2 axes for --geometry volume"),
        (("--geometry", "plane", "--from", "flat.npy"), "says no spacing"),
        (("--geometry", "plane", "--from", "flat.npy", "--shape", "9,9"), "--from beside --shape or --diameter"),
        (("--geometry", "plane", "--from", "words.npy", "--spacing", "0.1"), "cannot be read as a map"),
        (("--geometry", "plane", "--from", "negative.npy", "--spacing", "0.1"), "with values from -1"),
        (("--geometry", "volume", "--movie", "a.mp4"), "end its name in .gif"),
        (("--geometry", "volume", "--multiplex", "a.jpg"), "end its name in .png"),
        (("--geometry", "volume", "--out", "flat.npy"), "flat.npy"),
        (("--geometry", "volume", "--picture", "a.png"), "--picture shows shells of a ball"),
        (("--geometry", "well-mixed", "--picture", "a.png"), "--picture of a point"),
        (("--geometry", "volume", "--barrier", "matrix=0"), "--barrier with --geometry volume"),
    ],
)
def test_options_that_cannot_be_meant_are_refused_before_anything_is_computed(arguments, said, tmp_path, monkeypatch):
    def compute(*arguments, **options):
        raise AssertionError("computed before the input was refused")

    monkeypatch.setattr("alarmin.enrollment.enroll", compute)
    monkeypatch.setattr("alarmin.cli.simulate.keep_programs", lambda: None)
    monkeypatch.chdir(tmp_path)
    np.save("flat.npy", np.ones((9, 9)))
    np.save("negative.npy", -np.ones((9, 9)))
    (tmp_path / "words.npy").write_text("no map")
    before = sorted(path.name for path in tmp_path.iterdir())
    result = call(*arguments)
    told = " ".join(result.output.replace("│", " ").split())
    assert result.exit_code == 2 and said in told, told
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "often"),
    [
        (("--picture", "folder"), 1),
        (("--picture", "folder", "--every", "5"), 5),
        (("--picture", "a.svg"), 7),
        (("--out", "a.zarr", "--every", "3"), 3),
    ],
)
def test_profiles_are_taken_as_often_as_is_said(arguments, often, tmp_path, monkeypatch):
    asked = []

    def run(*arguments, profile_every, **options):
        asked.append(profile_every)
        raise AlarminError("asked", remedy="")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("alarmin.enrollment.enroll", lambda *arguments, **options: np.zeros(1))
    monkeypatch.setattr("alarmin.explain.lowered", lambda *arguments: {})
    monkeypatch.setattr("alarmin.simulation.simulate", run)
    monkeypatch.setattr("alarmin.cli.simulate.keep_programs", lambda: None)
    result = call(*arguments)
    assert asked == [often], result.output


def ball(shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Made-up fields of a lesion in a box."""
    places = np.meshgrid(*(np.linspace(-1.0, 1.0, n) for n in shape), indexing="ij")
    far = np.sqrt(sum(place**2 for place in places))
    fields = {field: np.full(shape, 20.0) for stain in STAINS.values() for field in stain.fields}
    fields |= {"oxygen": 40.0 * far, "tissue": np.clip((0.8 - far) * 10.0, 0.0, 1.0)}
    return {name: values.astype(np.float32) for name, values in fields.items()}


def test_a_store_is_read_with_xarray_alone_and_appears_when_it_is_complete(tmp_path):
    from alarmin.results.provenance import provenance

    shape, target = (70, 9, 8), tmp_path / "run.zarr"
    store = VoxelStore(target, shape, [0.0, 7.0], (), {"tumor": "nsclc"})
    first, second = ball(shape), {name: 2.0 * values for name, values in ball(shape).items()}
    store.add({name: values.reshape(-1) for name, values in first.items()}, 0.1, 2.0)
    assert not target.exists()
    store.add({name: values.reshape(-1) for name, values in second.items()}, 0.11, 2.2)
    made = provenance(command="", subject={}, seed=1, patients=1, records={})
    store.finish({"diameter": np.arange(8.0)}, made)
    found = xr.open_zarr(target, consolidated=False)
    assert found["oxygen"].dims == ("profile_day", "z", "y", "x") and found["oxygen"].attrs["units"] == "mmHg"
    np.testing.assert_array_equal(found["oxygen"].sel(profile_day=7), second["oxygen"])
    np.testing.assert_array_equal(found["spacing"], [0.1, 0.11])
    np.testing.assert_array_equal(found["lesion_diameter"], np.arange(8.0))
    assert json.loads(found.attrs["provenance"])["seed"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["run.zarr"]


def test_an_image_has_channels_named_by_field_and_comes_back_as_a_map(tmp_path):
    fields = ball((12, 10, 9))
    chosen = {name: fields[name] for name in ("tissue", "oxygen")}
    write_ome(tmp_path / "last.ome.zarr", chosen, {"oxygen": "3350D8"}, 0.05)
    about = json.loads((tmp_path / "last.ome.zarr" / "zarr.json").read_text())["attributes"]["ome"]
    channels = about["omero"]["channels"]
    assert [(channel["label"], channel["color"]) for channel in channels] == [
        ("tissue", "FFFFFF"),
        ("oxygen", "3350D8"),
    ]
    values, spacing = read_map(tmp_path / "last.ome.zarr")
    np.testing.assert_allclose(values, fields["tissue"] / fields["tissue"].max(), rtol=1e-6)
    assert spacing == pytest.approx(0.05)


def image(place: Path, values: np.ndarray, axes: str, scale: list[float], unit: str = "micrometer", **more) -> Path:
    """An OME-Zarr image as another program may have written it."""
    import zarr

    kinds = {"t": "time", "c": "channel"}
    named = [{"name": axis, "type": kinds.get(axis, "space")} for axis in axes]
    named = [axis | ({"unit": unit} if axis["type"] == "space" else {}) for axis in named]
    level = {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": scale}]}
    about = {"version": "0.5", "multiscales": [{"axes": named, "datasets": [level]} | more]}
    group = zarr.create_group(place, attributes={"ome": about})
    group.create_array("0", data=values)
    return place


def test_an_image_of_channels_is_a_section_and_its_scales_and_units_count(tmp_path):
    channels = np.arange(1.0, 3 * 10 * 9 + 1).reshape(3, 10, 9)
    values, spacing = read_map(image(tmp_path / "cyx.zarr", channels, "cyx", [1.0, 50.0, 50.0]))
    np.testing.assert_allclose(values, channels[0] / channels[0].max())
    assert spacing == pytest.approx(0.05)
    assert read_map(image(tmp_path / "nm.zarr", channels[0], "yx", [2e4, 2e4], "nanometer"))[1] == pytest.approx(0.02)
    whole = [{"type": "scale", "scale": [4.0, 4.0]}]
    larger = image(tmp_path / "whole.zarr", channels[0], "yx", [5.0, 5.0], coordinateTransformations=whole)
    assert read_map(larger)[1] == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("scale", "unit", "said"),
    [
        ([5.0, 1.0, 1.0], "micrometer", "voxels of 0.005 by 0.001 by 0.001 mm"),
        ([0.0, 0.0, 0.0], "micrometer", "a spacing of 0 mm"),
        ([-1.0, -1.0, -1.0], "micrometer", "a spacing of -0.001 mm"),
        ([1.0, 1.0], "micrometer", "its scale does not name each axis"),
        ([1.0, 1.0, 1.0], "inch", "a unit 'inch'; known: angstrom, nanometer"),
    ],
)
def test_an_image_whose_voxels_are_no_cubes_is_refused(scale, unit, said, tmp_path):
    with pytest.raises(AlarminError, match=said):
        read_map(image(tmp_path / "map.zarr", np.ones((8, 8, 8)), "zyx", scale, unit))


@pytest.mark.parametrize("values", [np.zeros((0, 8, 8, 8)), np.full((8, 8), "a"), np.full((8, 8), 1j)])
def test_a_map_without_real_numbers_is_refused(values, tmp_path):
    np.save(tmp_path / "map.npy", values)
    with pytest.raises(AlarminError, match="give real numbers"):
        read_map(tmp_path / "map.npy")


@pytest.mark.parametrize(("spacing", "said"), [([0.1, 0.2], "voxels of 0.1 by 0.2 mm"), (float("nan"), "of nan mm")])
def test_an_array_whose_spacing_cannot_be_meant_is_refused(spacing, said, tmp_path):
    import zarr

    zarr.create_array(tmp_path / "map.zarr", data=np.ones((8, 8)), attributes={"spacing": spacing})
    with pytest.raises(AlarminError, match=said):
        read_map(tmp_path / "map.zarr")


def test_a_stain_shows_cells_where_there_is_tissue_and_the_same_ones_again():
    fields = ball((40, 40))
    picture = multiplex(fields, 0.02, width=0.8, pixels=200, seed=1)
    np.testing.assert_array_equal(picture, multiplex(fields, 0.02, width=0.8, pixels=200, seed=1))
    middle, corner = picture[80:120, 80:120], picture[:12, :12]
    assert picture.shape == (200, 200, 3) and middle.mean() > 3.0 * corner.mean()
    without = fields | {name: 0.0 * fields[name] for name in STAINS["CD8"].fields}
    green = lambda shown: shown[..., 1].astype(float) - 0.5 * shown[..., 0] - 0.5 * shown[..., 2]
    assert green(multiplex(without, 0.02, width=0.8, pixels=200, seed=1)).mean() < green(picture).mean()


def test_a_movie_has_a_picture_for_each_profile(tmp_path):
    frames = [ball((16, 16)), ball((16, 16))]
    (tmp_path / "a.gif").write_bytes(movie([0.0, 7.0], frames, [0.1, 0.1], "nsclc"))
    with Image.open(tmp_path / "a.gif") as shown:
        assert shown.format == "GIF" and getattr(shown, "n_frames", 0) == 2


@pytest.mark.slow
def test_the_command_writes_all_that_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = ("--out", "run.zarr", "--ome", "last.ome.zarr", "--movie", "run.gif", "--multiplex", "section.png")
    box = ("--geometry", "volume", "--shape", "12,12,12", "--vessel-spread", "0.4", "--days", "3", "--every", "2")
    result = call(*box, *files, "--json")
    assert result.exit_code == 0, result.output
    found = xr.open_zarr("run.zarr", consolidated=False)
    assert found["oxygen"].shape == (3, 12, 12, 12) and bool(np.isfinite(found["oxygen"]).all())
    assert found["profile_day"].values.tolist() == [0.0, 2.0, 3.0]
    assert 2.0 * float(found["radius"][-1]) == float(found["lesion_diameter"][-1])
    tissue, _ = read_map(Path("last.ome.zarr"))
    shown = found["tissue"][-1].values
    np.testing.assert_allclose(tissue, shown / shown.max(), rtol=1e-6)
    again = call("--geometry", "volume", "--from", "last.ome.zarr", "--days", "1")
    assert again.exit_code == 0, again.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last.ome.zarr", "run.gif", "run.zarr", "section.png"]
