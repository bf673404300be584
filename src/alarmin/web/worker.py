"""The process in which a lane's runs are computed: pages never wait for it, and it keeps compiled programs warm."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from traceback import print_exc
from typing import TYPE_CHECKING, Any

from alarmin.errors import AlarminError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Report = Callable[[str, int, int], None]
"""Told what is done, how much of it, and of how much; ends the run by raising where it was canceled."""

LIKE_HERE = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs", "jax_enable_x64")
"""Settings of JAX that the process shares with the one that starts it."""


class Canceled(Exception):
    """The run was canceled."""


@dataclass(frozen=True)
class Outcome:
    """What a run left: numbers for the page, and files to look at or to download.

    Attributes:
        content: what the page shows, plain data.
        files: by name, such as `diameters.svg`.
        later: what draws a picture, by its name without kind, for pictures that are drawn when someone asks for them.
    """

    content: Mapping[str, Any]
    files: Mapping[str, bytes] = field(repr=False)
    later: "Mapping[str, Callable[[], Figure]]" = field(default_factory=dict, repr=False)


Work = Callable[[Report], Outcome]
"""A run. It goes to another process, so it is a function of a module, or a `partial` of one."""


def serve(pipe: Any, stop: Any, settings: Mapping[str, Any]) -> None:
    """Does one work after the other that comes through the pipe, until the other end is closed.

    What goes back, for each: `("report", what, done, total)` any number of times, then one of `("done", outcome)`,
    `("refused", message, remedy)`, `("failed", what)` and `("canceled",)`.

    Args:
        pipe: to whom works come from, and answers go.
        stop: an event that is set where the work in hand is canceled.
        settings: of JAX, by name.
    """
    # Ctrl-C in the terminal reaches every process of the server; it ends this one by closing the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import jax

    for name, value in settings.items():
        jax.config.update(name, value)

    def report(what: str, done: int, total: int) -> None:
        if stop.is_set():
            raise Canceled
        pipe.send(("report", what, int(done), int(total)))

    try:
        while True:
            pipe.send(_answer(pipe.recv(), report))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _answer(work: Work, report: Report) -> tuple[Any, ...]:
    try:
        return ("done", work(report))
    except Canceled:
        return ("canceled",)
    except AlarminError as error:
        return ("refused", error.message, error.remedy)
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:
        # A page that waits for ever would hide the fault.
        print_exc()
        return ("failed", f"{type(error).__name__}: {error}")
