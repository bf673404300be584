"""SBML Level 3 Version 2 of a well-mixed patient, that COPASI, libRoadRunner, AMICI and Tellurium read.

Each lesion is a compartment that grows and shrinks; cells, vessels, matrix and carriers are species in it, which
flows of the mechanisms change as reactions. Molecules are parameters with fast rate rules, signals are assignment
rules, doses are events. Every number says where it comes from.
"""

from collections.abc import Mapping
from functools import cache
from html import escape
from typing import Any

import numpy as np

from alarmin.errors import AlarminError
from alarmin.exports.network import Constant, Network, network
from alarmin.patients import Cohort
from alarmin.records import sources
from alarmin.therapy.regimen import Regimen
from alarmin.units import registry
from alarmin.version import NOTICE, VERSION

BASE = {
    "meter": "metre",
    "kilogram": "kilogram",
    "gram": "gram",
    "second": "second",
    "mole": "mole",
    "kelvin": "kelvin",
    "cell": "item",
    "PFU": "item",
}
"""SBML's names of the units into which every unit is taken apart."""


class SbmlError(AlarminError):
    """A model that cannot be written as SBML."""


def library() -> Any:
    """python-libsbml, or a refusal that says how to get it."""
    try:
        import libsbml
    except ImportError:
        raise SbmlError(
            "python-libsbml is not installed",
            remedy="install it with: pip install '.[sbml]' in a copy of the repository",
        ) from None
    return libsbml


def sbml(cohort: Cohort, regimen: str | Regimen = "", *, days: int = 730) -> str:
    """The SBML document of one well-mixed patient under a regimen, checked for consistency.

    Args:
        cohort: one patient in the untreated state of lesions of one shell (`alarmin.exports.well_mixed`).
        regimen: in the regimen language; empty for no treatment.
        days: doses are listed up to this day.

    Raises:
        SbmlError: without python-libsbml, or where its consistency check finds an error.
        ExportError: where the cohort is not one untreated patient of one shell.
    """
    library()
    return write(network(cohort, regimen, days=days))


def write(found: Network) -> str:
    """A network as an SBML document."""
    lib = library()
    document = lib.SBMLDocument(3, 2)
    _Writer(lib, document, found).write()
    # Numbers in equations carry no unit of their own, so that units cannot be checked throughout.
    document.setConsistencyChecks(lib.LIBSBML_CAT_UNITS_CONSISTENCY, False)
    document.setConsistencyChecks(lib.LIBSBML_CAT_MODELING_PRACTICE, False)
    document.checkConsistency()
    wrong = [document.getError(i) for i in range(document.getNumErrors())]
    wrong = [error for error in wrong if error.getSeverity() >= lib.LIBSBML_SEV_ERROR]
    if wrong:
        raise SbmlError(
            f"libSBML refuses the model: {' '.join(wrong[0].getMessage().split())} ({len(wrong)} errors)",
            remedy="report tumor, patient and regimen",
        )
    return lib.writeSBMLToString(document)


class _Writer:
    def __init__(self, lib: Any, document: Any, found: Network) -> None:
        self.lib, self.found, self.model = lib, found, document.createModel()
        self.species = {name for name, state in found.states.items() if state.compartment}
        self.changing = {*found.states, *found.rules, *found.lesions}
        self.settings = lib.L3ParserSettings()
        self.settings.setParseLog(lib.L3P_PARSE_LOG_AS_LN)

    def write(self) -> None:
        found, model = self.found, self.model
        model.setId("alarmin_patient")
        model.setMetaId("alarmin_patient")
        model.setName(found.title)
        model.setTimeUnits(self.unit("day"))
        for set_units in (model.setSubstanceUnits, model.setExtentUnits):
            set_units(self.unit("Mcell"))
        model.setVolumeUnits(self.unit("mL"))
        model.setNotes(_notes(*found.about, f"Made by Alarmin {VERSION}. {NOTICE}"))
        self._compartments()
        for name, constant in found.constants.items():
            self._parameter(name, constant.value, constant.unit, constant.title, constant)
        for name, state in found.states.items():
            if state.compartment:
                self._species(name)
            else:
                self._parameter(name, state.initial, state.unit, state.title)
        for name, rule in found.rules.items():
            self._parameter(name, None, rule.unit, rule.title)
            self._rule(model.createAssignmentRule(), name, rule.formula)
        for name, formula in found.rates.items():
            self._rule(model.createRateRule(), name, formula)
        for name in found.reactions:
            self._reaction(name)
        for number in range(len(found.events)):
            self._event(number)

    def _compartments(self) -> None:
        for name, volume in {**self.found.lesions, "patient": 1.0}.items():
            made = self.model.createCompartment()
            made.setId(name)
            made.setSize(volume)
            made.setSpatialDimensions(3)
            made.setUnits(self.unit("mL"))
            made.setConstant(name == "patient")
            made.setName("node and blood: species are amounts" if name == "patient" else "tissue of a lesion")

    def _species(self, name: str) -> None:
        state, made = self.found.states[name], self.model.createSpecies()
        body = state.compartment == "patient"
        made.setId(name)
        made.setName(state.title)
        made.setCompartment(state.compartment)
        made.setHasOnlySubstanceUnits(body)
        (made.setInitialAmount if body else made.setInitialConcentration)(state.initial)
        made.setSubstanceUnits(self.unit(state.unit if body else f"({state.unit})*mL"))
        made.setBoundaryCondition(False)
        made.setConstant(False)

    def _parameter(self, name: str, value: float | None, unit: str, title: str, source: Constant | None = None) -> None:
        made = self.model.createParameter()
        made.setId(name)
        made.setName(title)
        made.setConstant(name not in self.changing)
        if value is not None:
            made.setValue(value)
        if unit:
            made.setUnits(self.unit(unit))
        if source is not None and source.record is not None:
            self._source(made, name, source)

    def _source(self, made: Any, name: str, constant: Constant) -> None:
        """Notes and annotation of a number: where it comes from and how far it can be trusted."""
        record = constant.record
        assert record is not None
        cited = sources().get(record.source)
        where = f", {record.where}" if record.where else ""
        trust = f"Grade {record.grade}, status {record.status}. Typical value {record.value:g} {record.unit}."
        made.setNotes(_notes(f"{cited.title if cited else record.source}{where}. {trust}", record.note))
        found = [f"https://identifiers.org/doi:{cited.doi}"] if cited and cited.doi else []
        found += [f"https://identifiers.org/pubmed:{cited.pmid}"] if cited and cited.pmid else []
        if found:
            made.setMetaId(f"meta_{name}")
            term = self.lib.CVTerm(self.lib.BIOLOGICAL_QUALIFIER)
            term.setBiologicalQualifierType(self.lib.BQB_IS_DESCRIBED_BY)
            for resource in found:
                term.addResource(resource)
            made.addCVTerm(term)

    def _rule(self, made: Any, name: str, formula: str) -> None:
        made.setVariable(name)
        made.setMath(self.math(formula))

    def _reaction(self, name: str) -> None:
        flow, made = self.found.reactions[name], self.model.createReaction()
        made.setId(name)
        made.setName(flow.title)
        made.setReversible(flow.reversible)
        for species, create in ((flow.source, made.createReactant), (flow.target, made.createProduct)):
            if species:
                end = create()
                end.setSpecies(species)
                end.setStoichiometry(1.0)
                end.setConstant(True)
        math = self.math(flow.law)
        read = {node for node in _names(math) if node in self.species}
        for species in sorted(read - {flow.source, flow.target}):
            made.createModifier().setSpecies(species)
        made.createKineticLaw().setMath(math)

    def _event(self, number: int) -> None:
        event, made = self.found.events[number], self.model.createEvent()
        made.setId(f"dose_{number + 1}")
        made.setName(event.title)
        made.setUseValuesFromTriggerTime(False)
        trigger = made.createTrigger()
        trigger.setInitialValue(False)
        trigger.setPersistent(True)
        trigger.setMath(self.math(f"time >= {event.day!r}"))
        for variable, formula in event.changes.items():
            change = made.createEventAssignment()
            change.setVariable(variable)
            change.setMath(self.math(formula))

    def math(self, formula: str) -> Any:
        found = self.lib.parseL3FormulaWithSettings(formula, self.settings)
        if found is None:
            raise SbmlError(f"{formula!r}: {self.lib.getLastParseL3Error()}", remedy="report it")
        return found

    def unit(self, text: str) -> str:
        """The id of a unit as pint writes it; made when it is first asked for."""
        name, scale, parts = _taken_apart(text)
        if name != "dimensionless" and self.model.getUnitDefinition(name) is None:
            made = self.model.createUnitDefinition()
            made.setId(name)
            made.setName(text)
            for kind, exponent, multiplier in [("dimensionless", 1.0, scale), *((*part, 1.0) for part in parts)]:
                unit = made.createUnit()
                unit.setKind(self.lib.UnitKind_forName(kind))
                unit.setExponent(exponent)
                unit.setScale(0)
                unit.setMultiplier(multiplier)
        return name


@cache
def _taken_apart(text: str) -> tuple[str, float, tuple[tuple[str, float], ...]]:
    """An id for a unit, its size, and the base units with exponents of which it is made."""
    quantity = registry.Quantity(1.0, registry.parse_units(text)).to_base_units()
    held: Mapping[str, Any] = quantity.units._units
    parts = tuple((BASE[name], float(np.asarray(power))) for name, power in sorted(held.items()))
    size = float(np.asarray(quantity.magnitude))
    if not parts and size == 1.0:
        return "dimensionless", 1.0, ()
    words = {"**": "", "/": "_per_", "*": "_", " ": "", "(": "", ")": "", ".": "_"}
    name = text
    for sign, word in words.items():
        name = name.replace(sign, word)
    return f"unit_{name}", size, parts


def _names(math: Any) -> set[str]:
    """The names that a formula reads."""
    found = {math.getName()} if math.isName() else set()
    return found.union(*(_names(math.getChild(i)) for i in range(math.getNumChildren())))


def _notes(*paragraphs: str) -> str:
    text = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs if paragraph)
    return f'<body xmlns="http://www.w3.org/1999/xhtml">{text}</body>'
