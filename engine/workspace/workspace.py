"""A workspace: a folder with the DuckDB file, the study files and the query files.

    <workspace>/casebind.duckdb   studies, codes, ratings, consent
    <workspace>/audit.db          what people did
    <workspace>/casebind.journal  a second copy of the changes since the last checkpoint
    <workspace>/studies/          canonical content of every study
    <workspace>/queries/          de-identified content of every accepted query
    <workspace>/maps/             explanations that were computed, until newer ones need the room
    <workspace>/key               secret of the keyed hashes of patient identifiers
    <workspace>/keys.db           wrapped keys of what is encrypted, if it is
    <workspace>/settings.json     where the codes are searched, if not here

One process owns the file; a second one is told so in one sentence, since it would not see a consent just withdrawn.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from engine.access.policies.decisions import Decisions
from engine.actor import Actor
from engine.backends.opening import open_backend
from engine.backends.protocol import Backend
from engine.backends.setting import read_setting
from engine.backends.snapshots import SnapshotStore
from engine.files import utc_now
from engine.index.hamming import CodeArray
from engine.store import audit, calibrations, catalogue, pair_maps, permission, queries, ratings, studies, verdicts
from engine.store.acts import Act, note
from engine.store.classes import read_classes
from engine.store.content import files_of, load_content
from engine.store.database import FILE_NAME, Database
from engine.store.filters import Clause, Filters
from engine.store.folder import check_folder, read_key
from engine.store.records import AuditRow, Cohort, NewStudy, Rating, StoredQuery, StudyRow
from engine.store.verdicts import Judged
from engine.study import Study
from engine.workspace.erasure import Storage, forget_read, go_on_at_opening
from engine.workspace.policies_record import note_policies
from engine.workspace.refusals import refusal_of, refuse_query
from engine.workspace.releases import Releases

_open: dict[Path, Workspace] = {}
_open_lock = threading.Lock()


def open_workspace(path: Path | str, *, create: bool = False) -> Workspace:
    """Return the workspace at `path`; everyone in this process who opens it shares one.

    Raises WorkspaceError where there is none (unless `create`), another process holds it, it is damaged or too new.
    """
    folder = Path(path).expanduser().resolve()
    with _open_lock:
        shared = _open.get(folder)
        if shared is None:
            shared = _open[folder] = Workspace(folder, create=create)
        shared.openers += 1
        return shared


class Workspace:
    """An open workspace. Safe to use from many threads."""

    def __init__(self, path: Path, *, create: bool) -> None:
        self.path = path
        self.studies_folder, self.queries_folder = path / "studies", path / "queries"
        self.openers = 0
        check_folder(path, create)
        setting = read_setting(path)
        self.database = Database(path / FILE_NAME)
        self.policies = Decisions(
            path, partial(read_classes, self.database), lambda loaded: note_policies(self.database.audit, loaded)
        )
        self.database.rule = self.policies
        audit.note_damage(self.database)
        self.key = read_key(path)
        self.files = files_of(self.database, self.key)
        self.maps = pair_maps.MapFiles(self.files, self.key)
        self.snapshots = SnapshotStore(self.database)
        self.releases = Releases(self.database, self.snapshots)
        self.backend: Backend = open_backend(setting, self.snapshots)  # where the codes are searched
        self.storage = Storage(path, self.database, self.snapshots, self.key, self.files)
        go_on_at_opening(self.storage)
        self._calibration: tuple[str, Any, dict[str, Any] | None] = "", None, None  # the last that was read
        self.durable = True  # False while a build fills it that syncs once, and is done over when it was stopped

    def close(self) -> None:
        """Close the file when the last one who opened the workspace closes it."""
        with _open_lock:
            self.openers -= 1
            if self.openers <= 0 and _open.get(self.path) is self:
                del _open[self.path]
                self.backend.close()
                self.snapshots.close()
                self.database.close()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Studies

    def add(self, cohort: Cohort, release: str, digest: str, batch: Sequence[NewStudy]) -> None:
        """Store studies with their content, codes and embeddings; all of the batch or none of it."""
        files = studies.save(self.files, batch, self.durable)
        with self.database.exclusive():
            studies.add(self.database, files, cohort, release, digest, batch=batch)
            self.policies.look_again()
            self.snapshots.on_added(release, [one.row.study_id for one in batch])

    def add_codes(
        self,
        release: str,
        digest: str,
        study_ids: Sequence[str],
        vectors: np.ndarray,
        codes: np.ndarray,
        *,
        replace: bool = False,
    ) -> None:
        """Store embeddings (n, 256) and packed codes (n, 32) of present studies under a release.

        replace : in the place of the ones that they have under it
        """
        with self.database.exclusive():
            studies.add_codes(self.database, release, digest, study_ids, vectors, codes=codes, replace=replace)
            self.snapshots.on_added(release, study_ids)

    def remove(self, study_ids: Sequence[str]) -> None:
        """Remove studies with their content, codes and embeddings; their ratings and the audit stay."""
        with self.database.exclusive(), self.snapshots.removing(study_ids):
            files = studies.files_of(self.database, study_ids)
            studies.remove(self.database, study_ids)
            self.database.forget()
        self.maps.forget(pair_maps.study(study_id) for study_id in study_ids)
        self.files.delete(self.studies_folder / file for file in files)

    def set_verdicts(self, gate: str, judged: Sequence[Judged]) -> None:
        """Write verdicts of a quality gate on present studies; the next search leaves out those it refuses."""
        with self.database.exclusive():
            verdicts.record(self.database, gate, judged)
            self.snapshots.invalidate_masks()

    def row(self, study_id: str, *, actor: Actor) -> StudyRow:
        """Return the metadata of one study; raises as `engine.workspace.refusals.refusal_of` says."""
        found = studies.rows(self.database, actor, [study_id])
        if found:
            return found[0]
        raise refusal_of(self.database, study_id, actor)

    def rows(self, study_ids: Sequence[str] | None = None, *, actor: Actor) -> list[StudyRow]:
        """Return the metadata of what the actor may see of the given studies, in their order; or of all, by id."""
        return studies.rows(self.database, actor, study_ids)

    def all_rows(self, study_ids: Sequence[str] | None = None) -> list[StudyRow]:
        """Return the metadata of the given studies or of all, whoever may see them; for upkeep, not for a person."""
        return studies.all_rows(self.database, study_ids)

    def study(self, study_id: str, *, actor: Actor) -> Study:
        """Return one study with its content; raises as `row`."""
        return self.study_of(self.row(study_id, actor=actor))

    def study_of(self, row: StudyRow) -> Study:
        """Return the study of a row with its content."""
        return studies.study_of(row, load_content(self.files, self.studies_folder / row.file))

    def siblings(self, encounter_id: str, *, actor: Actor) -> list[StudyRow]:
        """Return the studies of one encounter that the actor may see, in the order of their ids."""
        return studies.rows_where(self.database, actor, "encounter_id = ?", [encounter_id])

    def of_patient(self, patient_id: str, *, actor: Actor) -> list[StudyRow]:
        """Return the studies of one patient that the actor may see, in the order of their ids."""
        return studies.rows_where(self.database, actor, "patient_id = ?", [patient_id])

    def counts(self, filters: Filters | None = None, *, actor: Actor) -> dict[str, int]:
        """Return the number of studies per modality that the actor may see and the filters leave."""
        return catalogue.counts(self.database, actor, [] if filters is None else filters.clauses())

    def count(self, modality: str, clauses: Sequence[Clause], *, actor: Actor) -> int:
        """Return the number of studies of one modality that the actor may see and the clauses leave."""
        return catalogue.counts(self.database, actor, list(clauses)).get(modality, 0)

    def all_counts(self) -> dict[str, int]:
        """Return the number of studies per modality, whoever may see them."""
        return catalogue.all_counts(self.database)

    def cohorts(self, *, actor: Actor) -> list[Cohort]:
        """Return the cohorts of which the actor may see a study, by name."""
        return catalogue.cohorts(self.database, actor)

    def all_cohorts(self) -> list[Cohort]:
        """Return every cohort, by name."""
        return catalogue.all_cohorts(self.database)

    def labels(self, modality: str | None = None, *, actor: Actor) -> list[str]:
        """Return the labels that occur, most frequent first, of all modalities or of one."""
        return catalogue.labels(self.database, actor, modality)

    def labelled_synthetic(self, *, actor: Actor) -> dict[str, list[str]]:
        """Return the ids of the synthetic studies that have labels, by modality, in order."""
        return catalogue.labelled_synthetic(self.database, actor)

    def views(self, *, actor: Actor) -> list[str]:
        """Return the views of the films that occur."""
        return catalogue.views(self.database, actor)

    def is_synthetic(self, study: Study) -> bool:
        """Say whether a recording or film is one of the workspace's synthetic studies, by equal content."""
        return study.modality != "text" and studies.has_synthetic(self.database, study.fingerprint)

    def clean(self) -> int:
        """Delete study files that no row refers to, left by a process that was killed; return how many."""
        return studies.clean(self.database, self.files)

    # What the search reads

    def codes(self, release: str, modality: str) -> CodeArray:
        """Return a copy of the codes of one modality under one release, with their study ids."""
        return studies.load_codes(self.database, release, modality)

    def denied(self, clauses: Sequence[Clause], *, actor: Actor) -> np.ndarray:
        """Return the ordinals, (m,) int64, of the studies that the actor may not see or the clauses keep out."""
        return studies.denied(self.database, actor, clauses)

    def embeddings(self, release: str, study_ids: Sequence[str]) -> np.ndarray:
        """Return (n, 256) float32 embeddings in the order of the ids; UsageError where one has none."""
        return studies.load_embeddings(self.database, release, study_ids)

    def without_codes(self, release: str) -> list[str]:
        """Return the ids of the studies that a release has not encoded."""
        return studies.without_codes(self.database, release)

    def calibration(self, digest: str) -> dict[str, Any] | None:
        """Return what was counted of this collection's pairs under a release, or None before anything was."""
        made_at = calibrations.counted_at(self.database, digest)
        if made_at is None:
            return None
        if self._calibration[:2] != (digest, made_at):
            self._calibration = digest, made_at, calibrations.load(self.database, digest)
        return self._calibration[2]

    # Queries, ratings, consent, audit

    def query(self, query_id: str, *, actor: Actor) -> StoredQuery | None:
        """Return a stored query, or None; NotPermittedError where it is of a patient who has withdrawn.

        None, too, where it is somebody else's and not shared: a refusal does not tell whether there is one.
        """
        found = queries.load(self.database, actor, self.files, query_id)
        patient_id = None if found is None else found.study.facts.get("patient_id")
        if patient_id and not self.consent(str(patient_id), actor=actor):
            refuse_query(query_id, actor)
            return None
        return found

    def rate(
        self,
        query_id: str,
        study_id: str,
        mark: str,
        *,
        actor: Actor,
        release: str,
        bits: int = 256,
        operating_point: str | None = None,
        why: Sequence[str] = (),
        comment: str = "",
        finding: str = "",
        strategy: str = "",
        random_share: bool = False,
        uid: str = "",
    ) -> Rating:
        """Record one mark or a skip; it is on disk when this returns. A later one of the same person replaces it.

        The same again (mark, why, comment, finding, release) writes nothing and returns the one that counts.
        uid : of a rating that was given elsewhere; one that is here already is not written again
        Raises UsageError where a word in it, the query or the study is unknown, or not to be seen by the actor.
        """
        permission.require(self.database, actor, "rate")
        ratings.check_open(self.database, actor, query_id, study_id)
        said = (tuple(why), comment, finding, strategy, random_share, uid)
        given = Rating(0, query_id, study_id, mark, actor.name, release, bits, operating_point, utc_now(), *said)
        about = {"mark": mark, **({"strategy": strategy} if strategy else {})}
        act = Act("rated", query_id=query_id, returned=(study_id,), release=release, about=about)
        with self.database.recording(actor, act):
            return ratings.rate(self.database, given)

    def ratings(self, query_id: str | None = None, *, actor: Actor, skips: bool = False) -> list[Rating]:
        """Return the actor's own marks that count, oldest first, of one query or all.

        skips : also what was skipped; without, only judgements
        """
        return ratings.own_ratings(self.database, query_id, actor.name, skips)

    def all_ratings(self, query_id: str | None = None, *, skips: bool = False) -> list[Rating]:
        """Return the marks of everyone that count, as `ratings` does those of one."""
        return ratings.all_ratings(self.database, query_id, skips)

    def history(self, query_id: str, study_id: str, *, actor: Actor) -> list[Rating]:
        """Return everything the actor ever said about a neighbour, oldest first, what was undone as well."""
        return ratings.history(self.database, query_id, study_id, actor.name)

    def undo(self, query_id: str, study_id: str, *, actor: Actor) -> Rating | None:
        """Take back the actor's last mark on a neighbour; return the earlier mark that counts again, or None."""
        with self.database.recording(actor, Act("rating undone", query_id=query_id, returned=(study_id,))):
            return ratings.undo(self.database, query_id, study_id, actor.name)

    def unrate(self, query_id: str, study_id: str, *, actor: Actor) -> None:
        """Take back all marks of the actor on a neighbour, so that none counts; the history is kept."""
        with self.database.recording(actor, Act("rating undone", query_id=query_id, returned=(study_id,))):
            ratings.unrate(self.database, query_id, study_id, actor.name)

    def set_consent(self, patient_id: str, granted: bool, *, actor: Actor, scope: str = "retrieval") -> None:
        """Grant or withdraw consent; the next search honours it."""
        self.set_consents([patient_id], granted, actor=actor, scope=scope)

    def set_consents(
        self, patient_ids: Sequence[str], granted: bool, *, actor: Actor, scope: str = "retrieval"
    ) -> None:
        """Grant or withdraw the consent of several patients at once."""
        permission.require(self.database, actor, "consent")
        with self.database.exclusive():
            audit.set_consents(self.database, patient_ids, granted, scope, actor)
            self.snapshots.invalidate_masks()
            if not granted:
                self.maps.forget(pair_maps.patient(patient_id) for patient_id in patient_ids)
                if scope != "teaching":
                    forget_read(self.path)

    def consent(self, patient_id: str, *, actor: Actor) -> bool:
        """Return whether consent to what the actor does stands; a patient who was never asked has not withdrawn."""
        return not permission.refused_patients(self.database, actor, [patient_id])

    def audit(self, kind: str, *, actor: Actor, stored_query: StoredQuery | None = None, **entry: Any) -> int:
        """Append one row to the audit, on disk when this returns; return its number.

        stored_query : an accepted query to store with its de-identified content, in one transaction with its act
        entry        : further fields of the act; the patients of what is returned are looked up
        Raises WorkspaceError where it cannot be written: then nothing may be shown.
        """
        act = self.database.with_patients(Act(kind, **entry))
        if stored_query is None:
            return self.database.audit.append(actor, act)
        file = queries.save(self.files, stored_query)
        with self.database.write() as cursor:
            queries.keep(cursor, self.files, file, stored_query)
            noted = note(cursor, actor, act)
        return self.database.audit.number_of(noted)

    def recorded(self, kind: str, *, actor: Actor) -> bool:
        """Return whether the audit holds an entry of this kind by the actor, e.g. an accepted notice."""
        return audit.recorded(self.database, actor.name, kind)

    @property
    def remark(self) -> str:
        """One sentence about what was damaged when the workspace was opened; "" for none."""
        return self.database.remark

    @property
    def journal_failure(self) -> str:
        """One sentence on why the second copy of changes cannot be written now, "" while it can."""
        return self.database.journal_failure

    def last_damage(self) -> tuple[datetime, str] | None:
        """Return when damage was found last at an opening and the sentence about it, or None."""
        return audit.last_damage(self.database)

    def unread_damage(self, *, actor: Actor) -> str:
        """Return the newest sentence about damage that the actor has not marked as read, "" for none."""
        return audit.unread_damage(self.database, actor.name)

    def mark_damage_read(self, *, actor: Actor) -> None:
        """Record that the actor has read about the damage."""
        self.audit(audit.DAMAGE_READ, actor=actor)

    def audit_rows(self, limit: int = 1000) -> list[AuditRow]:
        """Return the newest audit rows, newest first."""
        return audit.audit_rows(self.database, limit)
