"""Runs a cohort chunk by chunk, on whatever workers there are, and goes on where a run was cut short."""

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from functools import partial
from pathlib import Path

from alarmin.cohorts import folder as place
from alarmin.cohorts.chunk import first_patients, run_chunk
from alarmin.cohorts.folder import DATA, Entry, Manifest
from alarmin.cohorts.plan import Plan, RunError, made_with
from alarmin.cohorts.workers import Workers, local, processors
from alarmin.results.provenance import Provenance, provenance
from alarmin.therapy.regimen import parse

Progress = Callable[[int, int], None]
"""Is told how many patients of how many are done."""

HARDLY_ANY, ENOUGH = 0.02, 400
"""The share of plausible candidates below which a run is refused, once so many have been looked at."""

PLAUSIBLE = 0.6
"""The share of candidates that is expected to be plausible before any has been looked at."""

STRIKES = 3
"""Times in a row that workers may die before a chunk is done."""


def start(
    plan: Plan,
    target: str | Path,
    *,
    workers: Workers | None = None,
    command: str = "alarmin.cohorts.start",
    progress: Progress | None = None,
) -> Manifest:
    """Simulates a cohort into a new folder.

    Args:
        plan: what is to be done.
        target: where; must not exist.
        workers: who computes, such as `partial(local, 2)` or `partial(distributed, "tcp://host:8786")`; as many
            processes as this machine has processors without it. They have no influence on the results.
        command: what was asked for, for the provenance.
        progress: is told how many patients of how many are done.

    Raises:
        RunError: where the folder exists, the disk is full, or workers are lost; what is finished is safe then, and
            `resume` goes on.
    """
    folder = Path(target)
    # Refuses what it names and there is not, before there is a folder.
    parse(plan.regimen)
    made = made_with(plan)
    manifest = Manifest(plan=plan, made_with=made, key=made.key(plan))
    recipe = provenance(
        command=command,
        subject={"tumor": plan.tumor, "regimen": plan.regimen},
        seed=plan.seed,
        patients=plan.patients,
        records=plan.records(),
        population=plan.population_name,
    )
    try:
        (folder / DATA).mkdir(parents=True)
    except FileExistsError:
        remedy = place.going_on(folder) if (folder / place.MANIFEST).is_file() else "choose another name"
        raise RunError(f"{str(target)!r} exists already", remedy=remedy) from None
    except OSError as error:
        raise RunError(f"{str(target)!r} cannot be written: {error.strerror}", remedy="choose another folder") from None
    with place.locked(folder):
        place.put(folder / "provenance.json", recipe.to_json().encode())
        place.save(folder, manifest)
        _finish(folder, manifest, workers, {}, progress)
    return manifest


def resume(
    target: str | Path,
    *,
    workers: Workers | None = None,
    tell: Callable[[str], None] = print,
    progress: Progress | None = None,
) -> Manifest:
    """Goes on with a run that was cut short, or checks one that is complete; the results are the same to the bit.

    Args:
        target: the folder of the run.
        workers, progress: as for `start`; the workers may be others than those that began the run.
        tell: is told of every finished chunk whose file is damaged or missing, and is done again.

    Raises:
        RunError: where there is no run, another process is at work on it, or code, records, packages or processor are
            not those with which it began.
    """
    folder = Path(target)
    place.load(folder)
    with place.locked(folder):
        # Read again: until now, another run may have changed it.
        manifest = place.load(folder)
        _refuse_changes(folder, manifest)
        written = dict(manifest.chunks)
        damaged = place.drop_damaged(folder, manifest)
        for what in damaged.values():
            tell(f"{what}; this chunk is done again")
        if damaged or not manifest.complete:
            manifest.complete = False
            place.save(folder, manifest)
            place.sweep(folder, manifest)
            again = {number: written[number].sha256 for number in damaged}
            _finish(folder, manifest, workers, again, progress)
        else:
            # A run that ended while it swept is complete, and not clean.
            place.sweep(folder, manifest)
    return manifest


def used(manifest: Manifest) -> list[int]:
    """The chunks that hold the patients asked for; empty while they are not all there."""
    found, patients = [], 0
    while patients < manifest.plan.patients:
        entry = manifest.chunks.get(len(found))
        if entry is None:
            return []
        found.append(len(found))
        patients += entry.patients
    return found


def _finish(
    folder: Path, manifest: Manifest, workers: Workers | None, again: Mapping[int, str], progress: Progress | None
) -> None:
    """Does what is not done; `again` holds the hashes that chunks had before they were damaged."""
    workers, strikes = workers or partial(local, processors()), 0
    while not used(manifest):
        done = len(manifest.chunks)
        try:
            with workers() as (pool, room):
                _work(folder, manifest, pool, room, progress)
        except BrokenExecutor as error:
            strikes = 1 if len(manifest.chunks) > done else strikes + 1
            if strikes == STRIKES:
                raise RunError(
                    f"workers died {STRIKES} times without finishing a chunk: {error}",
                    remedy=f"see whether memory ran out; then, with fewer processes: {place.going_on(folder)}",
                ) from None
    _cut(folder, manifest)
    for number, sha256 in again.items():
        if manifest.chunks[number].sha256 != sha256:
            raise RunError(
                f"chunk {number} of {str(folder)!r} is not the same to the bit as when it was first computed",
                remedy="do not trust this machine, or this run: start it again elsewhere",
            )
    manifest.complete = True
    place.save(folder, manifest)
    place.sweep(folder, manifest)


def _work(folder: Path, manifest: Manifest, pool: Executor, room: int, progress: Progress | None) -> None:
    """Hands out chunks, at most `room` at a time, and writes what comes back, until all patients are there."""
    flying: dict[Future, int] = {}
    try:
        while not used(manifest):
            while len(flying) < room and _more(manifest, len(flying)):
                number = next(n for n in range(10**9) if n not in manifest.chunks and n not in flying.values())
                flying[pool.submit(run_chunk, manifest.plan, number, manifest.made_with)] = number
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                place.keep(folder, manifest, flying.pop(future), future.result())
            _refuse_hopeless(manifest)
            if progress is not None:
                found = sum(entry.patients for entry in manifest.chunks.values())
                progress(min(found, manifest.plan.patients), manifest.plan.patients)
    finally:
        for future in flying:
            future.cancel()


def _more(manifest: Manifest, flying: int) -> bool:
    """Whether another chunk will be needed besides those in flight, as far as can be expected."""
    plan, found = manifest.plan, sum(entry.patients for entry in manifest.chunks.values())
    share = found / (len(manifest.chunks) * plan.candidates) if manifest.chunks else PLAUSIBLE
    return flying == 0 or found + share * plan.candidates * flying < plan.patients


def _refuse_hopeless(manifest: Manifest) -> None:
    looked = len(manifest.chunks) * manifest.plan.candidates
    found = sum(entry.patients for entry in manifest.chunks.values())
    if looked >= ENOUGH and found < HARDLY_ANY * looked:
        raise RunError(
            f"only {found} of {looked} candidates of {manifest.plan.tumor!r} have a disease that grows as disease does",
            remedy="look at the spreads of the records, or at coarse --shells and --steps-per-day",
        )


def _cut(folder: Path, manifest: Manifest) -> None:
    """Leaves exactly the patients asked for: the first of the last chunk, and none of those beyond."""
    chosen = used(manifest)
    last = manifest.chunks[chosen[-1]]
    wanted = manifest.plan.patients - sum(manifest.chunks[number].patients for number in chosen[:-1])
    chunks = {number: manifest.chunks[number] for number in chosen}
    if wanted < last.patients and last.file is not None:
        piece = first_patients((folder / DATA / last.file).read_bytes(), wanted, last.failed)
        name = manifest.name(chosen[-1], wanted)
        place.put(folder / DATA / name, piece.content)
        chunks[chosen[-1]] = Entry.of(name, piece)
    manifest.chunks = chunks


def _refuse_changes(folder: Path, manifest: Manifest) -> None:
    """Refuses to go on where a chunk would not be the same any more."""
    before, now = manifest.made_with, made_with(manifest.plan)
    different = before.differences(now)
    if not different:
        return
    if before.records != now.records:
        recipe = Provenance.model_validate_json((folder / "provenance.json").read_bytes())
        current = manifest.plan.records()
        then = {name: (known.value, known.unit) for name, known in recipe.parameters.items()}
        new = {name: (record.value, record.unit) for name, record in current.items()}
        names = sorted(name for name in {*then, *new} if then.get(name) != new.get(name))
        words = lambda known: "absent" if known is None else f"{known[0]:g} {known[1]}"
        different += [f"{name} was {words(then.get(name))} and is {words(new.get(name))}" for name in names[:3]]
    raise RunError(
        f"{str(folder)!r} cannot go on to the same results: {'; '.join(different)}",
        remedy="bring back what has changed and resume, or start a new run in another folder",
    )
