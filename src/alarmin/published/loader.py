"""Reads what studies reported."""

from functools import lru_cache
from importlib.resources import files

from alarmin.errors import AlarminError, nearest
from alarmin.published.schema import Study
from alarmin.records.loader import check, read

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
