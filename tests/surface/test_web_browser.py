"""Surface: in a real browser, the four rooms work by keyboard and mouse, can be read, and say what is wrong.

The app runs as `alarmin serve` starts it; runs that would take minutes give way to work that is steered here.
"""

import os
import shutil
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

if any(find_spec(name) is None for name in ("playwright", "fastapi", "uvicorn", "jinja2", "python_multipart")):
    pytest.skip("needs playwright and the extra 'web'", allow_module_level=True)

from playwright.sync_api import Page, expect, sync_playwright

from alarmin.web import trial, tumor
from alarmin.web.worker import Outcome

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs chromium on the path, or named by CHROMIUM")
ROOMS = ("tumor", "trial", "review", "design")
DOT = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'
SOON = 120_000
"""How long to wait for the browser on a busy computer [ms]."""

CONTRAST = """() => {
  // Text whose contrast with what lies behind it is less than AA asks for: 4.5, or 3 where it is large.
  const parse = (text) => { const v = text.match(/[\\d.]+/g).map(Number); return { c: v.slice(0, 3), a: v[3] ?? 1 }; };
  const light = (c) => {
    const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const { c, a } = parse(getComputedStyle(at).backgroundColor);
      if (a === 1) return c;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent.trim()).join("");
    const field = ["INPUT", "SELECT"].includes(element.tagName) && !["range", "radio", "hidden"].includes(element.type);
    const style = getComputedStyle(element);
    if ((!text && !field) || !element.checkVisibility() || element.closest("noscript")) continue;
    const ink = parse(element.namespaceURI.endsWith("svg") ? style.fill : style.color).c, ground = behind(element);
    const [high, low] = [light(ink), light(ground)].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < (large ? 3 : 4.5)) found.push(`${element.tagName} ${text.slice(0, 30)} ${ratio.toFixed(2)}`);
  }
  return found;
}"""

UNLABELED = """() => {
  // Controls without a name that a screen reader could say.
  const controls = [...document.querySelectorAll("input, select, textarea, button, a, summary, progress")];
  return controls.filter((element) => {
    if (element.type === "hidden") return false;
    const ids = (element.getAttribute("aria-labelledby") ?? "").split(" ");
    const said = [element.getAttribute("aria-label"), ...ids.map((id) => document.getElementById(id)?.textContent)];
    for (const label of element.labels ?? []) said.push(label.textContent);
    if (["BUTTON", "A", "SUMMARY"].includes(element.tagName)) said.push(element.textContent);
    return !said.some((word) => word?.trim());
  }).map((element) => element.outerHTML.slice(0, 120));
}"""


def steered(end: Path, asked, report):
    """Work that goes on until a file is there."""
    while not end.exists():
        report("day", 1, 2)
        time.sleep(0.02)
    return Outcome({}, {})


def lesion(asked, report):
    """Work that leaves at once what a run of a lesion leaves, in round numbers."""
    import json

    count = 5
    fields = dict.fromkeys(("tumor", "oxygen", "collagen", "hyaluronan", "alarm", "cd8"), "gICAgICAgICAgA==")
    radius = [5.0, 4.0, 3.0, 2.0, 1.0]
    one = {"radius": radius, "volume": [1.0] * 29, "cells": {"CD8 effector": radius}, "fields": fields}
    names = asked.regimens
    shown = {
        "shells": [0.25, 0.75],
        "days": [0, 7, 14, 21, 28],
        "channels": {name: {"title": name, "color": "#4CB9F5", "unit": "nM", "top": 1.0} for name in fields},
        "drugs": [],
        "courses": [{"regimen": name, "doses": {"A": [0, 21]}, "lesions": [one]} for name in names],
    }
    row = {"lesions": 1, "before": 10.0, "after": 2.0, "change": -0.8, "least": -0.8, "least_day": 28}
    content = {
        "courses": [{"regimen": name, **row} for name in names],
        "days": list(range(0, 7 * count, 7)),
        "lowered": asked.lowered,
        "commands": asked.commands(),
        "python": asked.python(),
    }
    return Outcome(content, {"course.json": json.dumps(shown).encode()})


def held_back(asked, report):
    """Work that leaves what held nobody back."""
    rows = [{"regimen": "A", "values": {"matrix": 0.1}, "largest": ""}]
    return Outcome({"rows": rows, "commands": "", "days": 28}, {"barriers.svg": DOT})


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as player:
        found = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def open_page(browser, address):
    """Opens pages in browsers of their own; whatever went wrong in one fails the test."""
    wrong: list[str] = []
    contexts = []

    def make(path: str, **options) -> Page:
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(address) else wrong.append(asked.url))
        page.goto(f"{address}{path}")
        return page

    yield make
    for context in contexts:
        context.close()
    # A refusal is an answer of status 400, of which the browser takes note.
    assert not [said for said in wrong if "status of 400" not in said]


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(tumor, "work", lesion)
    monkeypatch.setattr(tumor, "profile", held_back)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("room", ROOMS)
def test_rooms_can_be_read_by_everybody(open_page, room, scheme):
    """Contrast AA, a name for every control, nothing wider than the window, first paint within two seconds."""
    page = open_page(f"/{room}", color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((part) => part.open = true)")
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate(UNLABELED) == []
    for width in (1280, 420):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.reload()
    painted = "performance.getEntriesByName('first-contentful-paint').map((entry) => entry.startTime)"
    for _ in range(100):
        if page.evaluate(painted):
            break
        page.wait_for_timeout(50)
    assert page.evaluate(painted)[0] < 2000


def test_a_wrong_regimen_is_mended_and_run_by_keyboard(open_page, monkeypatch, tmp_path):
    """It is told while typing; the run survives a reload, and can be canceled."""
    monkeypatch.setattr(tumor, "work", partial(steered, tmp_path / "never"))
    monkeypatch.setattr(tumor, "profile", held_back)
    page = open_page("/tumor")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    regimen = page.get_by_label("Regimen", exact=True)
    regimen.fill("atezolizumab 1200 parsec q3w")
    expect(page.locator("#regimen-said")).to_contain_text("parsec", timeout=SOON)
    expect(regimen).to_have_attribute("aria-invalid", "true")
    regimen.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("standard dose is 1200 mg", timeout=SOON)
    regimen.fill("atezolizumab 1200 mg q3w")
    expect(page.locator("#regimen-said")).to_contain_text("Read as", timeout=SOON)
    regimen.press("Enter")
    expect(page.get_by_role("heading", name="Running")).to_be_visible(timeout=SOON)
    assert "job=" in page.url
    page.reload()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Canceled")).to_be_visible(timeout=SOON)


def test_a_moved_slider_is_answered_and_the_lesion_moves(open_page, quick):
    """Regimens are put together by clicking; disks, charts and the recipe follow; the state stands in the address."""
    page = open_page("/tumor")
    page.get_by_text("Put a regimen together by clicking").click()
    page.get_by_role("button", name="Remove atezolizumab").click()
    page.get_by_text("Docetaxel", exact=True).click()
    page.get_by_label("Cycles").fill("4")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_label("Regimen", exact=True)).to_have_value("docetaxel 75 mg/m2 q3w x4")
    page.get_by_label("Second regimen, to compare").fill("none")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("heading", name="Through the lesion")).to_be_visible(timeout=SOON)
    page.get_by_role("slider", name="Matrix").focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    expect(page.locator("#found")).to_contain_text("--barrier matrix=0.5", timeout=SOON)
    expect(page.locator("#disks canvas[role=img]")).to_have_count(8)
    disk = page.locator("#disks canvas[role=img]").first
    expect(disk).to_have_attribute("aria-label", "Cells: tumor, CD8 and alarm on day 28; diameter 2 mm")
    page.get_by_label("Day", exact=True).fill("14")
    expect(disk).to_have_attribute("aria-label", "Cells: tumor, CD8 and alarm on day 14; diameter 6 mm")
    page.get_by_label("Day", exact=True).press("ArrowLeft")
    assert "day=13" in page.url and "barrier_matrix=50" in page.url
    page.reload()
    expect(disk).to_have_attribute("aria-label", "Cells: tumor, CD8 and alarm on day 13; diameter 6.29 mm")
    expect(page.get_by_role("slider", name="Matrix")).to_have_value("50")
    assert page.evaluate(CONTRAST) == [] and page.evaluate(UNLABELED) == []


def test_a_file_with_errors_is_refused_with_key_and_remedy(open_page):
    """A trial file and a design file; what was chosen stays, and nothing runs."""
    for room in ("trial", "design"):
        page = open_page(f"/{room}")
        content = {"name": "mine.toml", "mimeType": "text/plain", "buffer": b'nane = "x"\ntrial = "oak"\n'}
        page.locator("#file").set_input_files(content)
        page.get_by_role("button", name="Run", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("nane", timeout=SOON)
        expect(page.get_by_role("alert")).to_contain_text("correct the keys")
        assert "job=" not in page.url


def test_two_browsers_at_once(open_page, quick, monkeypatch, tmp_path):
    """One looks at a lesion while the other's trial goes on; each sees its own."""
    monkeypatch.setattr(trial, "work", partial(steered, tmp_path / "never"))
    first, second = open_page("/trial"), open_page("/tumor")
    first.get_by_role("button", name="Run", exact=True).click()
    expect(first.locator("[data-words]")).to_contain_text("day 1 of 2", timeout=SOON)
    second.get_by_role("button", name="Run", exact=True).click()
    expect(second.get_by_role("heading", name="What happened")).to_be_visible(timeout=SOON)
    expect(first.get_by_role("heading", name="Running")).to_be_visible()
    first.get_by_role("button", name="Cancel").click()
    expect(first.get_by_role("heading", name="Canceled")).to_be_visible(timeout=SOON)


def test_a_statement_is_found_and_opened(open_page):
    """Search, filter, open by its link, and what stands against it."""
    page = open_page("/review")
    page.get_by_label("Search in words, trials and ids").fill("impower150 survival")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="T247").click()
    expect(page.get_by_role("heading", name="T247")).to_be_visible()
    expect(page.locator(".statement")).to_contain_text("Contradictions")
    expect(page.locator(".statement")).to_contain_text("NCT02366143")
    assert page.evaluate(CONTRAST) == []
