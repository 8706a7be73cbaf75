"""Fetching from the archive: one object as a query, or many into the inbox by a job that can be stopped.

What was fetched stands in the ledger of the inbox, so the same job goes on where it was. From the inbox it takes the
way of everything that the archive sends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.actor import Actor
from engine.errors import UsageError
from engine.hospital.archive import AbsentError, BrokenAnswerError, FoundObject, FoundStudy, WantedStudies
from engine.hospital.classes import ACCEPTED, FETCHED_MODALITIES, name_of
from engine.hospital.inbox import Inbox
from engine.hospital.settings import ArchiveSettings, archive_settings
from engine.hospital.way import Archive, open_archive
from engine.intake.upload import Upload
from engine.store.acts import Act
from engine.store.audit_file import AuditFile
from engine.store.permission import require
from engine.store.received import Origin
from engine.workspace.workspace import Workspace

FROM = "the archive"  # what the record has for a sender
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 300.0
TRIES = 6  # for an answer that cannot be read, about half a minute; one that does not come is waited for without end
LOOKS_EVERY_S = 0.2


@dataclass
class FetchedObjects:
    """What a job did. failed: the sentence of each object that the archive did not give"""

    fetched: int = 0
    already: int = 0
    failed: list[str] = field(default_factory=list)


def find(workspace: Workspace, wanted: WantedStudies, *, actor: Actor) -> list[FoundStudy]:
    """Return the studies of the archive that match; NotPermittedError for whom the archive is not."""
    require(workspace.database, actor, "fetch")
    found = open_archive(archive_settings(workspace.path)).find(wanted)
    workspace.audit("archive searched", actor=actor, about={"by": sorted(wanted.filters()), "found": len(found)})
    return found


def objects(workspace: Workspace, study: FoundStudy, *, actor: Actor) -> list[FoundObject]:
    """Return the films and recordings of a study of the archive."""
    require(workspace.database, actor, "fetch")
    return objects_of(open_archive(archive_settings(workspace.path)), study)


def as_upload(workspace: Workspace, one: FoundObject, *, actor: Actor) -> Upload:
    """Return an object of the archive as an upload, which is de-identified and judged as every other."""
    require(workspace.database, actor, "fetch")
    data = open_archive(archive_settings(workspace.path)).fetch(one)
    workspace.audit("archive fetched", actor=actor, about={"objects": 1, "for": "a query"})
    return Upload("object.dcm", data)


def into_inbox(workspace: Workspace, chosen: Sequence[FoundObject], *, actor: Actor) -> FetchedObjects:
    """Fetch a few objects into the inbox, for the cohort of the settings; AbsentError where the archive is away."""
    require(workspace.database, actor, "fetch")
    settings = archive_settings(workspace.path)
    job = FetchJob(workspace.path, settings, open_archive(settings))
    with Inbox(workspace.path) as inbox:
        for one in chosen:
            job.one(inbox, one)
    workspace.audit("archive fetched", actor=actor, about={"objects": job.done.fetched, "for": settings.cohort})
    return job.done


class FetchJob:
    """A job that fetches everything that is wanted, at a rate and outside of a quiet time."""

    def __init__(
        self,
        workspace: Path,
        settings: ArchiveSettings,
        archive: Archive,
        *,
        on_progress: Callable[[str], object] = lambda words: None,
        now: Callable[[], datetime] = datetime.now,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """on_progress: hears why the job waits. now: the local time. stopped: whether somebody ends it meanwhile."""
        self.done = FetchedObjects()
        self._workspace, self._settings, self._archive = workspace, settings, archive
        self._on_progress, self._now, self._stopped = on_progress, now, stopped
        self._next = 0.0  # when the next object may be fetched

    def run(
        self, wanted: Iterable[WantedStudies], actor: Actor, advanced: Callable[[], object] = lambda: None
    ) -> FetchedObjects:
        """Fetch what is wanted; what was fetched before is not fetched again. advanced: called after each of wanted."""
        with Inbox(self._workspace) as inbox, AuditFile(self._workspace) as audit:
            for one in wanted:
                before = self.done.fetched
                for study in self._patiently(lambda one=one: self._archive.find(one)):  # type: ignore[misc]
                    for each in self._patiently(lambda study=study: self._objects(study)):  # type: ignore[misc]
                        self._patiently(lambda each=each: self.one(inbox, each))  # type: ignore[misc]
                about = {
                    "by": sorted(one.filters()),
                    "objects": self.done.fetched - before,
                    "for": self._settings.cohort,
                }
                audit.append(actor, Act("archive fetched", about=about))
                advanced()
        return self.done

    def _objects(self, study: FoundStudy) -> list[FoundObject]:
        """Return the films and recordings of a study; one that the archive does not give any more is listed."""
        try:
            return objects_of(self._archive, study)
        except AbsentError:
            raise
        except UsageError as error:
            self.done.failed.append(str(error))
            return []

    def one(self, inbox: Inbox, one: FoundObject) -> None:
        """Fetch one object into the inbox unless it came before; what the archive does not give is listed."""
        if inbox.has(one.uid):
            self.done.already += 1
            return
        self._wait_for_turn()
        try:
            file = self._archive.fetch(one)
            inbox.receive(one.uid, file, Origin(name_of(one.sop_class), FROM, self._settings.cohort))
        except AbsentError:
            raise
        except UsageError as error:
            self.done.failed.append(str(error))
        else:
            self.done.fetched += 1

    def _patiently(self, call: Callable[[], object]) -> list[Any]:
        """Return what a call returns, asked again for as long as the archive is away.

        An answer that cannot be read again and again is listed, and the job goes on with the next.
        """
        wait_s, broken = FIRST_WAIT_S, 0
        while True:
            self._wait_while(self._is_quiet, "The quiet time has begun; the job goes on when it ends.")
            try:
                found = call()
                return list(found) if isinstance(found, list) else []
            except AbsentError as error:
                broken += isinstance(error, BrokenAnswerError)
                if broken == TRIES:
                    self.done.failed.append(str(error))
                    return []
                until = time.monotonic() + wait_s
                self._wait_while(lambda until=until: time.monotonic() < until, str(error))  # type: ignore[misc]
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    def _wait_for_turn(self) -> None:
        if self._settings.per_minute:
            self._wait_while(lambda: time.monotonic() < self._next)
            self._next = max(self._next, time.monotonic()) + 60 / self._settings.per_minute

    def _wait_while(self, holds: Callable[[], bool], why: str = "") -> None:
        if why and holds():
            self._on_progress(why)
        while holds():
            if self._stopped():
                raise KeyboardInterrupt
            time.sleep(LOOKS_EVERY_S)

    def _is_quiet(self) -> bool:
        limits = self._settings.quiet_time()
        if limits is None:
            return False
        (first, last), at = limits, self._now().time()
        return first <= at < last if first <= last else at >= first or at < last


def objects_of(archive: Archive, study: FoundStudy) -> list[FoundObject]:
    """Return those objects of a study that are films and recordings."""
    listed = archive.objects(study.uid, FETCHED_MODALITIES)
    taken = {"", *(uid for uid, one in ACCEPTED.items() if one.role != "beside")}  # "": its modality says enough
    return [one for one in listed if one.sop_class in taken]
