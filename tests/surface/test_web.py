"""Surface: the web app serves its own computer's browser, refuses all others, and says what is wrong and what to do.

The app is served as `alarmin serve` serves it; runs that would take minutes give way to work that is steered here, in
the same processes.
"""

import os
import re
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

if any(find_spec(name) is None for name in ("fastapi", "uvicorn", "jinja2", "python_multipart", "httpx")):
    pytest.skip("needs the extra 'web' and httpx", allow_module_level=True)

import httpx

from alarmin.web import tumor
from alarmin.web.asking import LARGEST_FILE
from alarmin.web.guard import MOST
from alarmin.web.jobs import Jobs
from alarmin.web.server import listen
from alarmin.web.worker import Outcome

PLAN = {"tumor": "nsclc", "regimen": "atezolizumab 1200 mg q3w", "days": "28", "patient": "1", "seed": "0"}


def steered(end: Path, asked, report):
    """Work that goes on until a file is there; it leaves the regimen that was asked for."""
    while not end.exists():
        report("day", 1, 2)
        time.sleep(0.02)
    return Outcome({}, {"regimen.csv": asked.regimens[0].encode()})


def deaf(asked, report):
    """Work that does not hear that it is canceled."""
    report("day", 1, 2)
    time.sleep(600)


def broken(asked, report):
    """Work whose process ends by itself."""
    os._exit(1)


def quick(report):
    """Work that is done at once."""
    return Outcome({}, {})


@pytest.fixture
def client(address):
    with httpx.Client(base_url=address, timeout=60) as found:
        yield found


@pytest.fixture
def slow(monkeypatch, tmp_path):
    """Runs of lesions go on until this file is there; nobody asks what held the patient back."""
    end = tmp_path / "end"
    monkeypatch.setattr(tumor, "work", partial(steered, end))
    monkeypatch.setattr(tumor, "profile", partial(steered, tmp_path))
    yield end
    end.touch()


def until(client, id: str, *states: str) -> str:
    for _ in range(1500):
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
        ("/tumor", PLAN | {"seed": "1e30"}, "from 0 to 2147483647"),
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


@pytest.mark.parametrize("path", ["/tumor", "/trial", "/design", "/review"])
def test_what_is_no_form_starts_no_run(client, path):
    answer = client.post(path, json={"tumor": "pdac"}, follow_redirects=False)
    assert answer.status_code == 400 and "application/json" in answer.text


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
    """Each gets its own result, and none of the other's."""
    regimens = ("docetaxel 75 mg/m2 q3w", "atezolizumab 1200 mg q3w")
    with httpx.Client(base_url=address, timeout=60) as other:
        runs = [start(one, regimen=regimen)[1] for one, regimen in zip((client, other), regimens, strict=True)]
        for one, id in zip((client, other), runs, strict=True):
            until(one, id, "running", "waiting")
        slow.touch()
        for one, id, regimen in zip((client, other), runs, regimens, strict=True):
            until(one, id, "done")
            assert one.get(f"/jobs/{id}/files/regimen.csv").text == regimen
            assert one.get(f"/jobs/{id}/files/nothing.csv").status_code == 404


def test_a_run_that_does_not_hear_is_ended_with_its_process(client, monkeypatch):
    """Whoever canceled it goes on at once; the lane has a new process some seconds later."""
    monkeypatch.setattr("alarmin.web.jobs.PATIENCE", 0.5)
    monkeypatch.setattr(tumor, "profile", partial(steered, Path("/")))
    monkeypatch.setattr(tumor, "work", deaf)
    _, first = start(client)
    until(client, first, "running")
    client.post(f"/jobs/{first}/cancel")
    assert client.get(f"/jobs/{first}").json()["state"] == "canceled"
    monkeypatch.setattr(tumor, "work", partial(steered, Path("/")))
    assert until(client, start(client)[1], "done", "refused") == "done"


def test_a_process_that_dies_is_told_and_replaced(client, monkeypatch):
    """As where memory was short: the page says so, and the next run has a process again."""
    monkeypatch.setattr(tumor, "profile", partial(steered, Path("/")))
    monkeypatch.setattr(tumor, "work", broken)
    page, id = start(client)
    assert until(client, id, "refused") == "refused"
    assert "ended by itself" in client.get(page).text
    monkeypatch.setattr(tumor, "work", partial(steered, Path("/")))
    assert until(client, start(client)[1], "done", "refused") == "done"


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyError("verdict")])
def test_what_fails_after_a_run_is_said_and_the_next_run_is_done(fault):
    """A full disk is no want of memory; what cannot be handed over is refused too, and no lane stands still."""

    def keep(outcome):
        raise fault

    jobs = Jobs()
    run = lambda work, then=None: jobs.start("aside", "review", lambda id: "", work, then=then)
    runs = [run(quick, keep), run(lambda report: None), run(quick)]
    for job in runs:
        assert job.ended.wait(60), job.state
    jobs.close()
    assert [job.state for job in runs] == ["refused", "refused", "done"]
    assert str(fault) in runs[0].message and "memory" not in runs[0].remedy


@pytest.mark.parametrize("typed", ["", " 100 ", "100.0"])
def test_a_barrier_field_that_says_nothing_is_a_barrier_as_it_is(client, slow, typed):
    page, id = start(client, barrier_matrix=typed, barrier_vessels="50")
    client.post(f"/jobs/{id}/cancel")
    assert "barrier_matrix" not in page and "barrier_vessels=50" in page


def test_a_moved_slider_replaces_the_run_before_it(client, slow):
    """The run that it replaces is canceled, and no other one."""
    other, first = start(client)[1], start(client)[1]
    second = start(client, replaces=first)[1]
    assert client.get(f"/jobs/{first}").json()["state"] == "canceled"
    assert client.get(f"/jobs/{other}").json()["open"] and client.get(f"/jobs/{second}").json()["open"]
    for id in (other, second):
        client.post(f"/jobs/{id}/cancel")


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


def test_statements_show_place_experiment_trials_and_contradictions(client):
    """What stands behind a statement and against it is shown with it; the list is a table to download."""
    page = client.get("/review", params={"statement": "T181"}).text
    assert "section 3.2, line 83, sentence 2" in page and "NCT02715804" in page and "/trial?trial=halo301" in page
    page = client.get("/review", params={"statement": "T246"}).text
    assert "Contradictions" in page and "Found:" in page
    page = client.get("/review", params={"statement": "T014"}).text
    assert "15 mg/kg" in page and "which rises if the statement holds" in page
    table = client.get("/review/ledger.csv", params={"section": "3.2"}).text
    assert table.startswith("id,section,") and table.count("\n") == 30
    assert client.get("/review/ledger.parquet").content.startswith(b"PAR1")
    assert client.get("/review/ledger.exe").status_code == 404
    assert "no statement" in client.get("/review", params={"statement": "T999"}).text


def test_verdicts_are_kept_for_the_next_server(tmp_path):
    """What was run stands in the ledger after a restart, as long as code and records are the same."""
    from alarmin.review import Entry
    from alarmin.web.review import Verdicts, find

    Verdicts(tmp_path).keep([Entry(find("T005"), "reproduced", 0.7, 0.6, 0.8)])
    assert Verdicts(tmp_path).row(find("T005"))["verdict"] == "reproduced"
    assert Verdicts(None).row(find("T005"))["verdict"] == "not run yet"


def test_the_recipe_says_what_was_asked():
    """Barriers stand in the command and in the Python, those that stay as they are do not."""
    asked = tumor.Asked.of(PLAN | {"barrier_matrix": "50", "barrier_vessels": "100"})
    assert "--barrier matrix=0.5 --picture" in asked.commands() and "vessels" not in asked.commands()
    assert "lowered(patient, ['atezolizumab'], {'matrix': 0.5})" in asked.python()
    compile(asked.python(), "recipe", "exec")


def test_replicates_in_the_browser_are_those_of_the_command(monkeypatch):
    """Both ask for a bank of the same size, so that the command that is shown gives the same replicates."""
    from typer.testing import CliRunner

    from alarmin.cli.main import app
    from alarmin.web import trial

    class Reached(Exception):
        pass

    asked = []

    def kept(design, folder, **sizes):
        asked.append((design.name, folder, sizes | {"progress": None}))
        raise Reached

    monkeypatch.setattr("alarmin.scoring.keeping.kept_bank", kept)
    form = trial.Asked.of({"trial": "oak", "kind": "replicates", "replicates": "50", "seed": "3"})
    with pytest.raises(Reached):
        trial.work(form, lambda *told: None)
    CliRunner().invoke(app, form.command().split()[1:])
    assert len(asked) == 2 and asked[0] == asked[1]
    assert f"patients={asked[0][2]['patients']}" in form.python()


@pytest.mark.slow
def test_a_real_run_is_shown(client):
    """Every file of one patient for four weeks, the numbers that the page draws, and the recipe, as promised."""
    # A seed of its own: the server keeps what other tests left for the patient of the plan.
    page, id = start(client, barrier_matrix="50", seed="1")
    profile = re.search(r"profile=([^&]+)", page)[1]
    for one in (id, profile):
        while client.get(f"/jobs/{one}").json()["open"]:
            time.sleep(0.25)
    text = client.get(page).text
    assert "--days 28 --seed 1 --patient 1 --barrier matrix=0.5" in text and "Shapley values" in text
    for name in re.findall(r'href="(/jobs/[^"]+/files/[^"]+)"', text):
        assert client.get(name).status_code == 200, name
    assert client.get(f"/jobs/{id}/files/diameters.svg").content.startswith(b"<?xml")
    assert client.get(f"/jobs/{id}/files/lesions.csv").text.startswith("regimen,lesion,day,volume,diameter")
    shown = client.get(f"/jobs/{id}/files/course.json").json()
    lesion = shown["courses"][0]["lesions"][0]
    assert len(lesion["radius"]) == len(shown["days"]) == 5 and "atezolizumab" in lesion["fields"]
    assert client.get(f"/jobs/{id}/files/nothing.svg").status_code == 404
    assert start(client, barrier_matrix="20", seed="1")[0].find(f"profile={profile}") > 0
