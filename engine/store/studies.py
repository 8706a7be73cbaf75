"""Studies of a workspace: adding, removing and reading their rows, codes and embeddings."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from typing import Any

import duckdb
import numpy as np

from engine.actor import Actor
from engine.errors import UsageError, WorkspaceError
from engine.files import utc_now
from engine.index.hamming import CodeArray, words_of
from engine.store import bulk, classes, permission, previous_codes, quantised, staged_codes
from engine.store.annotations import remove_annotations_on
from engine.store.audit import add_manifest_consent
from engine.store.codes import SOURCE, load_columns
from engine.store.content import file_of, save_content
from engine.store.database import Database
from engine.store.filters import Clause, all_of
from engine.store.records import Cohort, NewStudy, StudyRow
from engine.store.workspace_files import WORDS, WorkspaceFiles, patient_owner
from engine.study import Film, Note, Study, Trace

COLUMNS = (
    "study_id, patient_id, encounter_id, cohort, modality, acquired_at, age, sex, view, labels, label_source, report,"
    " synthetic, licence, attribution, recognised, quality_score, fingerprint, patient_key, window_start_s,"
    " window_end_s, file, extra, gate, refused"
)
TYPES = {  # of the columns of a row of `_values`, in their order
    "row_key": "VARCHAR",
    "created_at": "TIMESTAMP",
    **dict.fromkeys(COLUMNS.split(", "), "VARCHAR"),
    **dict.fromkeys(("age", "quality_score", "window_start_s", "window_end_s"), "DOUBLE"),
    "labels": "VARCHAR[]",
    "synthetic": "BOOLEAN",
    "extra": "JSON",
}
IN_WORDS = f"report <> '' AND NOT starts_with(report, '{WORDS}')"
WRITERS = 8  # content files written at once
THESE = "study_id IN (SELECT unnest(?))"
FACTS = ("study_id", "patient_id", "encounter_id", "acquired_at", "age", "sex", "view", "labels", "report")


def save(files: WorkspaceFiles, batch: Sequence[NewStudy], durable: bool) -> list[str]:
    """Write the content files of a batch, durably or not; return their paths relative to the folder of studies."""
    files.prepare(patient_owner(one.row.patient_id) for one in batch)

    def write(one: NewStudy) -> str:
        content = one.file or file_of(one.study.content)
        owner = patient_owner(one.row.patient_id)
        return save_content(files, files.studies, one.row.study_id, content, owner=owner, durable=durable)

    with ThreadPoolExecutor(WRITERS) as pool:  # most of the time goes into waiting for the disk
        return list(pool.map(write, batch))


def add(
    database: Database, files: Sequence[str], cohort: Cohort, release: str, digest: str, *, batch: Sequence[NewStudy]
) -> None:
    """Write all the rows of a batch, whose content files are written, in one transaction."""
    with database.write() as cursor:
        _register(cursor, cohort, release, digest)
        _insert(database, cursor, batch, files)
        ids = [one.row.study_id for one in batch]
        if classes.is_agreed(cursor, cohort.name) or any(classes.states_any(one.row.extra) for one in batch):
            classes.assign(cursor, ids)
        vectors, codes = np.stack([one.embedding for one in batch]), np.stack([one.code for one in batch])
        _insert_codes(cursor, release, ids, vectors, codes)
        add_manifest_consent(cursor, _stated(batch))


def add_codes(
    database: Database,
    release: str,
    digest: str,
    study_ids: Sequence[str],
    vectors: np.ndarray,
    *,
    codes: np.ndarray,
    replace: bool = False,
) -> None:
    """Write embeddings (n, 256) and packed codes (n, 32) of present studies, or put them in place of others."""
    with database.write() as cursor:
        _register(cursor, None, release, digest)
        if replace:
            quantised.delete(cursor, study_ids, release)
            staged_codes.unstage(cursor, study_ids)
        for table in ("codes", "embeddings") if replace else ():
            which = "release = ? AND study_id IN (SELECT unnest(?))"
            cursor.execute(f"DELETE FROM {table} WHERE {which}", [release, list(study_ids)])
        _insert_codes(cursor, release, study_ids, vectors, codes)


def files_of(database: Database, study_ids: Sequence[str]) -> list[str]:
    """Return the content files of those studies that are there, relative to the studies folder."""
    return [file for (file,) in database.read(f"SELECT file FROM studies WHERE {THESE}", [list(study_ids)])]


def remove(database: Database, study_ids: Sequence[str]) -> None:
    """Delete the rows in one transaction; the files are left."""
    ids = list(study_ids)
    with database.write() as cursor:
        emptied = cursor.execute(f"SELECT DISTINCT encounter_id, patient_id FROM studies WHERE {THESE}", [ids])
        found = emptied.fetchall()
        encounters, patients = ([row[column] for row in found] for column in (0, 1))
        quantised.delete(cursor, ids)
        staged_codes.unstage(cursor, ids)
        previous_codes.delete(cursor, ids)
        remove_annotations_on(cursor, ids)
        for table in ("codes", "embeddings", "studies"):
            cursor.execute(f"DELETE FROM {table} WHERE {THESE}", [ids])
        for table, column, left in (("encounters", "encounter_id", encounters), ("patients", "patient_id", patients)):
            cursor.execute(
                f"DELETE FROM {table} WHERE {column} IN (SELECT unnest(?))"
                f" AND {column} NOT IN (SELECT {column} FROM studies WHERE {column} IN (SELECT unnest(?)))",
                [left, left],
            )


def rows(database: Database, actor: Actor, study_ids: Sequence[str] | None) -> list[StudyRow]:
    """Return the rows that the actor may see: in the order of the ids (unknown ids are left out), or all by id."""
    if study_ids is None:
        return rows_where(database, actor, "true", [])
    return _in_order(rows_where(database, actor, THESE, [list(study_ids)]), study_ids)


def all_rows(database: Database, study_ids: Sequence[str] | None) -> list[StudyRow]:
    """Return the rows as `rows` does, whoever may see them."""
    sql = f"SELECT {COLUMNS} FROM studies"
    if study_ids is None:
        return [_row(one, database.files) for one in database.read(f"{sql} ORDER BY study_id")]
    return _in_order(
        [_row(one, database.files) for one in database.read(f"{sql} WHERE {THESE}", [list(study_ids)])], study_ids
    )


def rows_where(database: Database, actor: Actor, condition: str, values: Sequence[Any]) -> list[StudyRow]:
    """Return the rows that the actor may see and that meet an SQL condition of this package, by id."""
    sql = f"SELECT {COLUMNS} FROM permitted_studies WHERE {condition} ORDER BY study_id"
    return [_row(one, database.files) for one in permission.read(database, actor, sql, values)]


def refusal(database: Database, study_id: str) -> str | None:
    """Return why the gate refuses a study, "" where it accepts it; None where there is no study of that id."""
    found = database.read("SELECT refused FROM studies WHERE study_id = ?", [study_id])
    return str(found[0][0]) if found else None


def denied(database: Database, actor: Actor, clauses: Sequence[Clause]) -> np.ndarray:
    """Return the ordinals, (m,) int64, of the studies that the actor may not see or that clauses keep out."""
    return permission.excluded(database, all_of([permission.permission(database, actor), *clauses]))


def without_codes(database: Database, release: str) -> list[str]:
    """Return the ids of the studies that a release has not encoded."""
    sql = "SELECT study_id FROM studies WHERE study_id NOT IN (SELECT study_id FROM codes WHERE release = ?)"
    return [study_id for (study_id,) in database.read(f"{sql} ORDER BY study_id", [release])]


def study_of(row: StudyRow, content: Trace | Film | Note) -> Study:
    """Return the study that a row and its content make."""
    facts = {name: getattr(row, name) for name in FACTS if getattr(row, name) not in (None, "", ())}
    facts |= {"synthetic": True} if row.synthetic else {}
    return Study(
        modality=row.modality,
        content=content,
        recognised=row.recognised,
        facts=facts,
        patient_key=row.patient_key,
        window_s=row.window_s,
        fingerprint=row.fingerprint,
    )


def rows_by_ordinal(database: Database, actor: Actor, ordinals: Sequence[int]) -> dict[int, StudyRow]:
    """Return ordinal → row of those studies that are there and that the actor may see."""
    sql = f"SELECT {COLUMNS}, ordinal FROM permitted_studies WHERE ordinal IN (SELECT unnest(?))"
    return {
        found[-1]: _row(found[:-1], database.files) for found in permission.read(database, actor, sql, [list(ordinals)])
    }


def load_codes(database: Database, release: str, modality: str) -> CodeArray:
    """Return the codes of one modality in the order of the study ids, with the ids."""
    with database.snapshot() as cursor:
        columns = load_columns(cursor, release, modality)
        ids = cursor.execute(f"SELECT study_id {SOURCE} ORDER BY study_id", [release, modality]).fetchnumpy()
    return CodeArray(
        ids=np.asarray(ids["study_id"], dtype=object),
        ordinals=np.asarray(columns.ordinals, np.int64),
        groups=np.asarray(columns.patients, np.int64),
        words=columns.words,
    )


def load_embeddings(database: Database, release: str, study_ids: Sequence[str]) -> np.ndarray:
    """Return (n, 256) float32 in the order of the ids."""
    found = dict(
        database.read(
            "SELECT study_id, vector FROM embeddings WHERE release = ? AND study_id IN (SELECT unnest(?))",
            [release, list(study_ids)],
        )
    )
    missing = [study_id for study_id in study_ids if study_id not in found]
    if missing:
        raise UsageError(f"Release {release} has not encoded the study {missing[0]}: ingest its cohort again.")
    return np.asarray([found[study_id] for study_id in study_ids], dtype=np.float32).reshape(-1, 256)


def clean(database: Database, files: WorkspaceFiles) -> int:
    """Delete the files of studies that no row refers to; return how many."""
    known = {file for (file,) in database.read("SELECT file FROM studies")}
    orphans = [
        path
        for path in files.studies.glob("*/*")
        if path.is_file() and path.relative_to(files.studies).as_posix() not in known
    ]
    return files.delete(orphans)


def _register(cursor: duckdb.DuckDBPyConnection, cohort: Cohort | None, release: str, digest: str) -> None:
    """Note the cohort and the release; refuse codes of two different releases under one name."""
    if cohort is not None:
        cursor.execute(
            "INSERT INTO cohorts (name, licence, attribution, synthetic, label_source, ids) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            list(astuple(cohort)),
        )
    known = cursor.execute("SELECT digest FROM releases WHERE name = ?", [release]).fetchone()
    if known is None:
        cursor.execute("INSERT INTO releases VALUES (?, ?, ?)", [release, digest, utc_now()])
    elif known[0] != digest:
        raise WorkspaceError(stale_release(release))
    staged_codes.serve_if_none(cursor, release)


def stale_release(release: str) -> str:
    """Say that a workspace was encoded by another model under the same release name."""
    return (
        f"The workspace was encoded with other weights of release {release} than the ones installed: "
        "run `casebind reindex`, or pass --workspace with another folder."
    )


def _insert(
    database: Database, cursor: duckdb.DuckDBPyConnection, batch: Sequence[NewStudy], files: Sequence[str]
) -> None:
    """Insert patients, encounters and studies; those that are there already stay as they are."""
    patients = {one.row.patient_id: [one.row.patient_id, one.row.cohort, utc_now()] for one in batch}
    encounters = {one.row.encounter_id: [one.row.encounter_id, one.row.patient_id] for one in batch}
    types = {"patient_id": "VARCHAR", "cohort": "VARCHAR", "created_at": "TIMESTAMP"}
    number = {"number": "nextval('patient_number')"}
    bulk.insert(cursor, "patients", types, list(patients.values()), number, leave_those_there=True)
    types = {"encounter_id": "VARCHAR", "patient_id": "VARCHAR"}
    bulk.insert(cursor, "encounters", types, list(encounters.values()), leave_those_there=True)
    rows = [_values(one, file, database.files) for one, file in zip(batch, files, strict=True)]
    bulk.insert(cursor, "studies", TYPES, rows, {"ordinal": "nextval('study_ordinal')"})


def _stated(batch: Sequence[NewStudy]) -> dict[tuple[str, str], bool]:
    """Return (patient id, scope) → granted; one row that withdraws outweighs those that grant."""
    stated: dict[tuple[str, str], bool] = {}
    for one in batch:
        for scope, granted in one.consent.items():
            key = (one.row.patient_id, scope)
            stated[key] = granted and stated.get(key, True)
    return stated


def _values(new_study: NewStudy, file: str, files: WorkspaceFiles | None) -> list[Any]:
    """Return the values of TYPES."""
    row = new_study.row
    start, end = row.window_s or (None, None)
    return [
        new_study.row_key,
        utc_now(),
        row.study_id,
        row.patient_id,
        row.encounter_id,
        row.cohort,
        row.modality,
        row.acquired_at,
        row.age,
        row.sex,
        row.view,
        list(row.labels),
        row.label_source,
        row.report if files is None else files.conceal(row.report, patient_owner(row.patient_id), row.study_id),
        row.synthetic,
        row.licence,
        row.attribution,
        row.recognised,
        row.quality_score,
        row.fingerprint,
        row.patient_key,
        start,
        end,
        file,
        json.dumps(row.extra, default=str),
        row.gate,
        row.refused,
    ]


def _insert_codes(
    cursor: duckdb.DuckDBPyConnection, release: str, study_ids: Sequence[str], vectors: np.ndarray, codes: np.ndarray
) -> None:
    """vectors: (n, 256) float32; codes: (n, 32) uint8. WorkspaceError where a study is not there."""
    cursor.execute(
        "INSERT INTO embeddings SELECT unnest(?), ?, unnest(?::FLOAT[256][])",
        [list(study_ids), release, vectors.astype(float).tolist()],
    )
    cursor.execute(
        "INSERT INTO codes (study_id, release, modality, w0, w1, w2, w3, ordinal, patient)"
        " SELECT study_id, ?, s.modality, new.w0, new.w1, new.w2, new.w3, s.ordinal, p.number"
        " FROM (SELECT unnest(?) AS study_id, unnest(?::UBIGINT[]) AS w0, unnest(?::UBIGINT[]) AS w1,"
        " unnest(?::UBIGINT[]) AS w2, unnest(?::UBIGINT[]) AS w3) new"
        " JOIN studies s USING (study_id) JOIN patients p USING (patient_id) ORDER BY study_id",
        [release, list(study_ids), *words_of(codes).T.tolist()],
    )
    quantised.insert(cursor, release, study_ids, vectors)
    (held,) = cursor.execute(
        f"SELECT count(*) FROM codes WHERE release = ? AND {THESE}", [release, list(study_ids)]
    ).fetchone() or (0,)
    if held != len(study_ids):
        raise WorkspaceError("Codes were made for studies that are no longer in the workspace: run the command again.")


def _in_order(found: Sequence[StudyRow], study_ids: Sequence[str]) -> list[StudyRow]:
    by_id = {row.study_id: row for row in found}
    return [by_id[study_id] for study_id in study_ids if study_id in by_id]


def _row(values: tuple[Any, ...], files: WorkspaceFiles | None) -> StudyRow:
    record = dict(zip(COLUMNS.replace(" ", "").split(","), values, strict=True))
    start, end = record.pop("window_start_s"), record.pop("window_end_s")
    record["labels"] = tuple(record["labels"])
    record["extra"] = json.loads(record["extra"])
    if files is not None:
        record["report"] = files.reveal(record["report"], record["study_id"])
    return StudyRow(window_s=None if start is None else (start, end), **record)


def with_fingerprint(database: Database, actor: Actor, fingerprint: str) -> list[str]:
    """Return the ids of the studies with this fingerprint that the actor may see, in order; none for an empty one."""
    if not fingerprint:
        return []
    sql = "SELECT study_id FROM permitted_studies WHERE fingerprint = ? ORDER BY study_id"
    return [study_id for (study_id,) in permission.read(database, actor, sql, [fingerprint])]


def has_synthetic(database: Database, fingerprint: str) -> bool:
    """Say whether a synthetic study has this fingerprint, whoever may see it."""
    sql = "SELECT count(*) FROM studies WHERE fingerprint = ? AND fingerprint <> '' AND synthetic"
    return bool(database.read(sql, [fingerprint])[0][0])


def known_keys(database: Database, keys: Collection[str]) -> set[str]:
    """Return those of some patient keys under which studies are here."""
    if not keys:
        return set()
    sql = "SELECT DISTINCT patient_key FROM studies WHERE patient_key IN (SELECT unnest(?::VARCHAR[]))"
    return {str(key) for (key,) in database.read(sql, [sorted(keys)])}


def plain_reports(database: Database) -> int:
    """Return how many reports stand in words in the record."""
    return int(database.read(f"SELECT count(*) FROM studies WHERE {IN_WORDS}")[0][0])


def conceal_reports(database: Database, files: WorkspaceFiles, most: int) -> None:
    """Encrypt up to so many reports that stand in words in the record, in one transaction."""
    sql = f"SELECT study_id, patient_id, report FROM studies WHERE {IN_WORDS} ORDER BY study_id LIMIT {most}"
    found = database.read(sql)
    files.prepare(patient_owner(patient) for _, patient, _ in found)
    made = [files.conceal(words, patient_owner(patient), study) for study, patient, words in found]
    with database.write() as cursor:
        cursor.execute(
            "UPDATE studies SET report = made.words FROM (SELECT unnest(?::VARCHAR[]) AS words,"
            " unnest(?::VARCHAR[]) AS study) made WHERE study_id = made.study",
            [made, [study for study, _, _ in found]],
        )
