"""Which release serves: promotion of a round's, rollback, and re-index. The work runs in the background, one at a time.

The old codes answer until the new ones are all there (engine.workspace.reindex). Whoever asks says which release served
when the table was shown; where another one serves by then, nothing happens. A process that is killed leaves one whole
set of codes; the same promotion asked for again goes on with the studies that are left.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from engine.actor import Actor
from engine.background import ThreadJob
from engine.errors import CasebindError, UsageError, WorkspaceError
from engine.learning import gate
from engine.learning.retired import check_may_serve
from engine.learning.round_release import releases_folder
from engine.model.release import installed, load_release
from engine.store import alarms, permission, promotions
from engine.store.acts import Act, note
from engine.store.promotions import PromotionRequest, PromotionRow
from engine.store.ratings import rater_name as name_of
from engine.workspace.releases import RELEASE_CHANGED, ReleaseSwitch
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

MIN_REASON = 10  # characters that say why guards are overridden

_jobs: dict[Path, PromotionJob] = {}
_lock = threading.Lock()


class PromotionJob(ThreadJob):
    """One running promotion: `share` is of the studies that have their new codes, `encoded` those made anew."""

    failure, advice = "The change of release failed", "the release before still serves, try again"

    def __init__(self, number: int, request: PromotionRequest, total: int, actor: Actor) -> None:
        super().__init__("encoding")
        self.number, self.request, self.encoded = number, request, 0
        self._actor = replace(actor, name=request.who)
        self._total, self._done = max(1, total), 0.0

    def update(self, n: float) -> None:
        """Take note of n more studies."""
        self._done += n
        self.share = min(1.0, self._done / self._total)

    def begin(self, workspace: Workspace, release: Release) -> None:
        """Make the new codes and put them in place, in a thread; return at once."""
        self.start("promotion", lambda: self._promote(workspace, release))

    def _promote(self, workspace: Workspace, release: Release) -> None:
        """Make the new codes and put them in place; a failure is on record before it is raised."""
        from engine.workspace.reindex import reindex

        switch = ReleaseSwitch(self.request.before[1], self._written)
        try:
            self.encoded = reindex(workspace, release, release.digest, self, switch)
        except Exception as problem:
            serving = workspace.releases.serving()
            overtaken = serving is not None and serving[1] not in (self.request.before[1], self.request.after[1])
            reason = RELEASE_CHANGED if overtaken else self.explain(problem)
            with suppress(CasebindError, duckdb.Error), workspace.database.write() as cursor:
                promotions.end(cursor, self.number, promotions.FAILED, reason)
            raise WorkspaceError(reason) from problem

    def _written(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Close the row and audit it, in the transaction that switches."""
        promotions.end(cursor, self.number, promotions.DONE)
        act = Act(self.request.kind, release=self.request.after[0], filters=_about(self.request))
        note(cursor, self._actor, act)


def promote(
    workspace: Workspace, release: Release, actor: Actor, expected_digest: str, reason: str = ""
) -> PromotionJob:
    """Promote a round's release; return at once, the work goes on in the background.

    expected_digest : of the release that served when the gate's table was shown
    reason          : why it is promoted although guards fell or an alarm of the monitor stands, at least MIN_REASON
                      characters; recorded
    Raises UsageError where that is so and no reason is given, another release serves than the table compares with, or
    another promotion is running.
    """
    verdict, rows, reason = gate.verdict(release), gate.table(release), " ".join(reason.split())
    failed = (*verdict.failed_guards, *standing_alarms(workspace))
    if failed and len(reason) < MIN_REASON:
        raise UsageError(
            f"Release {release.name} does not pass ({'; '.join(failed)}): "
            f"give a reason of at least {MIN_REASON} characters, or leave it."
        )
    compared = release.manifest.get("round", {}).get("from_digest", expected_digest)
    passed = verdict.passed if rows else None
    overridden_by = reason if failed else ""

    def request(serving: tuple[str, str]) -> PromotionRequest:
        if compared != serving[1]:
            raise UsageError(
                f"The table of {release.name} compares it with {release.manifest['round']['from']}, and {serving[0]} "
                "serves now: make a new round."
            )
        after = (release.name, release.digest)
        return PromotionRequest("promotion", actor.name, serving, after, passed, failed, overridden_by)

    return _begun(workspace, release, expected_digest, request, actor=actor)


def standing_alarms(workspace: Workspace) -> tuple[str, ...]:
    """Return the alarms at which nothing is promoted without a reason, in words."""
    return tuple(f"alarm {one.number} of the monitor stands" for one in alarms.stopping(workspace.database))


def roll_back(workspace: Workspace, actor: Actor, expected_digest: str, name: str | None = None) -> PromotionJob:
    """Roll back to a release that served before, with the codes it had; return at once.

    name : of that release; None for the one that the serving release replaced
    Raises UsageError where there is none, it is no longer installed, another release serves than was shown, or
    another promotion is running.
    """
    release = _earlier_release(workspace, name)
    return _begun(
        workspace,
        release,
        expected_digest,
        lambda serving: PromotionRequest("rollback", actor.name, serving, (release.name, release.digest)),
        actor=actor,
    )


def start_reindex(workspace: Workspace, release: Release, actor: Actor, expected_digest: str) -> PromotionJob:
    """Let an installed release serve without a gate, as `casebind reindex` does; return at once.

    Raises UsageError where another release serves than was shown, or another promotion is running.
    """
    after = (release.name, release.digest)
    return _begun(
        workspace,
        release,
        expected_digest,
        lambda serving: PromotionRequest("reindex", actor.name, serving, after),
        actor=actor,
    )


def resume(workspace: Workspace, actor: Actor, expected_digest: str) -> PromotionJob:
    """Go on with the last promotion, which was interrupted; codes that are staged are used again.

    Raises UsageError where none was interrupted, or its release is gone.
    """
    last = interrupted(workspace)
    if last is None:
        raise UsageError("No promotion was interrupted: nothing is left to do.")
    release = installed(last.to_release, last.to_digest, releases_folder(workspace.path))
    if release is None:
        raise UsageError(f"Release {last.to_release} is not installed any more: choose another one.")
    if last.kind == "promotion":
        return promote(workspace, release, actor, expected_digest, last.reason)
    if last.kind == "reindex":
        return start_reindex(workspace, release, actor, expected_digest)
    return roll_back(workspace, actor, expected_digest, last.to_release)


def latest_job(workspace: Workspace) -> PromotionJob | None:
    """Return the running promotion, or the last one, of this process."""
    return _jobs.get(workspace.path)


def history(workspace: Workspace) -> list[PromotionRow]:
    """Return all promotions, oldest first; one is "running" only while this process works at it."""
    live = latest_job(workspace)
    number = live.number if live is not None and not live.over else None
    cut = {"state": promotions.FAILED, "why": "it was cut off before the last study"}
    found = promotions.read_promotions(workspace.database)
    return [replace(row, **cut) if row.state == promotions.RUNNING and row.number != number else row for row in found]  # type: ignore[arg-type]


def interrupted(workspace: Workspace) -> PromotionRow | None:
    """Return the last promotion where it was interrupted and the release before it still serves."""
    rows, serving = history(workspace), workspace.releases.serving()
    last = rows[-1] if rows else None
    cut = last is not None and last.state == promotions.FAILED and serving is not None
    return last if cut and last is not None and last.from_digest == serving[1] else None  # type: ignore[index]


def previous_releases(workspace: Workspace) -> list[tuple[str, str]]:
    """Return (name, digest) of the releases that served before and do not now, the last one first."""
    serving = workspace.releases.serving()
    done = [row for row in reversed(promotions.read_promotions(workspace.database)) if row.state == promotions.DONE]
    return list(dict.fromkeys(one for row in done for one in [(row.from_release, row.from_digest)] if one != serving))


def _earlier_release(workspace: Workspace, name: str | None) -> Release:
    """Return the release to go back to."""
    known, serving = previous_releases(workspace), workspace.releases.serving()
    if serving is not None and name == serving[0]:
        raise UsageError(f"Release {name} serves already: there is nothing to do.")
    came = [r for r in history(workspace) if r.state == promotions.DONE and (r.to_release, r.to_digest) == serving]
    if name is None:
        promoted = [row for row in came if row.kind != "rollback"]
        wanted = (promoted[-1].from_release, promoted[-1].from_digest) if promoted else None
    else:
        wanted = next((one for one in known if one[0] == name), None)
    if wanted is None:
        names = ", ".join(one for one, _ in known)
        which = f"Release {name} never served here" if name else "The serving release replaced none"
        raise UsageError(f"{which}: {f'choose one of {names}' if names else 'there is nothing to go back to'}.")
    found = installed(*wanted, releases_folder(workspace.path))
    if found is None:
        raise UsageError(f"Release {wanted[0]} is not installed any more: restore its folder.")
    return found


def _begun(
    workspace: Workspace,
    release: Release,
    expected_digest: str,
    request_after: Callable[[tuple[str, str]], PromotionRequest],
    *,
    actor: Actor,
) -> PromotionJob:
    """Check under one lock that nobody was faster, write the row, and start the work.

    request_after : (name, digest) of the serving release → the request
    """
    permission.require(workspace.database, actor, "curate")
    with _lock, workspace.database.exclusive():
        busy, serving = _jobs.get(workspace.path), workspace.releases.serving()
        if busy is not None and not busy.over:
            raise UsageError(
                f"A {busy.request.kind} to {busy.request.after[0]} by {busy.request.who} is on its way: "
                "wait for its end."
            )
        if serving is None:
            raise UsageError("The workspace holds no codes yet, so no release serves: ingest a cohort first.")
        if serving[1] != expected_digest:
            raise UsageError(
                f"Release {serving[0]} serves by now, another one than was shown: look again, then choose."
            )
        if serving[1] == release.digest:
            raise UsageError(f"Release {release.name} serves already: there is nothing to do.")
        check_may_serve(workspace.path, release.name)
        request = request_after(serving)
        request = replace(request, who=name_of(request.who))
        _whole(release)
        with workspace.database.write() as cursor:
            number = promotions.begin(cursor, request)
        total = sum(workspace.all_counts().values())
        started = _jobs[workspace.path] = PromotionJob(number, request, total, actor)
    started.begin(workspace, release)
    return started


def _whole(release: Release) -> None:
    """Refuse a release with a missing or damaged part before anybody waits for it. Raises ReleaseError."""
    load_release(release.path).load(())


def _about(request: PromotionRequest) -> str:
    """Return what the audit says of a promotion."""
    gated = "" if request.kind != "promotion" else "; the gate passes" if request.passed else "; the gate does not pass"
    fell = f": {'; '.join(request.failed_guards)}; reason: {request.reason}" if request.reason else ""
    return f"from {request.before[0]} to {request.after[0]}{gated}{fell}"
