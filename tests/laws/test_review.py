"""Trust: each verdict of the ledger is that of a run, every statement is accounted for, and none is true by design."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from alarmin.records import agent, agents
from alarmin.review import ReviewError, Statement, statements, vocabulary
from alarmin.review.experiment import FEWEST, Observed, effect_of, median_interval, reading, scaled
from alarmin.review.ledger import absent, in_section, judge, ledger
from alarmin.review.statements import LISTED, Intervention, Readout, Vocabulary, experiment
from alarmin.therapy.regimen import parse, standard_phase

EVIDENCE = Path(__file__).parents[3] / "shared" / "reference" / "evidence.json"
STATEMENTS = {entry.id: entry for entry in statements()}
MECHANISTIC = [entry for entry in statements() if entry.kind not in LISTED]
RUN = [entry for entry in MECHANISTIC if not entry.not_modelled]


def test_every_statement_of_the_evidence_is_in_the_ledger():
    """None is left out, added, or changed in kind or place."""
    assert len(STATEMENTS) == 293
    if not EVIDENCE.exists():
        pytest.skip("the evidence is not here")
    for told in json.loads(EVIDENCE.read_text())["causal_triples"]:
        kept = STATEMENTS.get(told["id"])
        assert kept is not None, told["id"]
        assert told["kind"].startswith(kept.kind)
        assert (kept.line, kept.sentence, kept.modality) == (told["line"], told["sentence"], told["modality"])
        assert bool(kept.sources) == bool(told["audit"]), told["id"]


def test_nearly_every_mechanistic_statement_has_an_experiment():
    """At least 95 % can be run; each of the others says why not."""
    assert len(MECHANISTIC) == 250
    assert len(RUN) >= 0.95 * len(MECHANISTIC)


@pytest.mark.parametrize("section", dict.fromkeys(entry.section for entry in RUN))
def test_experiments_are_sound(section):
    """Every word is known, no experiment measures what it sets, and every record that it scales exists."""
    from alarmin.patients import records_of

    known = records_of("nsclc")
    for entry in in_section(RUN, section):
        found = experiment(entry, vocabulary())
        for record in found.intervention.scale:
            assert record in known or record.partition(".")[0] not in agents(), record


FACTORS = {"half": 0.5, "a third": 0.33, "a quarter": 0.25, "a tenth": 0.1, "twice": 2.0}
FACTORS |= {"three times": 3.0, "five times": 5.0, "1.5 times": 1.5, "2.5 times": 2.5}
FACTORS |= {f"{percent} percent": percent / 100.0 for percent in (30, 40)}


def said_factors(title: str) -> set[float]:
    """The factors that a title names."""
    return {factor for words, factor in FACTORS.items() if re.search(rf"(?<![\w.]){re.escape(words)}\b", title)}


@pytest.mark.parametrize("name", vocabulary().interventions)
def test_an_intervention_does_what_its_title_says(name):
    """A reader is told the factors that records are scaled by, and a dose called standard is the agent's."""
    done = vocabulary().interventions[name]
    if done.scale and said_factors(done.title):
        assert said_factors(done.title) == set(done.scale.values())
    if "standard dose" in done.title:
        for given in parse(done.regimen).treatments:
            standard = standard_phase(agent(given.agent))
            assert (given.phases[0].amount, given.phases[0].basis) == (standard.amount, standard.basis)


def test_a_wrong_factor_is_found():
    assert said_factors("three times as many cells, each 1.5 times as fast") == {3.0, 1.5} != {2.0}


def one(**changes) -> Statement:
    said = {"id": "X", "section": "1", "line": 1, "sentence": 1, "anchor": "", "modality": "asserted"}
    said |= {"subject": "hunger", "predicate": "raises", "object": "thirst", "kind": "barrier"}
    return Statement(**(said | changes))


def words(scale: dict, sets: tuple[str, ...], quantity: str, regimen: str = "") -> Vocabulary:
    return Vocabulary(
        design=vocabulary().design,
        interventions={"less": Intervention(title="less", scale=scale, sets=sets, regimen=regimen)},
        readouts={"there": Readout(title="there", quantity=(quantity,))},
        subjects={"hunger": "less"},
        objects={"thirst": "there"},
        predicates={"raises": 1},
    )


@pytest.mark.parametrize(
    ("scale", "sets", "quantity", "regimen"),
    [
        ({"lactate_permeability": 0.5}, ("lactate",), "lactate", ""),
        ({"treg_recruitment": 2.0}, ("mdsc",), "treg", ""),
        ({"start_treg": 2.0}, ("mdsc",), "treg", ""),
        ({}, (), "bevacizumab", "bevacizumab 15 mg/kg q3w"),
        ({}, (), "docetaxel_damage", "docetaxel 75 mg/m2 q3w"),
    ],
)
def test_what_an_intervention_sets_cannot_be_its_readout(scale, sets, quantity, regimen):
    """A circular experiment is refused, by declaration, by the name of the record, or by the agent that is given."""
    with pytest.raises(ReviewError, match="circular"):
        experiment(one(), words(scale, sets, quantity, regimen))
    assert experiment(one(), words({"vegf_secretion": 2.0}, ("vegf",), "lactate")).direction == 1


def test_an_unknown_word_is_refused():
    """The refusal names the statement and the word."""
    with pytest.raises(ReviewError, match="X: unknown subject 'thirst'"):
        experiment(one(subject="thirst"), words({"vegf_secretion": 2.0}, ("vegf",), "lactate"))


def test_what_is_not_there_is_not_modelled():
    """A statement whose agent does not exist is neither run nor refused."""
    found = experiment(one(), words({}, (), "lactate", "moonlight 3 mg qw"))
    assert absent(found) == "agent moonlight unknown"
    entry = judge(one(), None, None, absent(found), vocabulary().design)
    assert (entry.verdict, entry.reason) == ("not modelled", "agent moonlight unknown")


@dataclass
class Fake:
    """A mechanism of known size: the lactate of each of 24 patients, times `factor`, with scatter."""

    factor: float
    scatter: float = 0.001

    def observed(self) -> tuple[Observed, Observed]:
        rng = np.random.default_rng(1)
        level, noise = rng.lognormal(0.0, 0.5, 24), np.exp(self.scatter * rng.normal(size=24))
        edges, lanes = np.linspace(0.0, 1.0, 5), np.arange(24)
        make = lambda value: Observed(
            lanes, edges, np.full((2, 24), 10.0), {"lactate": np.broadcast_to(value, (2, 4, 24))}
        )
        return make(level), make(level * noise * self.factor)


@pytest.mark.parametrize(
    ("fake", "verdict"),
    [
        (Fake(1.5), "reproduced"),
        (Fake(0.7), "opposite"),
        (Fake(1.0, 0.3), "no effect"),
        (Fake(1.005), "no effect"),
    ],
)
def test_a_known_effect_is_found(fake, verdict):
    """Verdicts follow direction, interval and the smallest effect that counts."""
    planned = experiment(one(), words({"vegf_secretion": 2.0}, ("vegf",), "lactate"))
    base, changed = fake.observed()
    found = effect_of(base, changed, planned.readout, 1.0)
    assert judge(one(), planned, found, "", vocabulary().design).verdict == verdict
    if fake.scatter < 0.1:
        assert found[0] == pytest.approx(np.log(fake.factor), abs=0.001)


def test_readings_agree_with_closed_forms():
    """Mean, core, margin and total of a density that rises as the radius in a sphere of 10 mm."""
    edges = np.linspace(0.0, 1.0, 2001)
    rising = (0.5 * (edges[1:] + edges[:-1]))[None, :, None]
    seen = Observed(np.array([0]), edges, np.full((1, 1), 10.0), {"x": rising})
    read = lambda take: reading(seen, Readout(title="", quantity=("x",), take=take), 1.0)[0]
    assert read("mean") == pytest.approx(0.75, rel=1e-5)
    assert read("core") == pytest.approx(0.375, rel=1e-5)
    assert read("margin") == pytest.approx(0.75 * (1 - 0.9**4) / (1 - 0.9**3), rel=1e-5)
    assert read("total") == pytest.approx(0.75 * 4 / 3 * np.pi, rel=1e-5)
    assert read("diameter") == 20.0


def test_the_interval_holds_the_median():
    """In 2000 samples of 24, the interval holds the true median in 95 % or a little more."""
    rng = np.random.default_rng(1)
    held = [low <= 0.0 <= high for _, low, high in (median_interval(rng.normal(size=24)) for _ in range(2000))]
    assert 0.94 < np.mean(held) < 0.99


def test_too_few_patients_for_an_interval_are_refused():
    """Of one patient every effect would count as certain: the extremes of five hold a median in 94 % of samples."""
    with pytest.raises(ReviewError, match="5 patients in each cohort"):
        ledger("3.1", patients=FEWEST - 1)
    assert 1.0 - 2.0 * 0.5**FEWEST >= 0.95 > 1.0 - 2.0 * 0.5 ** (FEWEST - 1)


def test_scaling_changes_one_record_of_the_same_patients(virtual_cohort):
    """Only the record named differs, where it varies between patients and where it does not."""
    cohort = virtual_cohort(3, 2)
    after = scaled(cohort, {"patient_weight": 2.0, "vegf_secretion": 3.0})
    assert np.allclose(after.values["patient_weight"], 2.0 * cohort.values["patient_weight"])
    assert after.records["vegf_secretion"].value == pytest.approx(3.0 * cohort.records["vegf_secretion"].value)
    assert {id for id in cohort.records if after.records[id] != cohort.records[id]} == {
        "patient_weight", "vegf_secretion",
    }  # fmt: skip
    with pytest.raises(ReviewError, match="no record is called 'moon'"):
        scaled(cohort, {"moon": 2.0})
