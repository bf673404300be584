"""Runs in the background: a few at a time, each with its progress, until it is done, refused or canceled."""

import secrets
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from traceback import print_exc
from typing import Any

from alarmin.errors import AlarminError

Report = Callable[[str, int, int], None]
"""Told what is done, how much of it, and of how much; ends the run by raising where it was canceled."""

AT_ONCE, WAITING, KEPT = 2, 8, 40
"""Runs at one time, runs that may wait, and finished runs that are kept."""


class Busy(AlarminError):
    """More runs were asked for than may wait."""


class Canceled(Exception):
    """The run was canceled."""


@dataclass(frozen=True)
class Outcome:
    """What a run left: numbers for the page, files to look at or to download, and pictures drawn when asked for.

    Attributes:
        content: what the page shows, plain data.
        files: by name, such as `diameters.svg`.
        section: draws the section of a course, by its number, on a day, as PNG; None where there is none.
    """

    content: Mapping[str, Any]
    files: Mapping[str, bytes] = field(repr=False)
    section: Callable[[int, int], bytes] | None = None


Work = Callable[[Report], Outcome]


@dataclass
class Job:
    """One run. `state` is "waiting", "running", "done", "refused" or "canceled"; `url` is the page that shows it."""

    id: str
    room: str
    url: str
    state: str = "waiting"
    progress: dict[str, tuple[int, int]] = field(default_factory=dict)
    outcome: Outcome | None = None
    message: str = ""
    remedy: str = ""
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def open(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in ("waiting", "running")

    @property
    def share(self) -> float:
        """How much is done of the step that is being taken, from 0 to 1."""
        done, total = list(self.progress.values())[-1] if self.progress else (0, 1)
        return min(done / max(total, 1), 1.0)

    @property
    def words(self) -> str:
        """What is being done, to be read."""
        if self.state != "running":
            return {"waiting": "Waiting for its turn"}.get(self.state, self.state.capitalize())
        if self._stop.is_set():
            return "Stopping at the next step"
        steps = (f"{what} {done} of {total}" for what, (done, total) in list(self.progress.items()))
        return ", ".join(steps) or "Starting; the first run of a kind is compiled, which takes up to a minute"

    def report(self, what: str, done: int, total: int) -> None:
        """Notes progress; raises `Canceled` where the run was canceled."""
        if self._stop.is_set():
            raise Canceled
        self.progress[what] = (done, total)

    def cancel(self) -> None:
        """Ends the run at its next step."""
        self._stop.set()
        if self.state == "waiting":
            self.state = "canceled"

    def run(self, work: Work) -> None:
        """Does the work, and notes how it ended."""
        if self._stop.is_set():
            self.state = "canceled"
            return
        self.state = "running"
        try:
            self.outcome = work(self.report)
            self.state = "canceled" if self._stop.is_set() else "done"
        except Canceled:
            self.state = "canceled"
        except AlarminError as error:
            self.message, self.remedy, self.state = error.message, error.remedy, "refused"
        except Exception as error:
            # A page that waits for ever would hide the fault.
            print_exc()
            self.message = f"the run failed: {type(error).__name__}: {error}"
            self.remedy = "look at the terminal in which alarmin serve runs, and report what it says"
            self.state = "refused"


class Jobs:
    """All runs of this server, by an id that cannot be guessed."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="run")
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def start(self, room: str, url: Callable[[str], str], work: Work) -> Job:
        """A new run; `url` makes the address of its page from its id. Raises `Busy` where too many wait."""
        with self._lock:
            if sum(job.open for job in self._jobs.values()) >= AT_ONCE + WAITING:
                raise Busy(f"{AT_ONCE + WAITING} runs wait or run already", remedy="wait for one to end, or cancel one")
            finished = [id for id, job in self._jobs.items() if not job.open]
            for id in finished[: max(0, len(finished) + 1 - KEPT)]:
                del self._jobs[id]
            id = secrets.token_urlsafe(9)
            job = self._jobs[id] = Job(id, room, url(id))
        self._pool.submit(job.run, work)
        return job

    def find(self, id: str | None) -> Job | None:
        """The run with this id; None where there is none, or no more."""
        return self._jobs.get(id or "")

    def close(self) -> None:
        """Cancels everything."""
        for job in list(self._jobs.values()):
            if job.open:
                job.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)
