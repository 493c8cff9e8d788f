"""Work for the check by hand beside the pages: a sample that is drawn, answers that are taken over, and how far it is.

Both measure the inspection, which takes as long as it did. Who waits a moment gets the answer at once; otherwise the
page of the check by hand says how far it is, and what came of it.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from inspect_tool.errors import InspectError, SettingsError
from inspect_tool.inspection.job_plan import Progress

NAME = "counting"
"""Of the tasks, in ``Bench.kept``."""
PATIENCE_S = 1.5
"""How long a request waits for the end of what it began."""
_LOG = logging.getLogger(__name__)

Work: TypeAlias = Callable[[Progress], str]
"""What is to be done; it is told how to say how far it is, and gives the address where it goes on."""


@dataclass(slots=True, kw_only=True, eq=False)
class Task:
    """Work under way, or ended."""

    title: str
    step: int = 0
    steps: int = 0
    text: str = ""
    then: str = ""  # address where it goes on, once it is done
    error: Exception | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def fault(self) -> str:
        """Why it failed, in one line; empty: it did not, or is under way."""
        if self.error is None:
            return ""
        return str(self.error) if isinstance(self.error, InspectError) else f"a bug of inspect_tool: {self.error!r}"


@dataclass(slots=True, kw_only=True, eq=False)
class Counting:
    """The last task of each inspection; one is worked on at a time, others wait."""

    tasks: dict[str, Task] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    working: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, name: str, title: str, work: Work) -> Task:
        """Begin a task of an inspection, and wait a moment for its end.

        Raises
        ------
        SettingsError
            Another one is under way.
        Exception
            Whatever the work raised within that moment.
        """
        task = Task(title=title)
        with self.lock:
            before = self.tasks.get(name)
            if before is not None and not before.ended.is_set():
                msg = f"{name}: {before.title.lower()} is under way; wait until it is done"
                raise SettingsError(msg)
            self.tasks[name] = task
        threading.Thread(target=self._do, args=(task, work), name="counting", daemon=True).start()
        if task.ended.wait(PATIENCE_S):
            with self.lock:
                self.tasks.pop(name, None)  # who asked is told, and nobody else
            if task.error is not None:
                raise task.error
        return task

    def of(self, name: str) -> Task | None:
        """The task of an inspection that is under way, or ended after who began it had left."""
        with self.lock:
            return self.tasks.get(name)

    def _do(self, task: Task, work: Work) -> None:
        def tell(step: int, steps: int, text: str) -> None:
            task.step, task.steps, task.text = step, steps, text

        try:
            with self.working:
                task.then = work(tell)
        except Exception as error:  # whoever asks how far it is is told
            if not isinstance(error, InspectError):
                _LOG.exception("the check by hand failed")
            task.error = error
        finally:
            task.ended.set()
