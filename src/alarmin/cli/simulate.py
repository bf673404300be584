"""`alarmin simulate`: one virtual patient under a regimen."""

import sys
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alarmin.cli.face import AsJson, Seed, as_json, at_least, keep_programs, notice, out, progress, refusals
from alarmin.errors import AlarminError, nearest

if TYPE_CHECKING:
    from alarmin.simulation import Course

PROFILE_DAYS = 7
GEOMETRIES = ("sphere", "well-mixed", "plane", "volume")


def simulate(
    tumor: Annotated[str, typer.Argument(help="Tumor type, such as nsclc.")],
    regimen: Annotated[str, typer.Argument(help='What is given, such as "atezolizumab 1200 mg q3w", or "none".')],
    days: Annotated[int, typer.Option(help="Length of the run.")] = 180,
    seed: Seed = 0,
    patient: Annotated[int, typer.Option(help="Which patient of the cohort, from 1.")] = 1,
    barrier: Annotated[
        list[str] | None,
        typer.Option(help='Share of a barrier that stays, such as "matrix=0.5"; 0 is healthy tissue. Can be repeated.'),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="New Zarr store for the course, lesions and profiles.")] = None,
    picture: Annotated[
        Path | None,
        typer.Option(help="New picture of the first lesion: .svg, .png or .pdf; with no ending, a folder of all."),
    ] = None,
    geometry: Annotated[str, typer.Option(help="sphere, well-mixed, plane or volume.")] = "sphere",
    shape: Annotated[str | None, typer.Option(help="Voxels along each axis of a box, such as 64,64,64.")] = None,
    spacing: Annotated[float | None, typer.Option(help="Width of a voxel at the start, in mm.")] = None,
    diameter: Annotated[float | None, typer.Option(help="Diameter of the lesion in a box, in mm.")] = None,
    source: Annotated[Path | None, typer.Option("--from", help="Map of tissue: .npy, Zarr or OME-Zarr.")] = None,
    vessel_spread: Annotated[
        float | None, typer.Option(help="How much vessels vary in a box (s of a log-normal); not at all without it.")
    ] = None,
    vessel_length: Annotated[
        float | None, typer.Option(help="Length over which they vary, in mm; 1 without it.")
    ] = None,
    every: Annotated[
        int | None,
        typer.Option(
            help="Days between profiles; without it 7, and 1 for a folder of pictures. The last day has one too."
        ),
    ] = None,
    ome: Annotated[Path | None, typer.Option(help="New OME-Zarr image of the last day, for a box.")] = None,
    movie: Annotated[Path | None, typer.Option(help="New GIF of cross-sections, for a box.")] = None,
    multiplex: Annotated[Path | None, typer.Option(help="New PNG stained like a tissue section, for a box.")] = None,
    json: AsJson = False,
) -> None:
    """Simulate one virtual patient under a regimen, lesion by lesion.

    In a box (plane, volume) the first lesion of the patient is simulated as if it were the only one.

    Example:  alarmin simulate nsclc "docetaxel 75 mg/m2 q3w x4" --days 120 --picture lesion.png
    """
    with refusals():
        from alarmin import records, results
        from alarmin.therapy.regimen import parse

        kind, plan, kept = records.tumor(tumor), parse(regimen), _shares(barrier or ())
        at_least(1, days=days, patient=patient, every=every)
        at_least(0, vessel_spread=vessel_spread, vessel_length=vessel_length, spacing=spacing, diameter=diameter)
        if every is not None and not (out or picture or movie):
            raise AlarminError(f"--every {every} with no place for profiles", remedy="add --out, --picture or --movie")
        if geometry not in GEOMETRIES:
            raise AlarminError(
                f"--geometry {geometry}; {nearest(geometry, GEOMETRIES)}", remedy=f"one of {', '.join(GEOMETRIES)}"
            )
        in_box, in_folder = geometry in ("plane", "volume"), picture is not None and not picture.suffix
        often = every or (1 if in_folder else PROFILE_DAYS)
        for_boxes = {"shape": shape, "spacing": spacing, "diameter": diameter, "from": source, "ome": ome}
        for_boxes |= {"movie": movie, "multiplex": multiplex, "vessel-spread": vessel_spread}
        for_boxes |= {"vessel-length": vessel_length}
        for name, value in for_boxes.items():
            if value is not None and not in_box:
                raise AlarminError(
                    f"--{name} with --geometry {geometry}", remedy="add --geometry plane or --geometry volume"
                )
        if in_box and picture is not None:
            raise AlarminError("--picture shows shells of a ball", remedy="use --movie or --multiplex for a box")
        if kept and geometry != "sphere":
            raise AlarminError(f"--barrier with --geometry {geometry}", remedy="leave the geometry out")
        at_least(0, seed=seed)
        targets = [target for target in (out, picture, ome, movie, multiplex) if target is not None]
        for target in targets:
            results.ensure_new(target)
        for one, other in permutations(targets, 2):
            if one.absolute() in (other.absolute(), *other.absolute().parents):
                raise AlarminError(f"{other} would be written into {one}", remedy="give each a place of its own")
        if picture is not None:
            _kind(picture)
        for option, target, ending in (("movie", movie, ".gif"), ("multiplex", multiplex, ".png")):
            if target is not None and target.suffix.lower() != ending:
                raise AlarminError(f"--{option} {target}", remedy=f"end its name in {ending}")
        from alarmin.cli.boxes import Layout, run_box

        layout = Layout(geometry, shape, spacing, diameter, source, vessel_spread, vessel_length)
        if in_box:
            layout.check()
        elif geometry == "well-mixed" and picture is not None:
            raise AlarminError("--picture of a point", remedy="use --geometry sphere")
        keep_programs()
        from alarmin.enrollment import MOST, enroll
        from alarmin.explain import lowered
        from alarmin.simulation import Settings
        from alarmin.simulation import simulate as run

        if patient > MOST:
            raise AlarminError(f"--patient {patient}", remedy=f"give a number from 1 to {MOST}")
        with progress(quiet=json) as report:
            cohort = enroll(
                kind.name,
                patient,
                seed,
                settings=Settings(lanes=64),
                progress=lambda done, total: report("enroll", done, total),
            )
            treat = lambda done, total: report("treat", done, total)
            if in_box:
                files = {"out": out, "ome": ome, "movie": movie, "multiplex": multiplex}
                course = run_box(cohort[[patient - 1]], layout, plan, days, often, treat, **files, seed=seed)
            else:
                only, grid = cohort[[patient - 1]], Settings().grid
                if geometry == "well-mixed":
                    from alarmin.geometry import well_mixed
                    from alarmin.numerics.well_mixed import WellMixed

                    only, grid = well_mixed(only), WellMixed()
                settings = Settings(grid=grid, lanes=8)
                course = run(
                    only,
                    plan,
                    days=days,
                    clamped=lowered(only, plan.agents, kept),
                    profile_every=often,
                    settings=settings,
                    progress=treat,
                )
        if out is not None and not in_box:
            _write(out, course)
        if picture is not None:
            _draw(picture, course, patient)
        if json:
            as_json(_content(course))
        else:
            last = f" (day {course.days[-1]:.0f})"
            of_last = {target: last for target in (ome, multiplex)}
            _show(course, patient, [f"{target}{of_last.get(target, '')}" for target in targets])


def _shares(barriers: Sequence[str]) -> dict[str, float]:
    found = {}
    for text in barriers:
        name, _, share = text.partition("=")
        if name.strip() in found:
            raise AlarminError(f"--barrier {text!r}, and {name.strip()} before", remedy="give each barrier one share")
        try:
            found[name.strip()] = float(share)
        except ValueError:
            raise AlarminError(f"--barrier {text!r}", remedy="write its name and a share, as in matrix=0.5") from None
    return found


def _kind(picture: Path) -> str:
    kind = picture.suffix.removeprefix(".")
    if kind not in ("svg", "png", "pdf", ""):
        raise AlarminError(
            f"a picture of the kind {picture.suffix!r}",
            remedy="end its name in .svg, .png or .pdf, or in nothing for a folder of pictures",
        )
    return kind


def _content(course: "Course") -> dict[str, object]:
    cohort = course.cohort
    return {
        "tumor": cohort.tumor,
        "regimen": course.regimen,
        "seed": cohort.seed,
        "patient": cohort.ids[0],
        "population": cohort.population,
        "days": course.days,
        "lesions": {name: values.T for name, values in course.lesions.items()},
        "doses": {name: values[:, 0] for name, values in course.doses.items()},
    }


def _write(target: Path, course: "Course") -> None:
    from alarmin import results

    cohort = course.cohort
    made = results.provenance(
        command=" ".join(["alarmin", *sys.argv[1:]]),
        subject={"tumor": cohort.tumor, "regimen": course.regimen},
        seed=cohort.seed,
        patients=len(cohort),
        records=cohort.records,
        population=cohort.population,
    )
    results.write_course(target, course, made)


def _draw(target: Path, course: "Course", patient: int) -> None:
    from alarmin import plots, results

    if kind := _kind(target):
        results.write_file(target, plots.render(plots.course_section(course), kind))
        return
    drawn = {
        f"{name}.{kind}": plots.render(figure, kind)
        for name, figure in plots.course_figures(course, number=patient).items()
        for kind in ("svg", "png")
    }
    results.write_files(target, drawn)


def _show(course: "Course", patient: int, written: list[str]) -> None:
    from rich.table import Table

    diameter = course.lesions["diameter"]
    total = diameter.sum(axis=1)
    out.print(f"\n[bold]Patient {patient}[/bold], {course.cohort.tumor}, {course.regimen or 'untreated'}\n")
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("Day", justify="right")
    for lesion in range(diameter.shape[1]):
        table.add_column(f"Lesion {lesion + 1} [mm]", justify="right")
    table.add_column("Sum [mm]", justify="right")
    table.add_column("Change", justify="right")
    table.add_column("")
    chosen = range(0, len(course.days), max(1, round(len(course.days) / 14 / 7) * 7))
    for row in sorted({*chosen, len(course.days) - 1}):
        change = total[row] / total[0] - 1.0
        bar = "█" * round(24 * total[row] / total.max())
        sizes = (f"{value:.1f}" for value in diameter[row])
        table.add_row(f"{course.days[row]:.0f}", *sizes, f"{total[row]:.1f}", f"{change:+.0%}", f"[magenta]{bar}")
    out.print(table)
    if written:
        out.print(f"\nWritten to {', '.join(written)}", markup=False)
    out.print()
    notice()
