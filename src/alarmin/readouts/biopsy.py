"""What a biopsy of one lesion reads before treatment, and who is taken into a trial by it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from alarmin.model import Moment
from alarmin.patients import Cohort
from alarmin.readouts.scan import longest_diameter
from alarmin.readouts.survival import has_ecog_one
from alarmin.records.schema import Criterion
from alarmin.simulation import Settings, model_of, state_of

Keep = Callable[[Cohort], NDArray[np.bool_]]
"""Which of these patients, in their untreated state, a trial takes, `[patient]`."""


class Biopsy:
    """What a needle through the first lesion of each patient finds, and what else is known of him before treatment.

        x = e^(ε) mean of the tissue along the needle,   ε ~ N(0, σ²), one for each thing that is read
        stained share = 1/(1 + (x/x½)^(-1/w))

    The needle passes through the center, so that a shell counts by its thickness and not by its volume: the margin,
    which is most of the tumor, is a small part of the sample. Lesions of one patient differ, and only one is read.

    Args:
        cohort: patients in their untreated state.
        settings: how the state was computed.

    Records: `biopsy_error`, `assay_*`, `lesion_elongation`.
    """

    def __init__(self, cohort: Cohort, settings: Settings = Settings()) -> None:
        self.cohort = cohort
        # A power of two, so that few sizes are compiled.
        self.settings = replace(settings, lanes=1 << (cohort.lanes - 1).bit_length())

    @cached_property
    def hyaluronan(self) -> NDArray[np.float64]:
        """Share of the matrix that stains for hyaluronan, `[patient]` [-]."""
        return self._stained("hyaluronan", self._sample("hyaluronan", self._tissue("hyaluronan")))

    @cached_property
    def pdl1(self) -> NDArray[np.float64]:
        """Share of the tumor cells that stain for PD-L1, `[patient]` [-]."""
        return self._stained("pdl1", self._sample("pdl1", self._pdl1))

    @cached_property
    def cd8(self) -> NDArray[np.float64]:
        """CD8 T cells of all kinds, `[patient]` [Mcell/mL]."""
        kinds = ("cd8", "cd8_exhausted", "cd8_bystander")
        return self._sample("cd8", sum((self._tissue(kind) for kind in kinds), np.zeros(())))

    @cached_property
    def teff(self) -> NDArray[np.float64]:
        """Effector T-cell signature (PD-L1, CXCL9/10, interferon gamma), on the log scale, `[patient]` [-]."""
        genes = (self._pdl1, self._tissue("cxcl10"), self._tissue("ifn_gamma"))
        means = [np.log(self._sample(f"teff {number}", gene)) for number, gene in enumerate(genes)]
        return np.mean(means, axis=0) - np.log(self.cohort.records["assay_teff_reference"].to("dimensionless"))

    @cached_property
    def oxygen(self) -> NDArray[np.float64]:
        """Oxygen tension that an electrode finds along the needle, mean, `[patient]` [mmHg]."""
        return self._sample("oxygen", self._tissue("oxygen"))

    @cached_property
    def perfusion(self) -> NDArray[np.float64]:
        """Blood flow of the first lesion in a perfusion scan, immature shunts included, `[patient]` [mL/mL/day]."""
        flow = self._signal("imaged_flow")[:, self.cohort.first_lane]
        return np.diff(self.settings.ball.faces**3) @ flow

    @cached_property
    def nlr(self) -> NDArray[np.float64]:
        """Ratio of neutrophils to lymphocytes in blood, `[patient]` [-]."""
        return self.cohort.patient_value("patient_nlr", "dimensionless")

    @cached_property
    def lesions(self) -> NDArray[np.float64]:
        """Number of target lesions, `[patient]`."""
        return np.bincount(self.cohort.patient, minlength=len(self.cohort)).astype(np.float64)

    @cached_property
    def diameter(self) -> NDArray[np.float64]:
        """Longest diameter of the first lesion, the one that is injected or irradiated, `[patient]` [mm]."""
        sphere = 2.0 * np.asarray((self.cohort.untreated or {})["radius"], np.float64)[0]
        return longest_diameter(self.cohort, sphere)[self.cohort.first_lane]

    @cached_property
    def ecog(self) -> NDArray[np.float64]:
        """ECOG performance status, 1 for everything above 0, `[patient]`."""
        return has_ecog_one(self.cohort).astype(np.float64)

    def _tissue(self, field: str) -> NDArray[np.float64]:
        """A field of the untreated state, `[shell, lane]`."""
        return np.asarray((self.cohort.untreated or {})[field], np.float64)

    @cached_property
    def _pdl1(self) -> NDArray[np.float64]:
        return self._signal("pdl1_expression")

    @cached_property
    def _moment(self) -> Moment:
        model = model_of(self.cohort, self.settings)
        return Moment(model, state_of(self.cohort, model, self.settings), {})

    def _signal(self, name: str) -> NDArray[np.float64]:
        """A quantity of the untreated state, `[shell, lane]`."""
        found = np.asarray(getattr(self._moment, name), np.float64)
        whole = np.broadcast_to(found, (self.settings.ball.shells, self.settings.lanes))
        return whole[:, : self.cohort.lanes]

    def _sample(self, name: str, tissue: NDArray[np.float64]) -> NDArray[np.float64]:
        along = np.diff(self.settings.ball.faces) @ tissue[:, self.cohort.first_lane]
        error = self.cohort.records["biopsy_error"].to("dimensionless") * self.cohort.normal(f"biopsy {name}")
        return np.maximum(along, np.finfo(float).tiny) * np.exp(error)

    def _stained(self, assay: str, amount: NDArray[np.float64]) -> NDArray[np.float64]:
        half, width = (self.cohort.records[f"assay_{assay}_{name}"] for name in ("half", "width"))
        return expit(np.log(amount / half.value) / width.to("dimensionless"))


def meets(criteria: Sequence[Criterion], settings: Settings = Settings()) -> Keep | None:
    """Decides who is taken by criteria; None where there are none.

    A patient's readings depend on who he is and on his state: whoever is looked at beside him, they are the same.
    """
    if not criteria:
        return None

    def keep(cohort: Cohort) -> NDArray[np.bool_]:
        biopsy, kept = Biopsy(cohort, settings), np.ones(len(cohort), bool)
        for criterion in criteria:
            reading = getattr(biopsy, criterion.reading)
            kept &= reading >= (-np.inf if criterion.least is None else criterion.least)
            kept &= reading <= (np.inf if criterion.most is None else criterion.most)
        return kept

    return keep
