"""What an untreated lesion looks like: its immune phenotype, read off the profile of CD8 T cells, and its tissue."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from alarmin.mechanism import CLONES, LEUKOCYTES, Diffuse
from alarmin.model import Model, Moment
from alarmin.numerics.response import CLASS_WEIGHTS
from alarmin.patients import Cohort
from alarmin.simulation import Settings, model_of, simulate, split, state_of
from alarmin.state import State

Lanes = NDArray[np.float64]

PHENOTYPES = ("inflamed", "excluded", "desert")
"""The immune phenotypes, from most to least infiltrated."""

CD8 = ("cd8", "cd8_exhausted", "cd8_bystander")
"""All that stains for CD8, whether it knows the tumor or not."""

CELLS: Mapping[str, tuple[str, ...]] = {
    "leukocytes": LEUKOCYTES,
    "cd8": CD8,
    "cd4": ("cd4",),
    "treg": ("treg",),
    "nk": ("nk",),
    "dc": ("dc_immature", "dc_mature"),
    "m1": ("m1",),
    "m2": ("m2",),
    "mdsc": ("mdsc",),
}
"""The cell types of a composition (`alarmin.records.schema.Composition`) in the fields of the model."""


class Quantity(NamedTuple):
    """A reading of a lesion: what it is, in which unit."""

    title: str
    unit: str


QUANTITIES: Mapping[str, Quantity] = {
    "cd8_core": Quantity("CD8 T cells in the core", "Mcell/mL"),
    "cd8_margin": Quantity("CD8 T cells at the margin", "Mcell/mL"),
    "treg": Quantity("Regulatory T cells", "Mcell/mL"),
    "m1_to_m2": Quantity("M1 over M2 macrophages", "dimensionless"),
    "oxygen": Quantity("Oxygen tension, median over the tissue", "mmHg"),
    "hypoxic": Quantity("Share of the tissue that is hypoxic", "dimensionless"),
    "collagen": Quantity("Collagen", "mg/mL"),
    "hyaluronan": Quantity("Hyaluronan", "mg/mL"),
    "perfused": Quantity("Share of the vessels that are open", "dimensionless"),
    "doubling_time": Quantity("Doubling time of the volume", "day"),
    "share_leukocytes": Quantity("Leukocytes among the cells", "dimensionless"),
    "share_cd8": Quantity("CD8 T cells", "dimensionless"),
    "share_cd4": Quantity("CD4 helper T cells", "dimensionless"),
    "share_treg": Quantity("Regulatory T cells", "dimensionless"),
    "share_nk": Quantity("NK cells", "dimensionless"),
    "share_dc": Quantity("Dendritic cells", "dimensionless"),
    "share_m1": Quantity("M1 macrophages", "dimensionless"),
    "share_m2": Quantity("M2 macrophages", "dimensionless"),
    "share_mdsc": Quantity("Myeloid-derived suppressor cells", "dimensionless"),
}
"""The readings of `untreated_tumors` by name."""


def phenotype(core: ArrayLike, margin: ArrayLike, inflamed: float = 3.0, excluded: float = 10.0) -> NDArray[np.str_]:
    """Immune phenotypes from densities of CD8 T cells.

        inflamed: core >= inflamed;   excluded: core < inflamed, margin >= excluded;   desert: neither

    Args:
        core: density in the core of each lesion [Mcell/mL].
        margin: density at its margin [Mcell/mL].
        inflamed: density in the core from which a lesion is inflamed [Mcell/mL].
        excluded: density at the margin from which one that is not inflamed is excluded [Mcell/mL].
    """
    core, margin = np.asarray(core, np.float64), np.asarray(margin, np.float64)
    return np.select([core >= inflamed, margin >= excluded], PHENOTYPES[:2], PHENOTYPES[2])


def core_and_margin(
    profile: ArrayLike,
    faces: ArrayLike,
    radius: ArrayLike,
    strip: ArrayLike,
    *,
    core_depth: float = 1.0,
    core_share: float = 0.8,
    margin_depth: float = 0.5,
) -> tuple[Lanes, Lanes]:
    """Densities in the core and at the margin of spheres; a shell that straddles a limit counts by its part.

        core: mean where r < max(R - core_depth, core_share R)
        margin: the larger of the mean where r > R - margin_depth, and of the strip of host tissue around the lesion

    Args:
        profile: density in each shell, `[shell, lane]` [Mcell/mL].
        faces: faces of the shells as a share of the radius, `[shell + 1]`.
        radius: R, `[lane]` [mm].
        strip: density in the strip around the lesion, `[lane]` [Mcell/mL].
        core_depth: depth at which the core begins [mm].
        core_share: share of the radius that is core in any case [-].
        margin_depth: depth of the margin [mm].
    """
    profile, faces, radius = (np.asarray(item, np.float64) for item in (profile, faces, radius))

    def mean(inner: Lanes, outer: Lanes) -> Lanes:
        parts = np.diff(np.clip(faces[:, None], inner, outer) ** 3, axis=0)
        return (parts * profile).sum(axis=0) / parts.sum(axis=0)

    core = mean(np.zeros_like(radius), np.maximum(1.0 - core_depth / radius, core_share))
    rim = mean(np.maximum(1.0 - margin_depth / radius, 0.0), np.ones_like(radius))
    return core, np.maximum(rim, np.asarray(strip, np.float64))


def untreated_tumors(cohort: Cohort, settings: Settings = Settings()) -> pd.DataFrame:
    """What the first lesion of each patient looks like before treatment.

    Nothing in the records sets a phenotype: it is read off the profile that cells, vessels and matrix have settled to.

    Args:
        cohort: patients in their untreated state.
        settings: how the state was computed.

    Returns:
        A row for each patient: `patient` (its id), `phenotype`, and every reading of `QUANTITIES`. Densities are means
        over the lesion; shares of the cells are of tumor cells, fibroblasts and leukocytes together. The doubling time
        is that of all lesions of the patient together, over the time for which enrollment watches them.

    Records: `phenotype_*`, `observation_time`.

    Raises `SimulationError` where the patients have not been brought to their untreated state.
    """
    days = int(cohort.records["observation_time"].to("day"))
    volume = cohort.sum_lesions(simulate(cohort, days=days, settings=settings).lesions["diameter"] ** 3)
    value = lambda record, unit: cohort.records[f"phenotype_{record}"].to(unit)
    at = {name: np.asarray(field, np.float64) for name, field in (cohort.untreated or {}).items()}
    grid, first, radius = settings.ball, cohort.first_lane, at["radius"][0]
    whole = lambda profile: (grid.shares @ np.broadcast_to(profile, (grid.shells, cohort.lanes)))[first]
    sums = {name: sum((at[field] for field in fields), np.zeros(())) for name, fields in CELLS.items()}
    found = [_signals(*_start(cohort[rows], settings)) for rows in split(cohort, settings.lanes)]
    lanes = [cohort[rows].lanes for rows in split(cohort, settings.lanes)]
    pieces = [[np.asarray(part, np.float64)[..., :n] for part in chunk] for chunk, n in zip(found, lanes, strict=True)]
    classes, patent, strip = (np.concatenate(part, axis=-1) for part in zip(*pieces, strict=True))

    core, margin = core_and_margin(
        sums["cd8"][:, first],
        grid.faces,
        radius[first],
        strip[0, first],
        core_depth=value("core_depth", "mm"),
        core_share=value("core_share", "dimensionless"),
        margin_depth=value("margin_depth", "mm"),
    )
    names = phenotype(core, margin, value("inflamed", "Mcell/mL"), value("excluded", "Mcell/mL"))
    tension = classes[:, :, first].reshape(-1, len(cohort))
    weight = np.outer(CLASS_WEIGHTS, grid.shares).ravel()
    cells = sum((at[name] for name in (*CLONES, "caf")), sums["leukocytes"])
    readings = {
        "patient": cohort.ids,
        "phenotype": names,
        "cd8_core": core,
        "cd8_margin": margin,
        "treg": whole(sums["treg"]),
        "m1_to_m2": whole(sums["m1"]) / whole(sums["m2"]),
        "oxygen": _weighted_median(tension, weight),
        "hypoxic": weight @ (tension < value("hypoxic", "mmHg")),
        "collagen": whole(at["collagen"]),
        "hyaluronan": whole(at["hyaluronan"]),
        "perfused": whole(patent),
        "doubling_time": days * np.log(2.0) / np.log(volume[-1] / volume[0]),
    }
    return pd.DataFrame(readings | {f"share_{name}": whole(amount) / whole(cells) for name, amount in sums.items()})


def _start(part: Cohort, settings: Settings) -> tuple[Model, State]:
    model = model_of(part, settings)
    return model, state_of(part, model, settings)


@eqx.filter_jit
def _signals(model: Model, state: State) -> tuple[Any, Any, Any]:
    """Oxygen in the distance classes, `[class, shell, lane]`, open share of the vessels, `[shell, lane]`, and the
    density of CD8 T cells with which tissue exchanges over the margin, `[1, lane]`."""
    now, shape = Moment(model, state, {}), state.velocity.shape
    strip = jnp.zeros_like(state.radius)
    for _, flow in model.flows(now):
        if isinstance(flow, Diffuse) and flow.field in CD8:
            strip = strip + flow.host
    classes = jnp.stack([jnp.broadcast_to(item, shape) for item in now.oxygen_by_class])
    return classes, jnp.broadcast_to(now.open_fraction, shape), strip


def _weighted_median(values: NDArray[np.float64], weight: NDArray[np.float64]) -> Lanes:
    """The value that half of the weight lies below, of each column."""
    order = np.argsort(values, axis=0)
    below = np.cumsum(weight[order], axis=0)
    middle = (below < 0.5 * weight.sum()).sum(axis=0)
    return np.take_along_axis(values, order, axis=0)[middle, np.arange(values.shape[1])]
