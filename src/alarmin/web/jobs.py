"""Runs in the background, one at a time in each lane, each with its progress, until it is done, refused or canceled."""

import multiprocessing
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from queue import SimpleQueue
from traceback import print_exc
from typing import Any

from alarmin.errors import AlarminError
from alarmin.web.worker import LIKE_HERE, Outcome, Work, serve

WAITING, KEPT = 10, 40
"""Runs that are open at one time in a lane, and finished runs that are kept."""

PATIENCE = 5.0
"""Time that a canceled run has to end by itself [s]; then its process is ended, and programs are compiled anew."""

LOOK = "look at the terminal in which alarmin serve runs, and report what it says"
"""What to do about a fault of Alarmin's own."""

LANES = ("lesions", "trials", "aside")
"""Lanes: a lesion that somebody looks at; what takes minutes; what explains and draws a lesion, beside it."""


class Busy(AlarminError):
    """More runs were asked for than may wait."""


@dataclass(eq=False)
class Job:
    """One run. `state` is "waiting", "running", "done", "refused" or "canceled"; `url` is the page that shows it.

    `version` counts what has changed, so that a page can wait for news.
    """

    id: str
    room: str
    url: str
    work: Work = field(repr=False)
    key: object = None
    then: Callable[[Outcome], None] | None = None
    state: str = "waiting"
    progress: dict[str, tuple[int, int]] = field(default_factory=dict)
    outcome: Outcome | None = None
    message: str = ""
    remedy: str = ""
    version: int = 0
    patience: float = PATIENCE
    ended: threading.Event = field(default_factory=threading.Event, repr=False)

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
        steps = (f"{what} {done} of {total}" for what, (done, total) in list(self.progress.items()))
        return ", ".join(steps) or "Starting; the first run of a kind is compiled, which takes up to a minute"

    def tell(self, state: str, **changes: Any) -> None:
        """Notes a change of an open run; one that has ended stays as it ended."""
        if self.open:
            for name, value in changes.items():
                setattr(self, name, value)
            self.state = state
            self.version += 1
        if not self.open:
            self.ended.set()

    def cancel(self, patience: float = PATIENCE) -> None:
        """Ends the run: at once for whoever looks at it; its process gets `patience` seconds to follow."""
        self.patience = patience
        self.tell("canceled")


class Lane:
    """A process that does one run after the other; it starts with the first."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._process: Any = None
        self._pipe: Any = None
        self._stop: Any = None
        threading.Thread(target=self._serve, name=name, daemon=True).start()

    def add(self, job: Job) -> None:
        """Puts a run at the end of the queue."""
        self._queue.put(job)

    def close(self) -> None:
        """Ends the process, whatever it does."""
        self._queue.put(None)
        self._end()

    def _serve(self) -> None:
        while (job := self._queue.get()) is not None:
            if job.open:
                try:
                    self._do(job)
                except (EOFError, OSError):
                    self._end()
                    job.tell(
                        "refused",
                        message="the process of the run ended by itself",
                        remedy="ask for less at once: most often memory was short",
                    )
                except Exception as error:
                    # The runs that wait behind this one go on, with a process that knows nothing of it.
                    print_exc()
                    self._end()
                    job.tell("refused", message=f"the run failed: {_named(error)}", remedy=LOOK)

    def _do(self, job: Job) -> None:
        """Hands a run to the process, and notes what comes back until it has ended."""
        if self._process is None or not self._process.is_alive():
            self._start()
        self._stop.clear()
        job.tell("running")
        self._pipe.send(job.work)
        canceled = None
        while True:
            if not job.open and canceled is None:
                canceled = time.monotonic()
                self._stop.set()
            if canceled is not None and time.monotonic() - canceled > job.patience:
                self._end()
                return
            if not self._pipe.poll(0.05):
                continue
            kind, *said = self._pipe.recv()
            if kind == "report":
                what, done, total = said
                job.tell("running", progress={**job.progress, what: (done, total)})
                continue
            if kind == "done":
                _finish(job, said[0])
            elif kind == "canceled":
                job.tell("canceled")
            elif kind == "refused":
                job.tell("refused", message=said[0], remedy=said[1])
            else:
                job.tell("refused", message=f"the run failed: {said[0]}", remedy=LOOK)
            return

    def _start(self) -> None:
        import jax

        fresh = multiprocessing.get_context("spawn")
        self._pipe, other = fresh.Pipe()
        self._stop = fresh.Event()
        settings = {name: getattr(jax.config, name) for name in LIKE_HERE}
        self._process = fresh.Process(
            target=serve, args=(other, self._stop, settings), name=f"alarmin-{self.name}", daemon=True
        )
        self._process.start()
        other.close()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.join(2.0)
            if process.is_alive():
                process.kill()


def _finish(job: Job, outcome: Outcome) -> None:
    """Does what comes after a run here, and says what went wrong with that: the run itself is done by then."""
    try:
        if job.open and job.then is not None:
            job.then(outcome)
    except AlarminError as error:
        job.tell("refused", message=error.message, remedy=error.remedy)
    except Exception as error:
        print_exc()
        job.tell("refused", message=f"what the run found could not be kept: {_named(error)}", remedy=LOOK)
    else:
        job.tell("done", outcome=outcome)


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


class Jobs:
    """All runs of this server, by an id that cannot be guessed."""

    def __init__(self) -> None:
        self._lanes = {name: Lane(name) for name in LANES}
        self._jobs: dict[str, Job] = {}
        self._where: dict[str, str] = {}
        self._lock = threading.Lock()

    def start(
        self,
        lane: str,
        room: str,
        url: Callable[[str], str],
        work: Work,
        *,
        key: object = None,
        then: Callable[[Outcome], None] | None = None,
    ) -> Job:
        """A new run, or one with the same `key` that is open or done.

        Args:
            lane: where it runs.
            room: whose page shows it.
            url: makes the address of that page from the id of the run.
            work: what to do.
            key: what makes two runs the same; without it, each is one of its own.
            then: what to do here with its outcome.

        Raises `Busy` where too many wait.
        """
        with self._lock:
            same = [job for job in self._jobs.values() if key is not None and job.key == key]
            for job in same:
                if job.open or job.state == "done":
                    return job
            if sum(job.open and self._where[id] == lane for id, job in self._jobs.items()) >= WAITING:
                raise Busy(f"{WAITING} runs wait or run already", remedy="wait for one to end, or cancel one")
            finished = [id for id, job in self._jobs.items() if not job.open]
            for id in finished[: max(0, len(finished) + 1 - KEPT)]:
                del self._jobs[id], self._where[id]
            id = secrets.token_urlsafe(9)
            job = self._jobs[id] = Job(id, room, url(id), work, key, then)
            self._where[id] = lane
        self._lanes[lane].add(job)
        return job

    def find(self, id: str | None) -> Job | None:
        """The run with this id; None where there is none, or no more."""
        return self._jobs.get(id or "")

    def aside(self, work: Work, wait: float) -> Mapping[str, bytes]:
        """Files of a small work that no page shows; raises `Busy` where they are not there after `wait` seconds."""
        job = Job("", "", "", work)
        self._lanes["aside"].add(job)
        if not job.ended.wait(wait):
            job.cancel()
        if job.outcome is None:
            raise Busy(job.message or "the picture is not drawn yet", remedy=job.remedy or "ask again in a minute")
        return job.outcome.files

    def close(self) -> None:
        """Cancels everything."""
        for job in list(self._jobs.values()):
            job.cancel()
        for lane in self._lanes.values():
            lane.close()
