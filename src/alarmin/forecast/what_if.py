"""What another treatment from now on would be, and what there is to say about it."""

from alarmin import records
from alarmin.errors import AlarminError
from alarmin.forecast.belief import DATA
from alarmin.forecast.contest import Arms
from alarmin.records.loader import check, read
from alarmin.therapy.regimen import Phase, Regimen, Treatment, parse


class GroundsError(AlarminError):
    """A question that no data speak to."""


def switched(current: Regimen, later: Regimen, day: int) -> Regimen:
    """The regimen that is `current` before `day` and `later` from then on.

    What stands in both goes on in its cycles; what stands in `current` alone ends, its last dose before `day`.
    """
    new = {treatment.agent: treatment for treatment in later.treatments}
    found = []
    for old in current.treatments:
        successor = new.pop(old.agent, None)
        if successor is not None and successor.phases == old.phases:
            found.append(old)
            continue
        phases = (*_until(old, day), *(successor.phases if successor else ()))
        if phases:
            found.append(Treatment(old.agent, phases, old.start, (successor or old).lesions))
    found += [Treatment(t.agent, t.phases, t.start + day, t.lesions) for t in new.values()]
    return Regimen(tuple(sorted(found, key=lambda treatment: treatment.agent)))


def _until(treatment: Treatment, day: int) -> tuple[Phase, ...]:
    """The phases of a treatment with their cycles that begin before a day."""
    start, found = treatment.start, []
    for phase in treatment.phases:
        most = max(-(-(day - start) // phase.interval), 0)
        cycles = most if phase.cycles is None else min(most, phase.cycles)
        if cycles:
            found.append(Phase(phase.amount, phase.basis, phase.interval, cycles, phase.days))
        start += cycles * phase.interval
    return tuple(found)


def grounds(tumor: str, regimen: Regimen, training: tuple[str, ...]) -> str:
    """What a forecast under a regimen rests on, in a sentence.

    Raises `GroundsError` where no patient of the training set was given an agent of the regimen.

    Args:
        tumor: tumor type.
        regimen: what is given.
        training: what the population was fitted to, by names such as "TRIAL.ARM.ENDPOINT".
    """
    kind = records.tumor(tumor).name
    series = [entry for entry in check(Arms, read(DATA / "arms.toml"), "arms.toml").arm if entry.tumor == kind]
    given = set(regimen.agents)
    if any(given == set(parse(entry.regimen).agents) for entry in series):
        return "Lesion by lesion, this treatment was seen in patients of this tumor type."
    if not given:
        return "Extrapolated: no lesions without treatment were seen; growth rests on the model and published rates."
    known: set[str] = {name for entry in series for name in parse(entry.regimen).agents}
    combinations = []
    for trial, arm in {tuple(name.split(".")[:2]) for name in training}:
        if trial in records.trials():
            agents = {n for a in records.trial(trial).arms if a.name == arm for n in parse(a.regimen).agents}
            known |= agents
            combinations.append(agents)
    if missing := sorted(given - known):
        raise GroundsError(
            f"nothing is known of {', '.join(missing)} in {kind!r}: no patient who was given it taught this population",
            remedy=f"ask about {', '.join(sorted(known))}" if known else "use a tumor type that was fitted",
        )
    if given in combinations:
        return "Extrapolated: of this treatment, responses and survival of whole arms were seen, and no single lesions."
    return "Extrapolated: each agent was seen, and never all of them together; how they add up is the model's alone."
