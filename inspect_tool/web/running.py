"""The workers of the workbench: they do the jobs of its queue beside the pages, and say how far each one is."""

import logging
import threading
from collections.abc import Mapping
from contextlib import closing
from types import MappingProxyType

from inspect_tool.batch import work
from inspect_tool.batch.work import News
from inspect_tool.errors import InspectError
from inspect_tool.web.bench import Bench

NAME = "running"
"""Of the workers among what a bench keeps."""

_POLL_S = 1.0  # how often is looked for jobs
_PATIENCE_S = 10.0  # before workers that ended are begun anew
_LOG = logging.getLogger(__name__)


class Running:
    """The thread that serves the queue of a lab; what it heard of each job can be asked for at any time."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._over = threading.Event()
        self._steps: Mapping[int, News] = MappingProxyType({})  # by the id of the job; replaced, never changed
        self._thread: threading.Thread | None = None
        self.fault = ""  # why no job is done at the moment; empty: jobs are done

    def step(self, job: int | None) -> News | None:
        """What was last heard of a job that is measured; None: nothing yet."""
        return None if job is None else self._steps.get(job)

    def start(self) -> None:
        """Begin to do jobs."""
        self._thread = threading.Thread(target=self._served, name="workers", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop; jobs that are under way wait again in the queue, and leave nothing half written."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _served(self) -> None:
        while not self._over.is_set():
            try:
                with closing(work.serve(self._bench.lab, workers=self._bench.workers, poll_s=_POLL_S)) as heard:
                    for news in heard:
                        self._hear(news)
                        if self._over.is_set():
                            break
            except InspectError as error:
                self._fail(str(error))
            except Exception as error:  # the pages go on, and say it
                _LOG.exception("the workers ended")
                self._fail(f"the workers ended by a bug of inspect_tool: {error!r}")

    def _hear(self, news: News) -> None:
        self.fault = ""
        if news.work is not None:
            others = {job: one for job, one in self._steps.items() if job != news.work.id}
            under_way = {news.work.id: news} if news.kind in ("begun", "step") else {}
            self._steps = MappingProxyType(others | under_way)

    def _fail(self, why: str) -> None:
        self._steps = MappingProxyType({})
        self.fault = why
        self._over.wait(_PATIENCE_S)


def of(bench: Bench) -> Running | None:
    """The workers of a bench; None: pages without workers, e.g. of a test."""
    found: Running | None = bench.kept.get(NAME)
    return found
