"""What a run should cite, and why: the software, then the sources of the records in force, by what they stand for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alarmin import records
from alarmin.records import Source
from alarmin.results.provenance import Provenance
from alarmin.therapy.regimen import parse
from alarmin.version import AUTHORS, LICENSE, TITLE, VERSION

OWN = ("assumption", "fitted")
"""Keys that stand for no publication: the record's note gives the reason."""


@dataclass(frozen=True)
class Reason:
    """Sources to cite for one reason.

    Attributes:
        why: what they stand for.
        sources: by key.
        records: number of records taken from each, by key; 0 where a source is cited for no number.
    """

    why: str
    sources: Mapping[str, Source]
    records: Mapping[str, int]


def software() -> Source:
    """Alarmin itself, as CITATION.cff has it."""
    return Source(title=f"{AUTHORS}, {TITLE}, version {VERSION} ({LICENSE})")


def citations(provenance: Provenance, agents: Iterable[str] = ()) -> list[Reason]:
    """The sources of a run: its trial, each agent that was given, its tumor type, what it was fitted to, the biology.

    Args:
        provenance: of the run.
        agents: names of agents that were given; those of the regimen or of a known trial are added.

    Records of agents that were not given are in force, but decide nothing, and are left out.
    """
    subject = provenance.subject
    known = records.trials().get(subject.get("trial", ""))
    given = dict.fromkeys(agents)
    for regimen in [subject.get("regimen", ""), *(arm.regimen for arm in (known.arms if known else ()))]:
        given |= dict.fromkeys(parse(regimen).agents if regimen else ())
    tumors = [
        subject.get("tumor"),
        known.tumor if known else None,
        *(arm.tumor for arm in (known.arms if known else ())),
    ]
    kinds = [records.tumors()[name] for name in dict.fromkeys(tumors) if name in records.tumors()]
    parts = {id: record.source for id, record in provenance.parameters.items()}
    every = tuple(f"{name}." for name in records.agents())

    found = []
    if known is not None:
        found.append(_reason(f"design of the trial {known.name}", [], [known.source]))
    for name in given:
        mine = [source for id, source in parts.items() if id.startswith(f"{name}.")]
        found.append(_reason(f"agent {records.agent(name).title}", mine))
    typed: set[str] = set()
    for kind in kinds:
        also = [kind.composition.source] if kind.composition else []
        found.append(_reason(f"tumor type {kind.title}", [parts[id] for id in kind.parameters if id in parts], also))
        typed |= kind.parameters.keys()
    fit = next(
        (fit for name, fit in records.populations().items() if provenance.population.split(" ")[0] == name), None
    )
    if fit is not None:
        designs = [records.trials()[name].source for name in fit.trials if name in records.trials()]
        found.append(_reason(f"trials to which the population {fit.name} was fitted", [], designs))
    rest = [source for id, source in parts.items() if id not in typed and not id.startswith(every)]
    found.append(_reason("biology, patients and readouts that all tumor types share", rest))
    return [reason for reason in found if reason.sources]


def software_bibtex() -> str:
    """Alarmin itself as an entry of a BibTeX file."""
    return f"""@software{{alarmin,
  author = {{{{{AUTHORS}}}}},
  title = {{{{{TITLE}}}}},
  version = {{{VERSION}}},
  note = {{{LICENSE} license}},
}}"""


def bibtex(key: str, source: Source, why: str = "") -> str:
    """A source as an entry of a BibTeX file; its note says what it was used for and where it is registered."""
    escape = lambda text: text.replace("&", "\\&").replace("%", "\\%").replace("_", "\\_").replace("#", "\\#")
    fields = {
        "title": "{" + escape(source.title) + "}",
        "year": str(source.year or ""),
        "doi": source.doi or "",
        "url": source.url or "",
        "note": "; ".join(
            filter(
                None,
                (
                    escape(why),
                    f"PMID {source.pmid}" if source.pmid else "",
                    source.pmc or "",
                    source.nct or "",
                ),
            )
        ),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{key},", *lines, "}"])


def place(source: Source) -> str:
    """Where a source is found: DOI, PubMed, PMC, registry or address, all that are known."""
    parts = (
        f"doi:{source.doi}" if source.doi else "",
        f"PMID {source.pmid}" if source.pmid else "",
        source.pmc or "",
        source.nct or "",
        "" if source.doi else source.url or "",
    )
    return ", ".join(filter(None, parts))


def _reason(why: str, of_records: list[str], also: Iterable[str] = ()) -> Reason:
    keys = [key for key in sorted({*of_records, *also}) if key not in OWN and key in records.sources()]
    return Reason(why, {key: records.sources()[key] for key in keys}, {key: of_records.count(key) for key in keys})
