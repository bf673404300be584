"""What an agent is: what becomes of it, what it does, and what it does to patients."""

from typing import Literal

from pydantic import model_validator

from alarmin.records.schema.value import Record, Strict


class Pharmacokinetics(Strict):
    """How plasma concentration follows a dose: `linear` compartments, or `saturable` ones (`parameters` by name).

    What is given in a lesion (`local`) acts there over the day of the dose, and reaches no other.
    """

    model: Literal["linear", "saturable", "local"]
    parameters: dict[str, Record]


class Event(Record):
    """The share of patients with an adverse event.

    `severe` is whether these are events of grade 3 or more, which alone happen to virtual patients. A record of events
    of any grade says it: an event that needs treatment is of grade 3 whatever it is reported as.
    """

    severe: bool = True

    @model_validator(mode="after")
    def _graded(self) -> "Event":
        if "any grade" in f"{self.title} {self.applies_to}" and "severe" not in self.model_fields_set:
            raise ValueError("events of any grade: say whether they are `severe`")
        return self


class Action(Strict):
    """One mode of action of an agent; `mode` is the name of a file in `alarmin/therapy`."""

    mode: str
    parameters: dict[str, Record] = {}


class Agent(Strict):
    """A drug as data: what it is, how the body and the tissue handle it, what it does.

    `dosing` is the standard single dose; its unit says on which basis the agent is dosed: mg, mg/kg, mg/m**2, or
    mg*min/mL for a dose by area under the curve; Gy, J/cm**2, delta_degC or PFU where it is no mass. `unit` is that of
    concentration; of an agent that is given in a lesion, it is the unit of the dose. An agent without `tissue` stays
    in the blood, or is no substance. `usual` is how the standard dose is given, in the regimen language without the
    agent's name, by the source of `dosing`; it may be left out where the arms of trials show it.
    """

    name: str
    title: str
    synonyms: tuple[str, ...] = ()
    kind: str
    targets: tuple[str, ...] = ()
    route: str
    unit: Literal["nM", "uM", "mg", "Gy", "J/cm**2", "delta_degC", "PFU"]
    dosing: Record
    usual: str | None = None
    molar_mass: Record | None = None
    pharmacokinetics: Pharmacokinetics
    tissue: dict[str, Record]
    actions: tuple[Action, ...]
    toxicity: dict[str, Event] = {}

    @model_validator(mode="after")
    def _dosed(self) -> "Agent":
        known = ("mg", "mg/kg", "mg/m**2", "mg*min/mL", "Gy", "J/cm**2", "delta_degC", "PFU")
        if self.dosing.unit not in known:
            raise ValueError(f"dosing: the unit of a standard dose is one of {', '.join(known)}")
        if self.local and self.unit != self.dosing.unit:
            raise ValueError(f"unit: what is given in a lesion has the unit of its dose, {self.dosing.unit}")
        if not self.local and (self.molar_mass is None or self.unit not in ("nM", "uM")):
            raise ValueError("unit: what is given through the blood has a molar_mass, and nM or uM as its unit")
        return self

    @property
    def local(self) -> bool:
        """Whether the agent is given in a lesion, and not through the blood."""
        return self.pharmacokinetics.model == "local"

    @property
    def transport(self) -> tuple[str, ...]:
        """The file in `alarmin/therapy` that brings the agent into tissue; none where it stays outside of it."""
        return ("injection" if self.local else "tissue",) if self.tissue else ()

    def records(self) -> dict[str, Record]:
        """All records of the agent by id: `agent.part.name`, actions as `agent.mode.name`."""
        found = {f"{self.name}.dosing": self.dosing}
        if self.molar_mass is not None:
            found[f"{self.name}.molar_mass"] = self.molar_mass
        parts = [("pharmacokinetics", self.pharmacokinetics.parameters), ("tissue", self.tissue)]
        parts += [(action.mode, action.parameters) for action in self.actions] + [("toxicity", self.toxicity)]
        for part, records in parts:
            found |= {f"{self.name}.{part}.{name}": record for name, record in records.items()}
        return found
