"""What no number in any tissue can exceed, by the dimension of its unit."""

from functools import cache
from typing import NamedTuple

from alarmin.units import registry


class Limit(NamedTuple):
    """The most that is possible of everything of one dimension."""

    most: float
    unit: str
    reason: str


LIMITS = (
    Limit(55.0, "mol/L", "water itself holds 55 mol/L"),
    Limit(1400.0, "mg/mL", "dry protein weighs 1.4 g/mL"),
    Limit(20000.0, "Mcell/mL", "the smallest cells fill a milliliter at 2e10"),
    Limit(0.05, "mL/Mcell", "no cell of a tumor is larger than 50 pL"),
    Limit(1e-4, "cm**2/s", "nothing diffuses faster in water"),
    Limit(1e10, "1/cell", "a cell holds no more than 1e10 molecules of any protein"),
    Limit(1e-12, "mol/cell", "a cell of 2.6 pL holds no more at 400 mM"),
    Limit(760.0, "mmHg", "the air weighs no more; blood, tissue and gases in them have less"),
    Limit(330.0, "degK", "proteins come apart"),
)


@cache
def limit(unit: str) -> tuple[float, str] | None:
    """The most that is possible in `unit`, and why; None where nothing of its dimension is known to be impossible."""
    given = registry.parse_units(unit)
    for found in LIMITS:
        if given.dimensionality == registry.parse_units(found.unit).dimensionality:
            return float(registry.Quantity(found.most, found.unit).to(given).magnitude), found.reason
    return None
