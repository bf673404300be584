"""Quantities with units at the door, bare numbers inside.

Everything that enters Alarmin carries a unit; this file converts it once and refuses what does not fit.
Cells are counted in `Mcell` (a million cells), doses in their clinical units.
"""

import sys
from functools import cache
from typing import Any

import platformdirs

from alarmin.errors import AlarminError

# Where dask is installed pint loads it, which takes as long as the rest of it; no quantity here is an array of dask.
_absent: Any = None
if "dask" in sys.modules:
    import pint
else:
    sys.modules["dask"] = _absent
    try:
        import pint
    finally:
        del sys.modules["dask"]


def _registry() -> pint.UnitRegistry:
    """The units that pint knows, read from what it kept of its own file last time where that can be kept."""
    try:
        return pint.UnitRegistry(cache_folder=platformdirs.user_cache_path("alarmin", "alarmin") / "units")
    except OSError:
        return pint.UnitRegistry()


registry = _registry()
registry.define("cell = [cell_number] = cells")
registry.define("Mcell = 1e6 * cell")
registry.define("PFU = [plaque_forming_units]")
registry.define("MPFU = 1e6 * PFU")


class UnitError(AlarminError):
    """A unit that does not exist or cannot be converted to the one that is needed."""


@cache
def factor(unit: str, into: str) -> float:
    """Number by which a value in `unit` is multiplied to give it in `into`.

    Raises `UnitError` where either unit is unknown or their dimensions differ.
    """
    try:
        return float(registry.Quantity(1.0, registry.parse_units(unit)).to(registry.parse_units(into)).magnitude)
    except pint.DimensionalityError as error:
        raise UnitError(
            f"unit {unit!r} cannot be converted to {into!r}: {error.dim1} is not {error.dim2}",
            remedy=f"give the value in a unit of the same dimension as {into!r}",
        ) from None
    except Exception as error:
        raise UnitError(
            f"unit {unit!r} (wanted: {into!r}) is not understood: {error}",
            remedy="write units as pint does, for instance 'mm**2/day', 'nM', 'Mcell/mL', 'mmHg', '1/day'",
        ) from None
