"""The thread that takes images of watched folders into the inbox, beside the pages."""

import logging
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from inspect_tool.batch import inbox_watch
from inspect_tool.batch.inbox_watch import Looked
from inspect_tool.errors import InspectError
from inspect_tool.evidence.provenance import now
from inspect_tool.lab import intake
from inspect_tool.lab.database import Lab
from inspect_tool.web.bench import Bench

NAME = "watching"
"""Of the thread among what a bench keeps."""

_POLL_S = 3.0  # between two looks [s]
_PATIENCE_S = 5.0  # that is waited for a file that is being taken; what is left of it goes at the next start [s]
_LOG = logging.getLogger(__name__)


class Watching:
    """Looks at the folders that ``inbox.toml`` names, again and again; what is wrong with one can be asked for."""

    def __init__(self, lab: Lab, reading: AbstractContextManager[object] | None = None) -> None:
        self._lab, self._reading = lab, reading
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._known: Mapping[str, Looked] = {}  # by folder; replaced, never changed
        self.faults: tuple[str, ...] = ()

    def start(self) -> None:
        """Begin to look."""
        self._thread = threading.Thread(target=self._watched, name="watched folders", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE_S)

    def look(self) -> None:
        """Look at every folder once."""
        faults, known = [], {}
        try:
            settings = intake.settings_of(self._lab)
        except InspectError as error:
            self.faults = (str(error),)
            return
        for name in settings.watch:
            folder = Path(name)
            if self._over.is_set():
                return
            try:
                before = self._known.get(name) or inbox_watch.begun(self._lab, folder)
                known[name] = inbox_watch.look(
                    self._lab, folder, before, now(), rest_s=settings.rest_s, reading=self._reading
                )
            except InspectError as error:
                faults.append(str(error))
        self._known, self.faults = known, tuple(faults)

    def _watched(self) -> None:
        intake.tidy(self._lab, now())
        while not self._over.is_set():
            try:
                self.look()
            except Exception as error:  # the pages go on, and say it
                _LOG.exception("a look at the watched folders ended")
                self.faults = (f"the watched folders are not looked at, by a bug of inspect_tool: {error!r}",)
            self._over.wait(_POLL_S)


def of(bench: Bench) -> Watching | None:
    """The thread of a bench; None: pages without one, e.g. of a test."""
    found: Watching | None = bench.kept.get(NAME)
    return found
