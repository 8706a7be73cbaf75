"""Erasure of patients and queries: a job in steps, each of which may be done twice, that goes on after any end.

    <workspace>/erasures/<number>.json   what is to be erased and which step is done; gone when the certificate is there

1. the job is written, and the ids go on the list of who was erased
2. rows are deleted in every place (engine.store.places); searches leave the studies out from here on
3. files are deleted: studies, queries, maps, inputs of rounds; their keys are; ids go from reports, logs and reasons
4. the database is written anew, so that no block of deleted rows is left (engine.store.rewrite)
5. every byte of the folder and every column of words is searched for what was erased
6. the certificate is written, and the job deleted

An opening of the workspace goes on with what was stopped, and erases again who comes back with an older copy.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.actor import Actor
from engine.backends.snapshots import SnapshotStore
from engine.errors import UsageError, WorkspaceError, brief
from engine.files import utc_now, write_whole
from engine.store import permission, places
from engine.store.acts import Act, note
from engine.store.audit_file import SYSTEM
from engine.store.data_keys import FILE as KEYS
from engine.store.database import FILE_NAME, Database
from engine.store.people import FILE as PEOPLE
from engine.store.people import People
from engine.store.places import Targets
from engine.store.workspace_files import WorkspaceFiles, patient_owner, query_owner
from engine.workspace.byte_search import Sequences, apart, files_below
from engine.workspace.certificate import Certificate, certificates, write_certificate
from engine.workspace.erased import FILE as ERASED_FILE
from engine.workspace.erased import add_erased, among_erased, reference

FOLDER = "erasures"
COPIES = "copies"  # of the database, on their way into a backup
ASIDE = "inbox/aside"  # objects of the archive, under their patients' pseudonyms
CACHES = ("maps", COPIES, "monitor")  # folders whose files may go at any time
WRITTEN = ("reports", "rounds", "casebind-errors.log")  # text in which ids may stand
LEFT = "rounds/.*-*"  # folders of processes that learnt anew and were killed
ROUND_INPUTS = "rounds/*/in.*"
READ = "rounds/coarse/in.*"  # of films and ECGs, for an adaptation that was stopped meanwhile and may go on
RECORD_OF_ACTS = ("audit.db", "audit.db-wal", "audit.db-shm", "checkpoints")
AT_TOP = {  # what lies in the folder of a workspace → what an erasure does with it
    FILE_NAME: "rows are deleted, then it is written anew",
    f"{FILE_NAME}.wal": "emptied",
    "casebind.journal": "emptied",
    "studies": "the files of the studies are deleted",
    "queries": "the files of the queries are deleted",
    "maps": "deleted: maps are made anew",
    COPIES: "deleted: a backup that waits for one begins again",
    "monitor": "deleted: what a run was given; the next run gathers anew",
    "reports": "ids are replaced",
    "rounds": "inputs are deleted, ids are replaced",
    "casebind-errors.log": "ids are replaced",
    "releases": "what learnt from a patient may not serve; `casebind unlearn`",
    "inbox": "files that are kept aside under the patient's pseudonym are deleted; what comes again is refused",
    "pacs.toml": "nothing of patients",
    "requests": "empty but for what is being asked",
    FOLDER: "the job; deleted at the end",
    "rewrite-due": "empty; gone once the database was written anew",
    "certificates": "keyed hashes; ids are replaced in reasons",
    ERASED_FILE: "keyed hashes alone",
    "audit.db": "pseudonyms stay, as a record of acts",
    "audit.db-wal": "as audit.db",
    "audit.db-shm": "as audit.db",
    "checkpoints": "hashes alone",
    PEOPLE: "ids are replaced in reasons of emergencies, then it is written anew",
    f"{PEOPLE}-wal": "emptied",
    f"{PEOPLE}-shm": "as people.db",
    "policies": "nothing of patients",
    "pairing.toml": "nothing of patients",
    "sign_in.toml": "nothing of patients",
    "columns.txt": "nothing of patients",
    "key": "the secret of keyed hashes",
    KEYS: "the wrapped keys of the erased are destroyed; the others stand under keyed hashes",
    f"{KEYS}-wal": "emptied",
    f"{KEYS}-shm": "as the keys",
    "settings.json": "nothing of patients",
    "demo.json": "nothing of patients",
}
NOT_SEARCHED = (*RECORD_OF_ACTS, FOLDER)
REPLAYED = "an older copy of the workspace held them again"
DISTINCT = 6  # letters of an id that occurs, in any case, in a thousand million bytes by chance once in 4,000 searches
UNFINISHED = ".*.tmp"
STEPS = ("begun", "rows", "files", "rewritten")

_working = threading.Lock()  # one erasure at a time


@dataclass(frozen=True)
class Storage:
    """What an erasure works on: folder, database, the codes in memory, the key of its keyed hashes, content files."""

    path: Path
    database: Database
    snapshots: SnapshotStore
    key: bytes
    files: WorkspaceFiles


@dataclass(frozen=True)
class Job:
    """An erasure on its way. step: the last of STEPS that is done. rows: table → rows to be deleted"""

    number: str
    who: str
    reason: str
    began: str
    targets: Targets
    rows: dict[str, int]
    file_before: tuple[str, int]
    indistinct: tuple[str, ...]
    step: str = "begun"
    files: int = 0
    keys: int = 0
    releases: tuple[str, ...] = field(default_factory=tuple)


def erase(
    storage: Storage, patients: Sequence[str] = (), queries: Sequence[str] = (), *, actor: Actor, reason: str = ""
) -> Certificate:
    """Erase patients and queries from every place of the workspace; return the certificate, which is on disk then.

    Raises UsageError where one of them is not there, NotPermittedError for whom it is not, and WorkspaceError where the
    disk has no room: the same call, or the next opening, goes on.
    """
    permission.require(storage.database, actor, "consent")
    with storage.database.exclusive():
        waiting = [job for job in jobs(storage.path) if set(patients) <= set(job.targets.patients)]
        waiting = [job for job in waiting if set(queries) <= set(job.targets.queries)]
        job = waiting[0] if waiting else _begin(storage, patients, queries, actor, reason)
    return _finish(storage, job)


def without_ids(words: str, ids: Sequence[str]) -> str:
    """Return words with a mark in the place of ids, in upper or lower case."""
    return _pattern(Targets(patients=tuple(ids))).sub(places.ERASED, words)


def go_on(storage: Storage) -> list[Certificate]:
    """Finish what was stopped, and erase again who is on the list of the erased; return the certificates."""
    done = [_finish(storage, job) for job in jobs(storage.path)]
    database, home = storage.database, storage.path
    if (home / ERASED_FILE).exists():
        _delete_aside(storage)
        patients = among_erased(home, storage.key, "patients", _column(database, "patient_id", "patients"))
        queries = among_erased(home, storage.key, "queries", _column(database, "query_id", "queries"))
        if patients or queries:
            done.append(erase(storage, patients, queries, actor=SYSTEM, reason=REPLAYED))
    return done


def _delete_aside(storage: Storage) -> None:
    """Delete what is kept aside in the inbox of patients who were erased: an older copy brings it back."""
    kept = {file: file.name.partition("~")[0] for file in (storage.path / ASIDE).glob("*~*")}
    gone = set(among_erased(storage.path, storage.key, "patients", set(kept.values()))) if kept else set()
    for file, patient in kept.items():
        if patient in gone:
            file.unlink(missing_ok=True)


def forget_read(folder: Path) -> None:
    """Delete what was read of films and ECGs for an adaptation that has not begun to learn."""
    for file in folder.glob(READ):
        file.unlink(missing_ok=True)


def go_on_at_opening(storage: Storage) -> None:
    """Finish what was stopped before anybody reads; a workspace in which that fails is closed again."""
    try:
        go_on(storage)
    except BaseException:
        storage.snapshots.close()
        storage.database.close()
        raise


def jobs(folder: Path) -> list[Job]:
    """Return the erasures that are on their way, in the order in which they began."""
    found = [_read(file) for file in (folder / FOLDER).glob("*.json")]
    return sorted(found, key=lambda job: (job.began, job.number))


def _begin(storage: Storage, patients: Sequence[str], queries: Sequence[str], actor: Actor, reason: str) -> Job:
    """Look up everything that is to go, and write the job."""
    known = {*_column(storage.database, "patient_id", "patients"), *_column(storage.database, "query_id", "queries")}
    for one in [*patients, *queries]:
        if one not in known:
            kind = "patient" if one in patients else "query"
            raise UsageError(f"There is no {kind} {brief(one)} in the workspace: check how the id is written.")
    found, path = places.targets(storage.database, patients, queries), storage.database.path
    job = Job(
        number=f"{utc_now():%Y%m%d}-{secrets.token_hex(4)}",
        who=actor.name,
        reason=_pattern(found).sub(places.ERASED, " ".join(reason.split())),
        began=utc_now().isoformat(timespec="seconds"),
        targets=found,
        rows=places.counts(storage.database, found),
        file_before=(apart(storage.path, Sequences(), (), path)[1], path.stat().st_size),
        indistinct=tuple(sorted(_indistinct(storage.database, found))),
        releases=tuple(sorted(file.parent.name for file in storage.path.glob("releases/*/manifest.json"))),
    )
    (storage.path / FOLDER).mkdir(mode=0o700, exist_ok=True)
    add_erased(storage.path, storage.key, patients, queries)
    _write(storage.path, job)
    return job


def _finish(storage: Storage, job: Job) -> Certificate:
    """Do the steps that are left; return the certificate."""
    with _working:
        for step, work in zip(STEPS[1:], (_delete_rows, _delete_files, _rewrite), strict=True):
            if STEPS.index(job.step) < STEPS.index(step):
                job = replace(work(storage, job), step=step)
                _write(storage.path, job)
        certificate = _certificate(storage, job)
        write_certificate(storage.path, certificate)
        _file(storage.path, job).unlink(missing_ok=True)
        for left in (storage.path / FOLDER).glob(UNFINISHED):  # by a process that was killed while it wrote a job
            left.unlink(missing_ok=True)
    return certificate


def _delete_rows(storage: Storage, job: Job) -> Job:
    with storage.database.exclusive():
        come = places.targets(storage.database, job.targets.patients, job.targets.queries)  # since it was begun
        job = replace(job, targets=job.targets.with_others(come))
        _write(storage.path, job)
        return _delete_known(storage, job)


def _delete_known(storage: Storage, job: Job) -> Job:
    with storage.snapshots.removing(job.targets.studies), storage.database.write() as cursor:
        places.delete(cursor, job.targets)
        about = {"certificate": job.number}
        for one in job.targets.patients:
            note(cursor, Actor(job.who), Act("erased", patients=(one,), about=about))
        for one in job.targets.queries:
            note(cursor, Actor(job.who), Act("erased", query_id=one, about=about))
    return job


def _delete_files(storage: Storage, job: Job) -> Job:
    home = storage.path
    owned = [(home / "studies" / one) for one in job.targets.study_files]
    owned += [(home / "queries" / one) for one in job.targets.query_files]
    owned += list(home.glob(ROUND_INPUTS))
    pattern = _pattern(job.targets)
    owned += [file for file in files_below(home, NOT_SEARCHED) if pattern.search(file.name)]
    gone = storage.files.delete(dict.fromkeys(owned))
    for folder in [*(home / name for name in CACHES), *home.glob(LEFT)]:
        shutil.rmtree(folder, ignore_errors=True)
    for name in WRITTEN:
        for file in files_below(home / name) if (home / name).is_dir() else [home / name]:
            _replace_words(file, pattern)
    _replace_reasons(home, pattern)
    owners = [*map(patient_owner, job.targets.patients), *map(query_owner, job.targets.queries)]
    keys = storage.files.destroy(owners)
    return replace(job, files=max(gone, job.files), keys=max(keys, job.keys))


def _rewrite(storage: Storage, job: Job) -> Job:
    storage.database.rewrite()
    return job


def _certificate(storage: Storage, job: Job) -> Certificate:
    distinct = [one for one in job.targets.ids if one not in job.indistinct]
    spelt = [one.encode() for one in distinct if one in job.targets.exact]
    wanted = Sequences(
        (*spelt, *(bytes.fromhex(word) for word in job.targets.code_words)),
        tuple(one.encode() for one in distinct if one not in job.targets.exact),
    )
    storage.database.checkpoint()
    path = storage.database.path
    searched, digest = apart(storage.path, wanted, NOT_SEARCHED, path)
    in_words = places.found_in_words(storage.database, job.targets)
    patients, queries = job.targets.patients, job.targets.queries
    return Certificate(
        number=job.number,
        references=tuple(reference(storage.key, one) for one in patients or queries),
        kind="patients" if patients else "queries",
        who=job.who,
        reason=job.reason,
        began=job.began,
        ended=utc_now().isoformat(timespec="seconds"),
        rows=job.rows,
        files=job.files,
        keys=job.keys,
        file_before=job.file_before,
        file_after=(digest, path.stat().st_size),
        searched_files=searched.files,
        searched_bytes=searched.bytes,
        sequences=len(wanted.exact) + len(wanted.in_any_case),
        found={**searched.found, **in_words},
        indistinct=len(job.indistinct),
        not_searched=RECORD_OF_ACTS,
        releases=job.releases,
    )


def _indistinct(database: Database, found: Targets) -> set[str]:
    """Return the ids that bytes cannot tell from others: parts of ids that stay, and those that occur by chance."""
    return {one for one in found.ids if len(one) < DISTINCT} | places.part_of_others(database, found)


def _column(database: Database, column: str, table: str) -> list[str]:
    return [one for (one,) in places.column(database, column, table)]


def _pattern(erased: Targets) -> re.Pattern[str]:
    """Return a pattern for any of the ids that is not a part of a longer word."""
    return re.compile(rf"(?<![\w])(?:{erased.any_of_ids or '(?!)'})(?![\w])")


def _replace_reasons(home: Path, pattern: re.Pattern[str]) -> None:
    """Put a mark in the place of the ids in reasons: of earlier erasures, and of emergencies."""
    for one in certificates(home):
        if pattern.search(one.reason):
            write_certificate(home, replace(one, reason=pattern.sub(places.ERASED, one.reason)))
    if (home / PEOPLE).exists():
        with closing(People(home)) as people:
            people.replace_in_reasons(pattern, places.ERASED)


def _replace_words(file: Path, pattern: re.Pattern[str]) -> None:
    """Put a mark in the place of the ids in a text file; a file that is none, or not there, is left."""
    try:
        before = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return
    after = pattern.sub(places.ERASED, before)
    if after != before:
        write_whole(file, after)


def _file(folder: Path, job: Job) -> Path:
    return folder / FOLDER / f"{job.number}.json"


def _write(folder: Path, job: Job) -> None:
    content = {**asdict(job), "targets": job.targets.as_json()}
    write_whole(_file(folder, job), json.dumps(content), mode=0o600)


def _read(file: Path) -> Job:
    try:
        content: dict[str, Any] = json.loads(file.read_text("utf-8"))
        listed = {name: tuple(content[name]) for name in ("file_before", "indistinct", "releases")}
        return Job(**{**content, **listed, "targets": Targets.of_json(content["targets"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(
            f"The erasure in {file} cannot be read: restore the file from a copy, or delete it and erase again."
        ) from error
