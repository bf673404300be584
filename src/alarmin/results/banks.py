"""What a result was made from that was drawn from banks: records in force, and the populations of the banks."""

from collections.abc import Iterable, Mapping

from alarmin.patients.drawing import records_of
from alarmin.records import Population
from alarmin.records import population as find_population
from alarmin.results.provenance import Provenance, provenance, records_by_tumor
from alarmin.trials.bank import fitted


def bank_provenance(
    *,
    command: str,
    subject: Mapping[str, str],
    seed: int,
    patients: int,
    tumors: Iterable[str],
    members: int,
    among: int | None = None,
) -> Provenance:
    """The provenance of a result from banks of `tumors`, with the records of their fits at the posterior mean.

    Args:
        command: what was asked for.
        subject: what it is about.
        seed: seed of everything random.
        patients: number of virtual patients.
        tumors: tumor types of the banks.
        members: possible populations in each bank.
        among: how many were looked at, where some have no patients; `members` without it.
    """
    fits = {name: find_population(name) for name in tumors}
    every = {name: records_of(name, fit.records if fit else None) for name, fit in fits.items()}
    return provenance(
        command=command,
        subject=subject,
        seed=seed,
        patients=patients,
        records=records_by_tumor(every),
        population=fitted(fits.values())[0],
        members="; ".join(_members(name, fit, members, among or members) for name, fit in fits.items()),
    )


def _members(tumor: str, fit: Population | None, count: int, among: int) -> str:
    """Which populations a bank of a tumor type holds, in words."""
    chosen = f"{count} of " if among != count else ""
    if fit is None or not fit.members:
        return f"{tumor}: {chosen}{among} draws from the ranges of records"
    return f"{tumor}: {chosen}members 0 to {min(among, fit.members) - 1} of the {fit.members} of {fit.name}"
