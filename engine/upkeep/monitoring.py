"""Figures for Prometheus on a loopback port of their own: what was counted, and how the workspace stands."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import ProcessCollector, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from engine import counters
from engine.access import mode
from engine.errors import CasebindError, UsageError, brief
from engine.store import alarms
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
        server = make_server(LOOPBACK, chosen, _figures(), server_class=_Server, handler_class=_Handler)
    except OSError as problem:
        raise UsageError(f"Port {chosen} of {VARIABLE} cannot be used ({problem.strerror}): choose another.") from None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    counters.registry.register(_Workspace(look, workspace))
    ProcessCollector(registry=counters.registry)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    timeout = 10  # seconds; who asks slowly is not held

    def log_message(self, *_: object) -> None:
        """Write no line for each question."""


def _figures() -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    """Return what answers at the port: under the names of this machine alone, against DNS rebinding."""
    known = make_wsgi_app(counters.registry)

    def answering(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if _name(environ.get("HTTP_HOST", "")) in mode.LOOPBACK:
            found: Iterable[bytes] = known(environ, start)
            return found
        start("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
        return [f"Figures are served here as http://{LOOPBACK} alone.".encode()]

    return answering


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


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
        yield from self._alarms()

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

    def _alarms(self) -> Iterator[GaugeMetricFamily]:
        """Yield how many alarms of the monitor stand, by modality, signal and level."""
        place = self._workspace()
        if place is None:
            return
        try:
            standing = alarms.standing(place.database)
        except CasebindError:
            return
        labels = ["modality", "signal", "level"]
        gauge = GaugeMetricFamily("casebind_alarms", "Alarms of the monitor that stand.", labels=labels)
        for key, n in Counter((one.modality, one.signal, one.level) for one in standing).items():
            gauge.add_metric(list(key), n)
        yield gauge


def _facts(check: Check) -> Iterator[GaugeMetricFamily]:
    for (name, fact), (metric, meaning) in GAUGES.items():
        value = check.facts.get(fact)
        if name == check.name and isinstance(value, int | float):
            yield GaugeMetricFamily(metric, meaning, value=value)
