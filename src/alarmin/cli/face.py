"""What all commands share: refusals, progress, and how numbers look."""

import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from alarmin.errors import AlarminError
from alarmin.version import NOTICE

# Without a terminal to fit into, tables are as wide as their longest rows need.
out = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
aside = Console(stderr=True, highlight=False)

Seed = Annotated[int, typer.Option(help="Seed of everything random; the same seed gives the same result.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@contextmanager
def refusals(goes_on: bool = False) -> Iterator[None]:
    """Shows what Alarmin refuses on one screen of stderr, and ends with status 2.

    `goes_on`: that the command keeps what is complete is said to a person who stops it.
    """
    try:
        yield
    except AlarminError as error:
        text = Text(error.message)
        if error.remedy:
            text.append(f"\n→ {error.remedy}", style="bold")
        aside.print(Panel(text, title="Refused", title_align="left", border_style="red"))
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        kept = "; what is complete is kept, and the same command goes on from there" if goes_on else ""
        aside.print(f"Stopped; no result was written{kept}")
        raise typer.Exit(130) from None


def at_least(least: int, **options: float | None) -> None:
    """Refuses options below `least`, what is no finite number, and seeds that are too large, by name."""
    for name, value in options.items():
        option, most = name.replace("_", "-"), math.inf
        if name == "seed":
            # With what computes, which a command loads when its input is right.
            from alarmin.numerics.random import LARGEST_SEED as most
        if value is not None and not (least <= value <= most and math.isfinite(value)):
            up = "up" if math.isinf(most) else f"to {most}"
            raise AlarminError(f"--{option} {value}", remedy=f"give a number from {least} {up}")


def keep_programs() -> None:
    """Keeps compiled programs between runs, in the user's cache folder."""
    import jax
    import platformdirs

    if jax.config.jax_compilation_cache_dir is None:  # type: ignore[attr-defined]
        jax.config.update("jax_compilation_cache_dir", platformdirs.user_cache_dir("alarmin", "alarmin"))
        # Dozens of small programs take a second together.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.02)


@contextmanager
def progress(quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """Bars on stderr, one for each thing that is done: `report(what, done, total)`; lines where nobody watches."""
    if not quiet and not aside.is_terminal:
        yield _lines()
        return
    columns = (
        TextColumn("{task.description:<16}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=aside, transient=True, disable=quiet) as bars:
        tasks: dict[str, TaskID] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what)
            bars.update(tasks[what], completed=done, total=total)

        yield report


def _lines(every: float = 30.0) -> Callable[[str, int, int], None]:
    """Progress for a log: a line on stderr whenever `every` seconds have passed, none for what is quick."""
    begin = told = time.monotonic()

    def report(what: str, done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= every:
            told = now
            aside.print(f"{what}: {done} of {total} after {timedelta(seconds=round(now - begin))}", markup=False)

    return report


def number(value: float | None, digits: int = 1, scale: float = 1.0) -> str:
    """A number with so many digits, or a dash where there is none."""
    return "–" if value is None or not math.isfinite(value) else f"{round(value * scale, digits) + 0.0:.{digits}f}"


def interval(of: Mapping[str, Any], name: str, digits: int = 1, scale: float = 1.0) -> str:
    """`value (low–high)` of an estimate that stands in a mapping as `name`, `name_low` and `name_high`."""
    value, low, high = (number(of.get(f"{name}{end}"), digits, scale) for end in ("", "_low", "_high"))
    if low == high == "–":
        return value
    missing = "not reached" if name.startswith("median") else "unknown"
    return f"{value} ({'–'.join(missing if end == '–' else end for end in (low, high))})"


def as_json(content: Any) -> None:
    """Prints plain data as JSON; what is not a number becomes null."""
    typer.echo(json.dumps(plain(content), indent=1, allow_nan=False))


def notice() -> None:
    """What a result is not for."""
    out.print(f"[dim]{NOTICE}[/dim]")


def plain(content: Any) -> Any:
    """Content as JSON knows it; what is not a number becomes None."""
    if isinstance(content, Mapping):
        return {str(key): plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [plain(value) for value in content]
    if hasattr(content, "tolist"):
        return plain(content.tolist())
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content
