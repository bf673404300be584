"""Trust: each picture can be drawn from plain arrays, holds what was given, and is the same to the byte each time."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest

from alarmin.mechanism import LEUKOCYTES
from alarmin.plots import (
    Landmark,
    Median,
    compare,
    forest,
    front,
    immune_cells,
    kymograph,
    render,
    save,
    section,
    spider,
    survival,
    swimmer,
    waterfall,
)
from alarmin.plots.runs import CELLS
from alarmin.results import StoreError

TIMES = np.linspace(1.0, 30.0, 40)
SEEN = np.arange(40) % 4 != 0


def survival_example():
    published = {"A": [Landmark(12, 0.6, 0.5, 0.7), Median(15, 13, 18)], "B": [Landmark(12, 0.4)]}
    return survival({"A": (TIMES, SEEN), "B": (0.6 * TIMES, SEEN)}, title="OS", published=published, note="HR 0.6")


def waterfall_example():
    change = np.linspace(140, -100, 20)
    response = np.select([change <= -100, change <= -30, change < 20], ["CR", "PR", "SD"], "PD")
    return waterfall({"A": (change, response), "B": (change, response)}, published={"A": 0.4})


def compare_example():
    row = {"predicted": 15.0, "predicted_low": 12.0, "predicted_high": 18.0, "published": 19.2}
    rows = [
        {"quantity": "Median [months]", "label": "A", **row, "published_low": 17.0, "published_high": 24.0},
        {"quantity": "Median [months]", "label": "B", **row, "rival": 14.0},
        {"quantity": "Hazard ratio", "label": "OS", "predicted": 0.8, "predicted_low": 0.7, "predicted_high": 0.9},
    ]
    return compare(pd.DataFrame(rows).reindex(columns=[*rows[0], "rival"]))


def forest_example():
    rows = [
        {"group": "PD-L1", "label": "high", "estimate": 0.6, "low": 0.4, "high": 0.9, "events": 50, "published": 0.7}
    ]
    return forest(pd.DataFrame([*rows, {"label": "all", "estimate": 0.8, "low": 0.7, "high": 0.9, "events": 300}]))


def section_example():
    fields = {name: np.ones((3, 8)) * np.linspace(0, 2, 8) for name in ("tumor", "oxygen", "alarm", "cd8", "collagen")}
    return section(
        np.array([0.0, 7.0, 14.0]),
        np.array([10.0, 9.0, 6.0]),
        np.linspace(0.1, 0.95, 8),
        fields,
        at=[0, 14],
        doses={"drug": [0.0, 7.0]},
    )


def spider_example():
    best = {"p1": "PR", "p2": "PD"}
    patient, when = np.array(["p1", "p2", "p1", "p2"]), np.array([1.5, 1.5, 3.0, 3.0])
    return spider({"A": (patient, when, np.array([-20.0, 30.0, -45.0, 160.0]), best)}, title="Change")


def swimmer_example(count=3):
    rows = {"patient": [f"p{n}" for n in range(count)], "follow_up": np.linspace(4.0, 20.0, count), "best": "SD"}
    return swimmer(
        pd.DataFrame({**rows, "death": np.arange(count) % 2 == 0, "response": np.nan, "progression": 3.0}), title="A"
    )


def kymograph_example():
    fields = {name: np.ones((3, 8)) * np.linspace(0, 2, 8) for name in ("tumor", "oxygen", "alarm", "cd8")}
    days, radius, shells = np.array([0.0, 7.0, 14.0]), np.array([10.0, 9.0, 6.0]), np.linspace(0.1, 0.95, 8)
    return kymograph(days, radius, shells, fields, doses={"drug": [0.0, 7.0]})


EXAMPLES = [
    survival_example,
    waterfall_example,
    compare_example,
    forest_example,
    section_example,
    spider_example,
    swimmer_example,
    kymograph_example,
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_picture_is_whole_and_repeats(example, tmp_path):
    vector, pixels = save(example(), tmp_path / "folder" / "picture")
    ElementTree.parse(vector)
    assert pixels.read_bytes().startswith(b"\x89PNG")
    assert render(example(), "svg") == vector.read_bytes()


@pytest.mark.parametrize("there", ["picture.svg", "picture.png"])
def test_no_picture_is_overwritten(there, tmp_path):
    """Where one of the two files exists, neither is written."""
    (tmp_path / there).write_text("mine")
    with pytest.raises(StoreError, match="exists already"):
        save(spider_example(), tmp_path / "picture")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(there, "mine")]


def texts(figure):
    return {text.get_text() for axes in figure.axes for text in axes.texts}


def test_at_risk_counts_who_is_still_watched():
    shown = texts(survival_example())
    assert {str(int((TIMES >= 12).sum())), str(int((0.6 * TIMES >= 12).sum()))} <= shown


def test_published_arm_without_a_curve_is_refused():
    with pytest.raises(KeyError):
        survival({"A": (TIMES, SEEN)}, published={"C": [Landmark(12, 0.5)]})


def test_lesion_sizes_are_written_beside_the_disks():
    assert {"20 mm", "12 mm   −40%"} <= texts(section_example())


def test_value_outside_the_prediction_is_marked():
    """A published value within the interval is open, one outside is filled."""
    axes = compare_example().axes[0]
    fills = [line.get_markerfacecolor() for line in axes.lines if line.get_marker() == "o"]
    assert fills[0] != "white"
    inside = compare(pd.DataFrame([{"quantity": "q", "label": "A", "predicted": 1.0, "predicted_low": 0.0,
                                    "predicted_high": 2.0, "published": 1.5}]))  # fmt: skip
    assert [line.get_markerfacecolor() for line in inside.axes[0].lines if line.get_marker() == "o"] == ["white"]


def test_what_is_not_reached_has_an_arrow_at_the_end_of_the_axis():
    """An interval without an end goes on to the end of the axis, which others set; a finite one has no arrow."""
    row = {"quantity": "Median [months]", "predicted": 15.0, "predicted_low": 12.0, "published": 19.2}
    ends = {"A": np.inf, "B": 18.0}
    figure = compare(pd.DataFrame([row | {"label": label, "predicted_high": high} for label, high in ends.items()]))
    axes = figure.axes[0]
    arrows = [line.get_xydata()[0] for line in axes.lines if line.get_marker() == ">"]
    assert len(arrows) == 1 and tuple(arrows[0]) == (axes.get_xlim()[1], 0.0)
    assert axes.patches[0].get_x() + axes.patches[0].get_width() == pytest.approx(axes.get_xlim()[1])
    assert axes.get_xlim()[1] < 25.0
    none = compare(pd.DataFrame([row | {"label": "A", "predicted": np.inf, "predicted_high": np.inf}]))
    assert ">" in [line.get_marker() for line in none.axes[0].lines]
    assert "not reached" in [text.get_text() for text in none.legends[0].get_texts()]


@pytest.mark.parametrize(("panels", "each"), [(8, 9), (5, 15), (1, 60), (2, 40)])
def test_many_rows_fill_a_slide_and_none_is_left_out(panels, each):
    """As many as all scored trials have: in columns, no higher than a slide is wide, each row with its label."""
    row = {"predicted": 15.0, "predicted_low": 12.0, "predicted_high": 18.0, "published": 19.2}
    table = pd.DataFrame([{"quantity": f"q{n % panels}", "label": f"row {n}", **row} for n in range(panels * each)])
    figure = compare(table, title="All")
    width, height = figure.get_size_inches()
    labels = [label.get_text() for axes in figure.axes if axes.axison for label in axes.get_yticklabels()]
    assert sorted(labels) == sorted(table["label"])
    if panels >= 5:
        assert width / height > 1.6


def test_note_stands_where_the_curves_are_not():
    """Curves that stay up leave the lower left free, curves that fall the upper right."""

    def place(times):
        axes = survival({"A": (times, np.ones(len(times), bool))}, note="HR 0.5", months=30.0).axes[0]
        return next(text.get_position() for text in axes.texts if text.get_text() == "HR 0.5")

    assert place(np.linspace(25.0, 40.0, 30))[0] < 0.5
    assert place(np.linspace(0.5, 8.0, 30))[0] > 0.5


def test_spider_goes_from_zero_to_the_last_scan_of_each_patient():
    lines = [line for line in spider_example().axes[0].lines if len(line.get_xdata()) == 3]
    assert [list(line.get_ydata()) for line in lines] == [[0.0, -20.0, -45.0], [0.0, 30.0, 160.0]]


def test_swimmer_says_where_it_leaves_patients_out():
    assert swimmer_example().axes[0].get_ylabel() == "Patients"
    figure = swimmer_example(100)
    assert len(figure.axes[0].patches) == 40
    assert "40 of 100 patients" in figure.axes[0].get_ylabel()


def test_kymograph_has_a_panel_a_field_with_the_margin_on_top():
    panels = [axes for axes in kymograph_example().axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in panels] == ["Tumor cells", "Oxygen", "Alarm", "CD8 effectors"]
    assert all(list(axes.lines[0].get_ydata()) == [10.0, 9.0, 6.0] for axes in panels)


def test_equal_values_look_equal_in_two_lesions():
    """A lesion full of T cells is brighter than one with a tenth of them, and both keys name the same scale."""

    def lesion(density):
        fields = {"cd8": np.full((2, 8), density), "tumor": np.full((2, 8), 100.0)}
        return section(np.array([0.0, 7.0]), np.array([10.0, 9.0]), np.linspace(0.1, 0.95, 8), fields, at=[0])

    few, many = lesion(0.8), lesion(8.0)
    middle = [figure.axes[2].images[0].get_array()[160, 220] for figure in (few, many)]
    assert {"0", "5", "20", "100", "200"} <= texts(few) & texts(many)
    assert middle[0][1] < 0.6 * middle[1][1]
    assert "≥ 20" in texts(lesion(30.0))


def test_published_shares_and_medians_have_a_key():
    named = [text.get_text() for text in survival_example().axes[0].get_legend().get_texts()]
    assert named == ["A", "B", "published share, 95 % CI", "published median, 95 % CI"]


def test_numbers_of_regimens_hide_neither_one_another_nor_marks():
    """Two regimens in one place, and two close by, keep numbers that can be told apart."""
    at = [(0.11, 0.80), (0.11, 0.79), (0.112, 0.78), (0.2, 1.5)]
    rows = [
        {"kind": "front", "regimen": f"r{n}", "toxicity": x, "toxicity_low": x - 0.02, "toxicity_high": x + 0.02,
         "effect": y, "effect_low": 0.5 * y, "effect_high": 2.0 * y}
        for n, (x, y) in enumerate(at)
    ]  # fmt: skip
    figure = front(pd.DataFrame(rows))
    figure.draw_without_rendering()
    axes = figure.axes[0]
    boxes = [note.get_window_extent() for note in axes.texts]
    marks = axes.transData.transform([(100.0 * x, y) for x, y in at])
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
    assert not any(box.contains(*mark) for box in boxes for mark in marks)


def test_the_picture_of_immune_cells_leaves_none_out():
    """A reader who sees few CD8 T cells beside many CD4 T cells must see the bystanders among them too."""
    assert set(CELLS) == set(LEUKOCYTES)


def test_every_column_of_immune_cells_has_its_days():
    """Eleven panels in rows of four leave a place empty, below a panel that ends its column."""
    drawn = immune_cells({"untreated": (np.arange(3.0), {name: np.ones(3) for name in LEUKOCYTES})})
    shown = [axes for axes in drawn.axes if axes.get_visible()]
    assert [bool(axes.get_xlabel()) for axes in shown] == [False] * 7 + [True] * 4
