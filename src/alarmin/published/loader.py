"""Reads what studies reported."""

from functools import lru_cache
from importlib.resources import files

from alarmin.errors import AlarminError, nearest
from alarmin.published.schema import Audit, Discrepancy, Study, Treated, Untreated
from alarmin.records.loader import check, read, tumors

DATA = files("alarmin.published") / "data"


class PublishedError(AlarminError):
    """A study that is not known."""


@lru_cache(maxsize=1)
def studies() -> dict[str, Study]:
    """All studies by name; a file is named after its study."""
    found = {}
    for path in sorted((f for f in DATA.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name):
        entry = check(Study, read(path), path.name)
        if entry.name != path.name.removesuffix(".toml"):
            raise PublishedError(f"{path.name}: name is {entry.name!r}", remedy="name the file after its content")
        found[entry.name] = entry
    return found


def study(name: str) -> Study:
    """The study called `name`; raises `PublishedError` that lists the known ones."""
    if name not in studies():
        raise PublishedError(f"unknown study {name!r}; {nearest(name, studies())}", remedy="choose a known study")
    return studies()[name]


@lru_cache(maxsize=1)
def audit() -> tuple[Discrepancy, ...]:
    """Everything that was found amiss in the review, in order; `studies` names the studies that each concerns."""
    found = list(check(Audit, read(DATA / "audit" / "review.toml"), "audit/review.toml").discrepancies)
    for entry in found:
        for name in entry.studies:
            study(name)
    for name, entry in studies().items():
        found += [item.model_copy(update={"studies": (name,)}) for item in entry.discrepancies]
    return tuple(sorted(found, key=lambda item: item.audit))


def discrepancies(name: str) -> tuple[Discrepancy, ...]:
    """Those findings that concern the study called `name`."""
    return tuple(item for item in audit() if study(name).name in item.studies)


@lru_cache(maxsize=1)
def treated() -> Treated:
    """What was measured in tumors under treatment."""
    path = DATA / "treated" / "vessels.toml"
    return check(Treated, read(path), path.name)


@lru_cache(maxsize=1)
def untreated() -> Untreated:
    """What was measured in untreated tumors of each type."""
    path = DATA / "untreated" / "tumor_types.toml"
    found = check(Untreated, read(path), path.name)
    for item in found.findings:
        if item.tumor not in tumors():
            raise PublishedError(
                f"{path.name}: unknown tumor {item.tumor!r}; {nearest(item.tumor, tumors())}",
                remedy="name a tumor type of alarmin/records/data/tumors",
            )
    return found
