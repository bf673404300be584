"""Surface: the web app serves its own computer's browser, refuses all others, and says what is wrong and what to do.

The app is served as `alarmin serve` serves it; runs that would take minutes give way to work that is steered here.
"""

import os
import re
import shutil
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

if any(find_spec(name) is None for name in ("fastapi", "uvicorn", "jinja2", "python_multipart", "httpx")):
    pytest.skip("needs the extra 'web' and httpx", allow_module_level=True)

import httpx

from alarmin.web import tumor
from alarmin.web.asking import LARGEST_FILE
from alarmin.web.guard import MOST
from alarmin.web.jobs import Outcome
from alarmin.web.server import listen, make_server

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
PLAN = {"tumor": "nsclc", "regimen": "atezolizumab 1200 mg q3w", "days": "28", "patient": "1", "seed": "0"}


@pytest.fixture(scope="module")
def address():
    """Where the app is served."""
    taken = listen(0)
    server = make_server(taken)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{taken.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    taken.close()


@pytest.fixture
def client(address):
    with httpx.Client(base_url=address, timeout=60) as found:
        yield found


@pytest.fixture
def slow(monkeypatch):
    """Work that goes on until it is told to end; it leaves the regimen that was asked for."""
    end = threading.Event()

    def work(asked, report):
        while not end.is_set():
            report("day", 1, 2)
            time.sleep(0.02)
        return Outcome({}, {"regimen.csv": asked.regimens[0].encode()})

    monkeypatch.setattr(tumor, "work", work)
    yield end
    end.set()


def until(client, id: str, *states: str) -> str:
    for _ in range(500):
        state = client.get(f"/jobs/{id}").json()["state"]
        if state in states:
            return state
        time.sleep(0.02)
    raise AssertionError(f"still {state}")


def start(client, **changes: str) -> tuple[str, str]:
    answer = client.post("/tumor", data=PLAN | changes)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"], answer.headers["location"].rpartition("job=")[2]


@pytest.mark.parametrize("room", ["tumor", "trial", "review", "design"])
def test_every_page_is_there_for_everybody(client, room):
    """Language, skip link, one heading, a label for every control; nothing is loaded from elsewhere."""
    answer = client.get(f"/{room}")
    page = answer.text
    assert answer.status_code == 200 and '<html lang="en">' in page and 'class="skip"' in page
    assert page.count("<h1>") == 1
    controls = set(re.findall(r'<(?:input|select)\s[^>]*?\bid="([^"]+)"', page))
    assert controls and controls <= set(re.findall(r'<label for="([^"]+)"', page))
    assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', page)
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_wrong_regimen_is_refused_as_everywhere_else(client):
    """While typing and when sent: the message and the remedy of the regimen language; what was typed stays."""
    text = "atezolizumab 1200 parsec q3w"
    found = client.get("/check/regimen", params={"regimen": text}).json()
    assert not found["ok"] and "parsec" in found["message"] and "1200 mg" in found["remedy"]
    answer = client.post("/tumor", data=PLAN | {"regimen": text})
    assert answer.status_code == 400 and "standard dose is 1200 mg" in answer.text and f'value="{text}"' in answer.text
    assert client.get("/check/regimen", params={"regimen": "tecentriq 1.2 g q3w"}).json()["regimen"].startswith("atezo")


@pytest.mark.parametrize(
    ("path", "form", "named"),
    [
        ("/tumor", PLAN | {"days": "100000"}, "Days"),
        ("/tumor", PLAN | {"patient": "0"}, "Patient"),
        ("/tumor", PLAN | {"tumor": "nsclk"}, "nsclk"),
        ("/tumor", PLAN | {"regimen": "x" * 5000}, "letters"),
        ("/trial", {"trial": "oak", "patients": "100000"}, "Patients"),
        ("/trial", {"trial": "/etc/hostname.toml"}, "by its name"),
        ("/design", {"trial": "../../secret.toml"}, "secret.toml"),
        ("/design", {"trial": "oak", "experimental": "nobody", "control": "docetaxel"}, "nobody"),
        ("/review", {"statement": "T999"}, "T999"),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(client, path, form, named):
    answer = client.post(path, data=form)
    assert answer.status_code == 400 and "Refused" in answer.text and named in answer.text


def test_nothing_typed_becomes_markup(client):
    """Angle brackets and quotes come back as text, from forms and from addresses."""
    evil = '"><script>alert(1)</script>'
    for answer in (
        client.post("/tumor", data=PLAN | {"regimen": evil}),
        client.get("/review", params={"q": evil}),
        client.get("/trial", params={"patients": evil, "job": evil}),
    ):
        assert "<script>" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "alarmin.example:8000"},
        {"Host": "127.0.0.1:1"},
        {"Origin": "https://alarmin.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_foreign_names_and_pages_are_refused(client, headers):
    """Neither a foreign name for this computer nor a form on a foreign page reaches the app."""
    assert client.post("/tumor", data=PLAN, headers=headers).status_code == 403


def test_only_this_computer_is_listened_to():
    taken = listen(0)
    assert taken.getsockname()[0] == "127.0.0.1"
    taken.close()


@pytest.mark.parametrize("room", ["trial", "design"])
def test_uploads_are_limited_and_read_with_key_and_remedy(client, room):
    """Too large, larger still, no TOML, a wrong key: each is refused; the name of the file is never used."""
    send = lambda content, name="x.toml": client.post(f"/{room}", files={"file": (name, content)})
    assert send(b"#" * (MOST + 1)).status_code == 413
    large = send(b"#" * (LARGEST_FILE + 1))
    assert large.status_code == 400 and "64 kB" in large.text
    wrong = send(b'nane = "x"\ntrial = "oak"\n', "../../../../tmp/evil.toml")
    assert wrong.status_code == 400 and "nane" in wrong.text and "correct the keys" in wrong.text
    assert "evil" not in wrong.text and not Path("/tmp/evil.toml").exists()
    assert "mend the line" in send(b"name = ").text


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/%2e%2e/pyproject.toml",
        "/static//etc/hostname",
        "/jobs/x/files/..%2f..%2fapp.py",
        "/jobs/../app.py",
    ],
)
def test_no_path_leads_out_of_its_folder(client, path):
    request = client.build_request("GET", "/")
    request.url = request.url.copy_with(raw_path=path.encode())
    answer = client.send(request)
    assert answer.status_code == 404 and "make_app" not in answer.text


def test_a_run_survives_a_reload_and_can_be_canceled(client, slow):
    """The address leads back to the run; once canceled, it ends and says so."""
    page, id = start(client)
    until(client, id, "running")
    for _ in range(2):
        assert f'data-job="{id}"' in client.get(page).text
    assert client.post(f"/jobs/{id}/cancel").headers["location"] == page
    assert until(client, id, "canceled") == "canceled"
    assert "Canceled" in client.get(page).text
    assert "This run is gone" in client.get("/tumor", params={"job": "forgotten"}).text


def test_two_clients_have_each_their_own_run(address, client, slow):
    """Runs go on beside one another, and neither sees the other's result."""
    regimens = ("docetaxel 75 mg/m2 q3w", "atezolizumab 1200 mg q3w")
    with httpx.Client(base_url=address, timeout=60) as other:
        runs = [start(one, regimen=regimen)[1] for one, regimen in zip((client, other), regimens, strict=True)]
        for one, id in zip((client, other), runs, strict=True):
            until(one, id, "running")
        slow.set()
        for one, id, regimen in zip((client, other), runs, regimens, strict=True):
            until(one, id, "done")
            assert one.get(f"/jobs/{id}/files/regimen.csv").text == regimen
            assert one.get(f"/jobs/{id}/files/nothing.csv").status_code == 404


def test_too_many_runs_are_refused(client, slow):
    """Ten runs wait or run; the next is told to come later."""
    runs = [start(client)[1] for _ in range(10)]
    answer = client.post("/tumor", data=PLAN)
    assert answer.status_code == 503 and "wait for one to end" in answer.text
    for id in runs:
        client.post(f"/jobs/{id}/cancel")
    for id in runs:
        until(client, id, "canceled")


def test_the_ledger_is_searched(client):
    """Every word and the section count; statements without an experiment have their verdict, and no button."""
    page = client.get("/review", params={"q": "vascular normalization", "section": "4.1"}).text
    assert "T251" in page and "T014" not in page and "T257" not in page
    assert "concept" in client.get("/review", params={"q": "T001"}).text
    assert client.post("/review", data={"statement": "T001"}).status_code == 400


def test_a_real_run_is_shown(client):
    """The pictures, the table and the recipe of one patient for four weeks, as the page promises them."""
    page, id = start(client)
    for _ in range(1200):
        if not client.get(f"/jobs/{id}").json()["open"]:
            break
        time.sleep(0.25)
    text = client.get(page).text
    assert "alarmin simulate nsclc &#39;atezolizumab 1200 mg q3w&#39; --days 28" in text
    for name in re.findall(rf'href="(/jobs/{id}/files/[^"]+)"', text):
        assert client.get(name).status_code == 200, name
    assert client.get(f"/jobs/{id}/files/diameters.svg").content.startswith(b"<?xml")
    assert client.get(f"/jobs/{id}/files/lesions.csv").text.startswith("regimen,lesion,day,diameter")
    assert client.get(f"/jobs/{id}/section/0/14").content.startswith(b"\x89PNG")
    assert client.get(f"/jobs/{id}/section/0/15").status_code == 404


@pytest.mark.skipif(
    not CHROMIUM or find_spec("playwright") is None,
    reason="needs playwright, and chromium on the path or named by CHROMIUM",
)
def test_a_browser_checks_follows_and_cancels(address, slow):
    """What a person does: types a wrong regimen, mends it, runs it by keyboard, reloads, and cancels."""
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        foreign: list[str] = []
        page.on("request", lambda asked: None if asked.url.startswith(address) else foreign.append(asked.url))
        page.goto(f"{address}/tumor")
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        regimen = page.get_by_label("Regimen", exact=True)
        regimen.fill("atezolizumab 1200 parsec q3w")
        expect(page.locator("#regimen-said")).to_contain_text("parsec", timeout=30_000)
        expect(regimen).to_have_attribute("aria-invalid", "true")
        regimen.fill("atezolizumab 1200 mg q3w")
        expect(page.locator("#regimen-said")).to_contain_text("Read as", timeout=30_000)
        regimen.press("Enter")
        expect(page.get_by_role("heading", name="Running")).to_be_visible(timeout=30_000)
        page.reload()
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("heading", name="Canceled")).to_be_visible(timeout=30_000)
        assert not foreign
        browser.close()
