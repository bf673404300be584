"""Reads a design, and refuses what no single key shows: parts that contradict one another, or the trial."""

from pathlib import Path

from alarmin import records
from alarmin.design.plan import ADAPTIVE, Comparison, Design, DesignError
from alarmin.errors import nearest
from alarmin.records import Trial
from alarmin.records.loader import check, read
from alarmin.trials.bank import READINGS, not_measured


def load(path: str | Path) -> tuple[Design, Trial]:
    """The design in a TOML file and the trial that it is about; raises `RecordError` or `DesignError`."""
    path = Path(path)
    if not path.is_file():
        raise DesignError(f"no design file {str(path)!r}", remedy="give the path of an existing TOML file")
    design = check(Design, read(path), path.name)
    beside = path.parent / design.trial
    trial = records.trial(beside if design.trial.endswith(".toml") and beside.is_file() else design.trial)
    _agrees(design, trial)
    return design, trial


def _agrees(design: Design, trial: Trial) -> None:
    _arms_exist(design, trial)
    _times_agree(design)
    _information_is_said(design)
    _alpha_is_spent(design)
    _tests_fit(design)
    _adaptation_fits(design)


def _arms_exist(design: Design, trial: Trial) -> None:
    arms = [arm.name for arm in trial.arms]
    for name in (*design.experimental, design.control):
        if name not in arms:
            raise DesignError(f"arm {name!r} of trial {trial.name!r}; {nearest(name, arms)}", remedy="name its arms")
    if len({*design.experimental, design.control}) <= len(design.experimental):
        raise DesignError(
            f"arms {[*design.experimental, design.control]} are not different", remedy="name each arm once"
        )
    if len({arm.tumor or trial.tumor for arm in trial.arms if arm.name in (*design.experimental, design.control)}) > 1:
        raise DesignError(f"the arms of {trial.name!r} have different tumors", remedy="compare arms with one tumor")
    # The scans that show progression show whether it is confirmed.
    needed = "orr" if design.endpoint.name == "orr" else design.endpoint.time.removeprefix("i")
    if needed not in trial.endpoints:
        raise DesignError(
            f"endpoint {design.endpoint.name!r}, and the endpoints of {trial.name!r} are {', '.join(trial.endpoints)}",
            remedy="choose one of its endpoints, or add it to the trial",
        )


def _times_agree(design: Design) -> None:
    expected = design.patients / design.accrual.per_month
    if design.accrual.months is not None and abs(design.accrual.months - expected) > 1.0:
        raise DesignError(
            f"accrual.months {design.accrual.months:g}, but {design.patients} patients at "
            f"{design.accrual.per_month:g} a month take {expected:.1f}",
            remedy="make patients, accrual.per_month and accrual.months agree, or leave accrual.months out",
        )
    if design.cut.months < expected:
        raise DesignError(
            f"cut.months {design.cut.months:g} comes before the last of {design.patients} patients, at {expected:.1f}",
            remedy="cut later, or enroll faster",
        )
    if design.endpoint.months is not None and design.cut.months <= design.endpoint.months:
        raise DesignError(
            f"cut.months {design.cut.months:g}, but {design.endpoint.name} is read at endpoint.months "
            f"{design.endpoint.months:g}, and nobody is followed so long",
            remedy="cut later, or read the endpoint earlier",
        )


def _information_is_said(design: Design) -> None:
    if design.endpoint.by_events and design.cut.events is None:
        raise DesignError(
            f"cut.events is missing, and {design.endpoint.name} counts events",
            remedy="say at how many events the last look is taken",
        )
    if not design.endpoint.by_events and design.cut.events is not None:
        raise DesignError(
            f"cut.events {design.cut.events}, but {design.endpoint.name} counts patients", remedy="leave it out"
        )
    # Events are those of the control and one experimental arm, where several share a control.
    compared = design.patients * 2 // (1 + len(design.experimental))
    if design.endpoint.by_events and design.planned > compared:
        raise DesignError(
            f"cut.events {design.planned} of {compared} patients who are compared",
            remedy="ask for fewer events than patients",
        )


def _alpha_is_spent(design: Design) -> None:
    if not isinstance(design.looks.spending, str):
        total = sum(design.looks.spending)
        if abs(total - design.alpha) > 1e-9 or min(design.looks.spending) < 0:
            raise DesignError(
                f"looks.spending {list(design.looks.spending)} sums to {total:g}, and alpha is {design.alpha:g}",
                remedy="give each look its alpha, none below 0, so that they sum to alpha",
            )


def _tests_fit(design: Design) -> None:
    futility = design.looks.futility
    if not design.endpoint.by_events and design.test != Comparison():
        raise DesignError(
            f"test {design.test.name!r} with endpoint {design.endpoint.name!r}, which has its own",
            remedy="leave the test out, or take pfs or os",
        )
    if design.test.stratum is not None:
        _measured(design.test.stratum, "test.stratum")
    if design.test.name == "maxcombo" and design.sides == 2:
        raise DesignError("maxcombo with sides = 2", remedy="state alpha one-sided, as alpha/2 with sides = 1")
    if futility is None:
        return
    if design.sides == 2:
        raise DesignError("looks.futility with sides = 2", remedy="state alpha one-sided, as alpha/2 with sides = 1")
    if futility.hazard_ratio is not None and not design.endpoint.by_events:
        raise DesignError(
            f"looks.futility.hazard_ratio {futility.hazard_ratio:g} with endpoint {design.endpoint.name!r}",
            remedy="stop for futility by `spending`, or take pfs or os",
        )
    if futility.spending is not None and design.test.name == "maxcombo":
        raise DesignError("looks.futility.spending with maxcombo", remedy="stop for futility by `hazard_ratio`")


def _adaptation_fits(design: Design) -> None:
    chosen = [name for name in ADAPTIVE if getattr(design, name) is not None]
    if len(chosen) > 1:
        raise DesignError(f"a design with {' and '.join(chosen)}", remedy="adapt one thing in one design")
    if len(design.experimental) > 1 and design.selection is None:
        raise DesignError(
            f"experimental {list(design.experimental)} without a rule that selects",
            remedy="add [selection], or name one",
        )
    if not chosen:
        return
    kind, looks = chosen[0], len(design.looks.fractions)
    two = {"enrichment", "selection"}
    wanted = {"reestimation": "at least two looks", "response_adaptive": "one look"}.get(kind, "two looks")
    if (
        (kind in two and looks != 2)
        or (kind == "reestimation" and looks < 2)
        or (kind == "response_adaptive" and looks != 1)
    ):
        raise DesignError(f"looks.fractions {list(design.looks.fractions)}", remedy=f"{kind} takes {wanted}")
    if design.sides == 2:
        raise DesignError(f"{kind} with sides = 2", remedy="state alpha one-sided, as alpha/2 with sides = 1")
    if design.test.name == "maxcombo" or design.test.strata:
        raise DesignError(f"{kind} with a test of many parts", remedy="take logrank or fleming_harrington, no strata")
    if design.looks.futility is not None and kind != "reestimation":
        raise DesignError(f"looks.futility with {kind}, which has its own rule", remedy="leave looks.futility out")
    if design.enrichment is not None:
        _measured(design.enrichment.biomarker, "enrichment.biomarker")
        if design.endpoint.by_events and design.enrichment.subgroup_events is None:
            raise DesignError(
                f"enrichment.subgroup_events is missing, and {design.endpoint.name} counts events",
                remedy="say at how many events the last look at the subgroup alone is taken",
            )
        if not design.endpoint.by_events and design.enrichment.subgroup_events is not None:
            raise DesignError(
                f"enrichment.subgroup_events {design.enrichment.subgroup_events}, but {design.endpoint.name} counts "
                "patients",
                remedy="leave it out",
            )
    if design.reestimation is not None and design.reestimation.promising >= design.power:
        raise DesignError(
            f"reestimation.promising {design.reestimation.promising:g} with power {design.power:g}, so that no result "
            "is promising",
            remedy="put it below the power",
        )
    if design.selection is not None and design.selection.keep > len(design.experimental):
        raise DesignError(
            f"selection.keep {design.selection.keep} of {len(design.experimental)} experimental arms",
            remedy="keep no more arms than there are",
        )
    if design.response_adaptive is not None and design.endpoint.name != "orr":
        raise DesignError(
            f"response_adaptive with endpoint {design.endpoint.name!r}", remedy='take endpoint.name = "orr"'
        )
    if design.response_adaptive is not None and design.response_adaptive.burn_in >= design.patients:
        raise DesignError(
            f"response_adaptive.burn_in {design.response_adaptive.burn_in} of {design.patients} patients, so that "
            "nothing adapts",
            remedy="begin with fewer patients at even odds",
        )


def _measured(name: str, key: str) -> None:
    if name not in READINGS:
        raise DesignError(
            f"{key}: {not_measured(name)}",
            remedy="choose a reading of the baseline biopsy or of the baseline scan",
        )
