"""Whether a workspace can answer: named checks of plain figures, for whoever watches the app. No patient, no path."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime

import duckdb

from engine.audit.checkpoint import last_checkpoint
from engine.backends.local import LocalBackend
from engine.errors import UsageError, WorkspaceError, brief
from engine.files import utc_now
from engine.modalities import MODALITIES
from engine.store import retention
from engine.workspace.erasure import jobs
from engine.workspace.workspace import Workspace

FREE_MB, HOURS = "CASEBIND_MIN_FREE_MB", "CASEBIND_CHECKPOINT_HOURS"
MIN_FREE_MB = 1024.0


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. facts: figures and plain words about it"""

    name: str
    ok: bool
    facts: dict[str, float | int | str] = field(default_factory=dict)


def check_settings() -> None:
    """Raise UsageError where a limit in the environment is no number."""
    for variable in (FREE_MB, HOURS):
        _limit(variable)


def record_check(workspace: Workspace) -> Check:
    """Say whether the record can be read and every change has its second copy."""
    try:
        with workspace.database.snapshot():  # its first statement reads
            state = "unwritable" if workspace.journal_failure else "open"
    except (WorkspaceError, duckdb.Error):
        state = "unreadable"
    return Check("record", state == "open", {"state": state})


def checks(workspace: Workspace, loaded: str) -> list[Check]:
    """Return everything that has to be so before the app can answer.

    loaded : "loaded", "loading" or "failed": the models of the release
    """
    is_loaded = loaded == "loaded"
    return [
        record_check(workspace),
        Check("release", is_loaded, {"state": loaded}),
        _index(workspace, is_loaded),
        _disk(workspace),
        _audit(workspace),
        _checkpoint(workspace),
    ]


def erasures_due(workspace: Workspace) -> tuple[int, int]:
    """Return how many patients are due for erasure, as an agreement has ended, and how many erasures are unfinished."""
    ended = retention.ended_cohorts(workspace.database, utc_now().date())
    return sum(len(patients) for patients in ended.values()), len(jobs(workspace.path))


def _index(workspace: Workspace, is_loaded: bool) -> Check:
    """Say whether every study has its code under the release that serves, and the codes are in memory."""
    serving = workspace.releases.serving()
    if serving is None:
        empty = not workspace.all_counts()
        return Check("index", empty, {"state": "empty" if empty else "no codes"})
    if lacking := len(workspace.without_codes(serving[0])):
        return Check("index", False, {"state": "incomplete", "lacking": lacking})
    if not is_loaded:
        return Check("index", False, {"state": "loading"})
    if not isinstance(workspace.backend, LocalBackend):
        return Check("index", True, {"state": "on sites"})  # answers name a site that is silent
    whole = _in_memory(workspace, serving[0]) or _in_memory(workspace, serving[0])  # studies may come between two looks
    return Check("index", whole, {"state": "whole" if whole else "incomplete"})


def _in_memory(workspace: Workspace, release: str) -> bool:
    """Return whether the codes in memory are as many as there are studies, in every modality."""
    counts, held = workspace.all_counts(), workspace.snapshots.latest(release, MODALITIES)
    return all(held[modality].n == counts.get(modality, 0) for modality in MODALITIES)


def _disk(workspace: Workspace) -> Check:
    free, least = shutil.disk_usage(workspace.path).free / 2**20, _limit(FREE_MB) or MIN_FREE_MB
    return Check("disk", free >= least, {"free_mb": int(free), "least_mb": int(least)})


def _audit(workspace: Workspace) -> Check:
    try:
        workspace.database.audit.check_writable()
    except WorkspaceError:
        return Check("audit", False, {"state": "unwritable"})
    return Check("audit", True, {"state": "writable"})


def _checkpoint(workspace: Workspace) -> Check:
    """Say how old the last checkpoint is; too old where rows came since, and the site has set a limit."""
    last, limit = last_checkpoint(workspace.path), _limit(HOURS)
    try:
        size = workspace.database.audit.size()
    except WorkspaceError:
        return Check("checkpoint", False, {"state": "unreadable"})
    if last is None:
        return Check("checkpoint", limit is None, {"state": "none", "rows_since": size})
    age = max(0.0, (datetime.now(UTC) - datetime.fromisoformat(last.time)).total_seconds())
    since = size - last.size
    is_late = limit is not None and since > 0 and age > limit * 3600
    return Check("checkpoint", not is_late, {"age_s": int(age), "rows_since": since})


def _limit(variable: str) -> float | None:
    """Return a limit of the environment, None where there is none; UsageError where it is no number above 0."""
    given = os.environ.get(variable)
    if given is None:
        return None
    try:
        found = float(given)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise UsageError(f"{variable} is '{brief(given)}': give a number above 0, or leave it out.")
    return found
