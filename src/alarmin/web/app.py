"""The pages and what they answer to. All state is in the address: what was asked for, and which run shows it."""

from asyncio import sleep
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from math import isfinite
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import jinja2
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from alarmin import records
from alarmin.errors import AlarminError
from alarmin.therapy.regimen import parse, standard_phase
from alarmin.version import NOTICE, VERSION
from alarmin.web import design, review, trial, tumor
from alarmin.web.asking import LARGEST_FILE, LONGEST_TEXT, AskedError, words
from alarmin.web.guard import Guard
from alarmin.web.jobs import Busy, Job, Jobs
from alarmin.web.pictures import PICTURES, TABLES, drawn_later
from alarmin.web.worker import Outcome, Work

KINDS = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "toml": "text/plain; charset=utf-8",
}
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "")
"""Kinds of content that are read; none is an empty form."""

STATIC = Path(__file__).parent / "static"
LONGEST_WAIT, LONGEST_DRAWING = 10.0, 90.0
"""How long a page may wait for news of a run, and for a picture [s]."""

Then = Callable[[Outcome], None]


def make_app(port: int, jobs: Jobs | None = None, verdicts: Path | None = None) -> FastAPI:
    """The app, for a server that listens on `port`; verdicts of the review are kept in the folder `verdicts`."""
    jobs, known = jobs or Jobs(), review.Verdicts(review.verdict_folder() if verdicts is None else verdicts)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        yield
        jobs.close()

    app = FastAPI(title="Alarmin", docs_url=None, redoc_url=None, openapi_url=None, lifespan=life)
    app.add_middleware(Guard, port=port)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    page = partial(_page, jobs)

    @app.exception_handler(AlarminError)
    async def refused(request: Request, error: AlarminError) -> Response:
        return page("refused.html", "", {}, error=error)

    @app.exception_handler(HTTPException)
    async def missing(request: Request, error: HTTPException) -> Response:
        said = AlarminError(f"{error.status_code}: {error.detail}", remedy="choose a page above")
        return page("refused.html", "", {}, error=said, status=error.status_code)

    def start(lane: str, room: str, form: Mapping[str, str], work: Work, then: Then | None = None) -> Response:
        address = lambda id: f"/{room}?{urlencode({**form, 'job': id})}"
        return RedirectResponse(jobs.start(lane, room, address, work, then=then).url, status_code=303)

    @app.get("/")
    def first() -> Response:
        return RedirectResponse("/tumor")

    @app.get("/tumor")
    def tumor_page(request: Request) -> Response:
        form = tumor.DEFAULTS | dict(request.query_params)
        return page("tumor.html", "tumor", form, profile=jobs.find(form.get("profile")), **_tumor_choices())

    @app.post("/tumor")
    async def tumor_run(request: Request) -> Response:
        form, _ = await _sent(request, tumor.DEFAULTS | {"replaces": ""})
        replaced = jobs.find(form.pop("replaces", ""))
        if replaced is not None and replaced.room == "tumor":
            # Its process is warm, and soon done with it.
            replaced.cancel(patience=60.0)
        try:
            asked = tumor.Asked.of(form)
            # Barriers as they are need not stand in the address.
            form = {name: said for name, said in form.items() if name not in tumor.BARRIERS or name in asked.moved}
            if any(asked.regimens):
                address = lambda id: f"/tumor?{urlencode({**form, 'profile': id})}"
                work = partial(tumor.profile, asked)
                form["profile"] = jobs.start("aside", "tumor", address, work, key=asked.held_back).id
            return start("lesions", "tumor", form, partial(tumor.work, asked))
        except AlarminError as error:
            return page("tumor.html", "tumor", tumor.DEFAULTS | form, profile=None, error=error, **_tumor_choices())

    @app.get("/trial")
    def trial_page(request: Request) -> Response:
        return page("trial.html", "trial", trial.DEFAULTS | dict(request.query_params), **_trial_choices())

    @app.post("/trial")
    async def trial_run(request: Request) -> Response:
        form, upload = await _sent(request, trial.DEFAULTS)
        try:
            return start("trials", "trial", form, partial(trial.work, trial.Asked.of(form, upload)))
        except AlarminError as error:
            return page("trial.html", "trial", trial.DEFAULTS | form, error=error, **_trial_choices())

    @app.get("/review")
    def review_page(request: Request) -> Response:
        form = review.DEFAULTS | dict(request.query_params)
        chosen = review.details(form["statement"], known) if form["statement"] else None
        counts = known.counts()
        return page(
            "review.html", "review", form, rows=known.rows(form), chosen=chosen, counts=counts, **_review_choices()
        )

    @app.get("/review/ledger.{kind}")
    def review_table(request: Request, kind: str) -> Response:
        if kind not in TABLES:
            raise HTTPException(404, "no such table")
        rows = known.rows(review.DEFAULTS | dict(request.query_params))
        return _file(f"ledger.{kind}", review.ledger_file(rows, kind))

    @app.post("/review")
    async def review_run(request: Request) -> Response:
        form, _ = await _sent(request, review.DEFAULTS)
        asked = review.runnable(form)
        keep = lambda outcome: known.keep(outcome.content["entries"])
        return start("trials", "review", form, partial(review.work, asked), keep)

    @app.get("/design")
    def design_page(request: Request) -> Response:
        return page("design.html", "design", design.DEFAULTS | dict(request.query_params), **_design_choices())

    @app.post("/design")
    async def design_run(request: Request) -> Response:
        form, upload = await _sent(request, design.DEFAULTS)
        try:
            return start("trials", "design", form, partial(design.work, design.Asked.of(form, upload)))
        except AlarminError as error:
            return page("design.html", "design", design.DEFAULTS | form, error=error, **_design_choices())

    @app.get("/check/regimen")
    def check_regimen(request: Request) -> Response:
        try:
            plan = parse(words(request.query_params, "regimen", "Regimen"))
        except AlarminError as error:
            return JSONResponse({"ok": False, "message": error.message, "remedy": error.remedy})
        return JSONResponse({"ok": True, "regimen": str(plan) or "no treatment"})

    @app.get("/jobs/{id}")
    async def job_state(id: str, seen: int = -1) -> Response:
        """The state of a run; with `seen`, once it is another than that version, or after ten seconds."""
        job = _found(jobs, id)
        end = monotonic() + LONGEST_WAIT
        while job.version == seen and job.open and monotonic() < end:
            await sleep(0.03)
        state = {"state": job.state, "open": job.open, "words": job.words, "share": job.share}
        return JSONResponse(state | {"version": job.version})

    @app.post("/jobs/{id}/cancel")
    def job_cancel(id: str) -> Response:
        job = _found(jobs, id)
        job.cancel()
        return RedirectResponse(job.url, status_code=303)

    @app.get("/jobs/{id}/files/{name}")
    def job_file(id: str, name: str) -> Response:
        outcome = _found(jobs, id).outcome
        if outcome is not None and name in outcome.files:
            return _file(name, outcome.files[name])
        stem, _, kind = name.rpartition(".")
        if outcome is None or stem not in outcome.later or kind not in PICTURES:
            raise HTTPException(404, "no such file of this run")
        return _file(name, jobs.aside(partial(drawn_later, outcome.later[stem], name), LONGEST_DRAWING)[name])

    return app


def _file(name: str, content: bytes) -> Response:
    return Response(content, media_type=KINDS[name.rpartition(".")[2]])


def _found(jobs: Jobs, id: str) -> Job:
    job = jobs.find(id)
    if job is None:
        raise HTTPException(404, "no such run; runs end with the server")
    return job


async def _sent(request: Request, fields: Mapping[str, str]) -> tuple[dict[str, str], bytes | None]:
    """The known fields of a form, and the file that was sent with it; None without one."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in FORMS:
        raise AskedError(f"content of the kind {kind!r}", remedy=f"send a form: {' or '.join(filter(None, FORMS))}")
    async with request.form(max_files=1, max_fields=40) as form:
        found = {name: str(form[name])[: LONGEST_TEXT + 1] for name in fields if isinstance(form.get(name), str)}
        file = form.get("file")
        if isinstance(file, UploadFile) and file.filename:
            return found, await file.read(LARGEST_FILE + 1)
        return found, None


def _page(
    jobs: Jobs, name: str, room: str, form: Mapping[str, str], *, error: AlarminError | None = None, **more: Any
) -> Response:
    job = jobs.find(form.get("job"))
    if job is not None and job.room != room:
        job = None
    lost = bool(form.get("job")) and job is None
    status = more.pop("status", 200 if error is None else 503 if isinstance(error, Busy) else 400)
    given = {"room": room, "form": form, "job": job, "lost": lost, "error": error, "notice": NOTICE, "version": VERSION}
    return HTMLResponse(_templates().get_template(name).render(**given, **more), status_code=status)


_made: list[jinja2.Environment] = []


def _templates() -> jinja2.Environment:
    if not _made:
        made = jinja2.Environment(
            loader=jinja2.PackageLoader("alarmin.web"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        made.filters["number"] = _number
        _made.append(made)
    return _made[0]


def _number(value: float | None, digits: int = 1) -> str:
    return "–" if value is None or not isfinite(value) else f"{value:z.{digits}f}".replace("-", "−")


def _tumor_choices() -> dict[str, Any]:
    agents: dict[str, list[tuple[str, str, str]]] = {}
    for name, drug in sorted(records.agents().items()):
        agents.setdefault(drug.kind, []).append((name, drug.title, str(standard_phase(drug)).rpartition(" ")[0]))
    return {
        "tumors": sorted((kind.title, name) for name, kind in records.tumors().items()),
        "agents": sorted(agents.items()),
        "barriers": [(field, switch.title) for field, switch in tumor.BARRIERS.items()],
        "longest": tumor.LONGEST,
        "last": tumor.LAST_PATIENT,
        "text": LONGEST_TEXT,
    }


def _trial_choices() -> dict[str, Any]:
    return {
        "trials": [(name, found.title) for name, found in records.trials().items()],
        "most": trial.MOST_PATIENTS,
        "kinds": trial.KINDS,
        "largest": LARGEST_FILE // 1024,
    }


def _review_choices() -> dict[str, Any]:
    return {"sections": review.known_sections(), "verdicts": review.FILTERS}


def _design_choices() -> dict[str, Any]:
    arms: Callable[[Any], str] = lambda found: ", ".join(arm.name for arm in found.arms)
    return {
        "trials": [(name, arms(found)) for name, found in records.trials().items() if len(found.arms) > 1],
        "endpoints": design.ENDPOINTS,
        "shapes": design.SHAPES,
        "largest": LARGEST_FILE // 1024,
    }
