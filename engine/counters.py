"""What this process does, counted for a hospital's monitoring (Prometheus). No label names a user, patient or query."""

from __future__ import annotations

import math
import time
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

Cause = Literal["recording", "unreadable", "permission", "sign-in", "session", "address"]
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30)

disable_created_metrics()  # when each series began says nothing
registry = CollectorRegistry(auto_describe=False)
_searches = Histogram(
    "casebind_search_seconds",
    "Searches answered, by kind, from the file or words to the answer.",
    ["kind"],
    buckets=SECONDS,
    registry=registry,
)
_refusals = Counter(
    "casebind_refusals",
    "Refusals: of a recording by the quality gate, of a file that cannot be read, of what roles do not permit, of a "
    "sign-in, of a request without a session, of a foreign name or page.",
    ["cause"],
    registry=registry,
)
_acts = Counter("casebind_acts", "Rows of the audit that this process wrote.", ["kind", "outcome"], registry=registry)
_monitored = Gauge(
    "casebind_monitor_run_timestamp_seconds", "When this process last ended a run of the monitor.", registry=registry
)
for cause in get_args(Cause):
    _refusals.labels(cause)  # a series from the start, so that a first refusal is a change


_last_search = -math.inf  # when one was answered, by time.monotonic()


def searched(kind: str, seconds: float) -> None:
    """Count a search that was answered."""
    global _last_search
    _last_search = time.monotonic()
    _searches.labels(kind).observe(seconds)


def seconds_without_search() -> float:
    """Return for how long this process has answered no search; infinity where it never has."""
    return time.monotonic() - _last_search


def refused(cause: Cause) -> None:
    """Count a refusal."""
    _refusals.labels(cause).inc()


def acted(kind: str, outcome: str) -> None:
    """Count a row of the audit."""
    _acts.labels(kind, outcome).inc()


def monitored() -> None:
    """Note that a run of the monitor has ended."""
    _monitored.set_to_current_time()
