"""`alarmin export`: files that other tools read."""

from pathlib import Path
from typing import Annotated

import typer

from alarmin.cli.face import Seed, at_least, keep_programs, notice, out, progress, refusals

export = typer.Typer(
    name="export", help="Write files that other tools read: SBML, PEtab, ADaM tables, cells.", no_args_is_help=True
)

Tumor = Annotated[str, typer.Argument(help="Tumor type, such as nsclc.")]
Given = Annotated[str, typer.Argument(help='What is given, such as "atezolizumab 1200 mg q3w", or "none".')]
Patient = Annotated[int, typer.Option(help="Which patient of the cohort, from 1, as in alarmin simulate.")]
Days = Annotated[int, typer.Option(help="Doses and scans up to this day.")]


@export.command()
def sbml(
    tumor: Tumor,
    regimen: Given,
    target: Annotated[Path, typer.Option("--out", help="New SBML file: .xml or .sbml.")],
    days: Days = 730,
    seed: Seed = 0,
    patient: Patient = 1,
) -> None:
    """Write a patient with well-mixed lesions as SBML Level 3 Version 2, doses as events.

    Example:  alarmin export sbml nsclc "atezolizumab 1200 mg q3w" --out patient.xml
    """
    with refusals():
        from alarmin import results
        from alarmin.errors import AlarminError
        from alarmin.exports.sbml import library
        from alarmin.exports.sbml import sbml as write

        if target.suffix not in (".xml", ".sbml"):
            raise AlarminError(f"SBML as {target.suffix!r}", remedy="end its name in .xml or .sbml")
        library()
        results.ensure_new(target)
        results.write_file(target, write(_patient(tumor, regimen, days, seed, patient), regimen, days=days))
        _done(target)


@export.command()
def petab(
    tumor: Tumor,
    regimen: Given,
    target: Annotated[Path, typer.Option("--out", help="New folder for the problem.")],
    days: Days = 180,
    seed: Seed = 0,
    patient: Patient = 1,
    estimated: Annotated[int, typer.Option(help="How many records are to be estimated.")] = 8,
) -> None:
    """Write a PEtab problem: the SBML model of a patient, his scans, and priors.

    Example:  alarmin export petab nsclc "docetaxel 75 mg/m2 q3w" --out problem
    """
    with refusals():
        from alarmin import results
        from alarmin.exports.petab import petab_files
        from alarmin.exports.sbml import library

        library()
        at_least(1, estimated=estimated)
        results.ensure_new(target)
        cohort = _patient(tumor, regimen, days, seed, patient)
        results.write_files(target, petab_files(cohort, regimen, days=days, estimated=estimated))
        _done(target)


@export.command()
def adam(
    run: Annotated[Path, typer.Argument(help="Folder of a trial: alarmin trial … --out FOLDER.")],
    target: Annotated[Path, typer.Option("--out", help="New folder for the tables.")],
) -> None:
    """Write ADSL, ADTTE, ADRS and ADAE of a trial as Parquet and CSV with CDISC names and labels.

    Example:  alarmin export adam runs/impower150 --out adam
    """
    with refusals():
        from alarmin.exports.adam import export_adam

        export_adam(run, target)
        _done(target)


@export.command()
def cells(
    course: Annotated[Path, typer.Argument(help="Course of a patient: alarmin simulate … --out COURSE.zarr.")],
    target: Annotated[Path, typer.Option("--out", help="New AnnData file: .h5ad.")],
    day: Annotated[float, typer.Option(help="Day of the profile.")] = 0.0,
    lesion: Annotated[int, typer.Option(help="Which lesion, from 1.")] = 1,
    count: Annotated[int, typer.Option(help="How many cells.")] = 10_000,
    seed: Seed = 0,
) -> None:
    """Write cells sampled from a lesion as AnnData: positions, types and what each cell feels.

    Example:  alarmin export cells course.zarr --day 42 --out cells.h5ad
    """
    with refusals():
        from alarmin import results
        from alarmin.exports.cells import export_cells

        at_least(1, count=count, lesion=lesion)
        at_least(0, seed=seed)
        results.ensure_new(target)
        export_cells(course, target, day=day, lesion=lesion, count=count, seed=seed)
        _done(target)


def _patient(tumor: str, regimen: str, days: int, seed: int, patient: int):
    """The patient, after a look at everything that was asked."""
    from alarmin import records
    from alarmin.therapy.regimen import parse

    kind = records.tumor(tumor)
    parse(regimen)
    at_least(1, days=days, patient=patient)
    at_least(0, seed=seed)
    keep_programs()
    from alarmin.exports import well_mixed

    with progress() as report:
        return well_mixed(kind.name, patient, seed, progress=lambda done, total: report("enroll", done, total))


def _done(target: Path) -> None:
    out.print(f"Written to {target}", markup=False)
    notice()
