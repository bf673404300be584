"""What is given and what it does: regimens, the way through the body and the tissue, one mode of action a file."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from alarmin.errors import AlarminError, nearest
from alarmin.mechanism import Action


class TherapyError(AlarminError):
    """A mode of action that does not exist."""


@cache
def action(mode: str) -> type[Action]:
    """The mode of action `mode`: the one `Action` of the file of that name in this folder.

    Raises `TherapyError` that lists the known modes.
    """
    files = [module.name for module in iter_modules(__path__)]
    found = _actions(mode) if mode in files else []
    if len(found) != 1:
        known = [name for name in files if _actions(name)]
        raise TherapyError(
            f"unknown mode of action {mode!r}; {nearest(mode, known)}",
            remedy="name a file of alarmin/therapy that holds one Action, or add one",
        )
    return found[0]


def _actions(mode: str) -> list[type[Action]]:
    module = import_module(f"{__name__}.{mode}")
    return [
        item
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, Action) and item.__module__ == module.__name__
    ]
