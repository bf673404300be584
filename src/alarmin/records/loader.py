"""Reads the data files once, checks them, and finds things in them by name."""

import tomllib
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from math import exp, log
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from alarmin.errors import nearest
from alarmin.records.schema import Agent, Population, Record, RecordError, Rederivation, Source, Trial, Tumor

DATA = files("alarmin.records") / "data"
Model = TypeVar("Model", bound=BaseModel)
Named = TypeVar("Named", Tumor, Agent, Trial, Population)
_OF_TYPE = ("hazard_log_baseline", "hazard_east_asia", "new_lesion_rate")
"""Records of disease and line rather than of biology: never shared between tumor types."""


def read(path: Traversable | Path) -> dict[str, Any]:
    """The content of a TOML file; raises `RecordError` with file and line where it is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"{path.name}: not a readable TOML file: {error}", remedy="mend the line named") from None


def check(model: type[Model], content: Any, where: str) -> Model:
    """`content` as `model`; raises `RecordError` that names file, key, value and what is allowed."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            key = ".".join(str(part) for part in problem["loc"])
            # Without a key it is between keys: the message says which values, and the input is the whole file.
            told = problem["type"] in ("missing", "extra_forbidden") or not key
            given = "" if told else f" (given: {problem['input']!r:.60})"
            if problem["type"] == "extra_forbidden":
                text = f"unknown key; {nearest(str(problem['loc'][-1]), model.model_fields)}"
            else:
                text = problem["msg"].removeprefix("Value error, ")
            lines.append(": ".join(part for part in (where, key, f"{text}{given}") if part))
        raise RecordError("\n".join(lines), remedy="correct the keys named in the file") from None


def _files(folder: str) -> Iterable[Traversable]:
    return sorted((f for f in (DATA / folder).iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)


@lru_cache(maxsize=1)
def sources() -> dict[str, Source]:
    """All sources by key; a key that stands in two files is refused."""
    found: dict[str, Source] = {}
    for path in _files("sources"):
        for key, entry in read(path).items():
            if key in found:
                raise RecordError(f"{path.name}: {key}: this source stands in another file too", remedy="keep one")
            found[key] = check(Source, entry, f"{path.name}: {key}")
    return found


def check_sources(records: dict[str, Record], where: str) -> None:
    """Raises `RecordError` where a record names a source that no file of sources holds."""
    for name, record in records.items():
        for key in [record.source, *(conflict.source for conflict in record.conflicts)]:
            if key not in sources():
                raise RecordError(
                    f"{where}: {name}: source {key!r} is not in data/sources; {nearest(key, sources())}",
                    remedy="add the source to a file in data/sources, or correct the key",
                )


@lru_cache(maxsize=1)
def parameters() -> dict[str, Record]:
    """All common parameters by id; an id that stands in two files is refused."""
    found: dict[str, Record] = {}
    for path in _files("parameters"):
        entries = {key: check(Record, entry, f"{path.name}: {key}") for key, entry in read(path).items()}
        check_sources(entries, path.name)
        for key in entries.keys() & found.keys():
            raise RecordError(f"{path.name}: {key}: this id stands in another file too", remedy="keep one of the two")
        found |= entries
    return found


def _by_name(model: type[Named], folder: str) -> dict[str, Named]:
    found: dict[str, Named] = {}
    for path in _files(folder):
        entry = check(model, read(path), path.name)
        if entry.name != path.name.removesuffix(".toml"):
            raise RecordError(f"{path.name}: name is {entry.name!r}", remedy="name the file after its content")
        if isinstance(entry, Population):
            check_sources(entry.records, path.name)
        if isinstance(entry, Tumor):
            check_sources(entry.parameters, path.name)
        if isinstance(entry, Agent):
            check_sources(entry.records(), path.name)
        found[entry.name] = entry
    return found


@lru_cache(maxsize=1)
def rederivations() -> dict[str, Rederivation]:
    """What a second, blind look at the sources made of records, by id."""
    path = DATA / "rederivations.toml"
    return {key: check(Rederivation, entry, f"{path.name}: {key}") for key, entry in read(path).items()}


@lru_cache(maxsize=1)
def tumors() -> dict[str, Tumor]:
    """All tumor types by name, each with the parameters of its base where it gives none."""
    found = _by_name(Tumor, "tumors")
    for name, entry in found.items():
        if entry.composition and entry.composition.source not in sources():
            raise RecordError(
                f"{name}.toml: composition: source {entry.composition.source!r} is not in data/sources",
                remedy="add the source to a file in data/sources, or correct the key",
            )
        if entry.base is None:
            continue
        if entry.base not in found or found[entry.base].base is not None:
            allowed = ", ".join(other for other, kind in found.items() if kind.base is None)
            raise RecordError(f"{name}.toml: base: {entry.base!r}; allowed: {allowed}", remedy="name one of these")
        inherited = {**found[entry.base].parameters, **entry.parameters}
        found[name] = entry.model_copy(update={"parameters": inherited})
    return found


@lru_cache(maxsize=1)
def agents() -> dict[str, Agent]:
    """All agents by name."""
    return _by_name(Agent, "agents")


@lru_cache(maxsize=1)
def trials() -> dict[str, Trial]:
    """All trials by name."""
    return _by_name(Trial, "trials")


def trial_names() -> tuple[str, ...]:
    """Names of all trials, of which none is read."""
    return tuple(path.name.removesuffix(".toml") for path in _files("trials"))


@lru_cache(maxsize=1)
def populations() -> dict[str, Population]:
    """All fitted populations by name."""
    return _by_name(Population, "fits")


def population(tumor_name: str, name: str | None = None) -> Population | None:
    """The fitted population `name`, or the one in force for the tumor type; None for "prior".

    A type that was never fitted borrows what is shared from the fits of other types; "borrowed" is only that.
    """
    if name == "prior":
        return None
    kind = tumor(tumor_name)
    if name in (None, "borrowed"):
        fit = (populations().get(kind.name) if name is None else None) or _borrowed(kind)
        return None if fit is None else _with_other_agents(fit)
    found = _find("population", name, populations())
    if found.tumor != kind.name:
        raise RecordError(
            f"population {name!r} is of the tumor {found.tumor!r}, not {tumor_name!r}",
            remedy="choose a population of that tumor, or 'prior'",
        )
    return _with_other_agents(found)


def _borrowed(kind: Tumor) -> Population | None:
    """What the fit of another type teaches this one: all but what either type has of its own."""
    for fit in populations().values():
        if fit.borrowed_from is not None or fit.tumor == kind.name:
            continue
        own = tumors()[fit.tumor].parameters.keys() | kind.parameters.keys()
        shared = {id: record for id, record in fit.records.items() if id not in own and not id.startswith(_OF_TYPE)}
        if not shared:
            continue
        return fit.model_copy(
            update={
                "name": f"{fit.name} as far as shared",
                "tumor": kind.name,
                "borrowed_from": fit.tumor,
                "records": shared,
                "ensemble": {key: v for key, v in fit.ensemble.items() if key.partition(" between ")[0] in shared},
            }
        )
    return None


def _with_other_agents(fit: Population) -> Population:
    """The fit with the kill rates of the cytotoxic agents that it has not seen moved as it moved those that it has.

    All were set on one scale, so that the mean factor (of logarithms) of the seen ones is the best guess for the rest.
    """
    rates = {
        id: record for drug in agents().values() for id, record in drug.records().items() if id.endswith(".kill_rate")
    }
    moved = [log(fit.records[id].value / record.value) for id, record in rates.items() if id in fit.records]
    if not moved:
        return fit
    factor = exp(sum(moved) / len(moved))
    others = {
        id: record.model_copy(
            update={
                "value": record.value * factor,
                "low": None,
                "high": None,
                "grade": "fitted",
                "status": "provisional",
            }
            | {"note": f"{record.value:g} before, times {factor:.2f}: as the fit moved the agents that it has seen"}
        )
        for id, record in rates.items()
        if id not in fit.records
    }
    return fit.model_copy(update={"records": {**fit.records, **others}})


def _find(what: str, name: str, known: dict[str, Named]) -> Named:
    key = name.strip().lower()
    for entry in known.values():
        if key == entry.name or key in getattr(entry, "synonyms", ()):
            return entry
    names = f"a known {what}" if what == "population" else f"one of `alarmin list {what}s`"
    raise RecordError(f"unknown {what} {name!r}; {nearest(key, known)}", remedy=f"choose {names}, or add a file for it")


def tumor(name: str) -> Tumor:
    """The tumor type called `name`; raises `RecordError` that lists the known ones."""
    return _find("tumor", name, tumors())


def agent(name: str) -> Agent:
    """The agent called `name` (or a synonym); raises `RecordError` that lists the known ones."""
    return _find("agent", name, agents())


def trial(name: str | Path) -> Trial:
    """The trial called `name`, or the one in the TOML file `name`; raises `RecordError` that lists the known ones."""
    path = Path(name)
    if path.suffix == ".toml":
        if not path.is_file():
            raise RecordError(f"no trial file {str(path)!r}", remedy="give the path of an existing TOML file")
        return check(Trial, read(path), path.name)
    return _find("trial", str(name), trials())
