"""Figures for Prometheus on a loopback port of their own: what was counted, and how the workspace stands."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from prometheus_client import ProcessCollector, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from engine import counters
from engine.errors import CasebindError, UsageError, brief
from engine.upkeep.readiness import Check, erasures_due
from engine.version import __version__
from engine.workspace.workspace import Workspace

VARIABLE, LOOPBACK = "CASEBIND_METRICS_PORT", "127.0.0.1"
MOST = 65535
GAUGES = {  # check, fact → name and meaning
    ("checkpoint", "age_s"): ("casebind_checkpoint_age_seconds", "Age of the last checkpoint of the audit."),
    ("checkpoint", "rows_since"): ("casebind_checkpoint_rows", "Rows of the audit since the last checkpoint."),
    ("disk", "free_mb"): ("casebind_disk_free_megabytes", "Room on the disk of the workspace."),
    ("index", "lacking"): ("casebind_index_lacking", "Studies without a code of the release that serves."),
}


def port() -> int | None:
    """Return CASEBIND_METRICS_PORT, None where there is none; UsageError where it is no port."""
    given = os.environ.get(VARIABLE)
    if given is None:
        return None
    if not given.isdecimal() or not 0 < int(given) <= MOST:
        raise UsageError(f"{VARIABLE} is '{brief(given)}': give a free port of this machine, or leave it out.")
    return int(given)


def serve(look: Callable[[], list[Check]], workspace: Callable[[], Workspace | None]) -> None:
    """Serve the figures where a port is set, to this machine alone; UsageError where the port is taken.

    look : the checks as they stand. workspace : what is open, None where nothing is yet
    """
    chosen = port()
    if chosen is None:
        return
    try:
        start_http_server(chosen, addr=LOOPBACK, registry=counters.registry)
    except OSError as problem:
        raise UsageError(f"Port {chosen} of {VARIABLE} cannot be used ({problem.strerror}): choose another.") from None
    counters.registry.register(_Workspace(look, workspace))
    ProcessCollector(registry=counters.registry)


class _Workspace(Collector):
    """Reads how the workspace stands whenever the figures are asked for."""

    def __init__(self, look: Callable[[], list[Check]], workspace: Callable[[], Workspace | None]) -> None:
        self._look, self._workspace = look, workspace

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name nothing beforehand: some figures come and go."""
        yield from ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the figures."""
        version = GaugeMetricFamily("casebind_version", "The version that runs.", labels=["version"])
        version.add_metric([__version__], 1)
        yield version
        ready = GaugeMetricFamily("casebind_ready", "Whether a check of /readyz passes.", labels=["check"])
        for check in self._look():
            ready.add_metric([check.name], check.ok)
            yield from _facts(check)
        yield ready
        yield from self._erasures()

    def _erasures(self) -> Iterator[GaugeMetricFamily]:
        place = self._workspace()
        if place is None:
            return
        try:
            due, unfinished = erasures_due(place)
        except CasebindError:
            return
        yield GaugeMetricFamily("casebind_erasures_due", "Patients whose cohort's agreement has ended.", value=due)
        yield GaugeMetricFamily("casebind_erasures_unfinished", "Erasures that have begun.", value=unfinished)


def _facts(check: Check) -> Iterator[GaugeMetricFamily]:
    for (name, fact), (metric, meaning) in GAUGES.items():
        value = check.facts.get(fact)
        if name == check.name and isinstance(value, int | float):
            yield GaugeMetricFamily(metric, meaning, value=value)
