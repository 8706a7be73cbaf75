"""Every table that holds something of a patient, a study or a query, and what an erasure deletes there.

One row a table. A rule test (tests/rules/test_places.py) compares this list with the tables of a new workspace and with
their columns, so that a table which is added later is here, or is named as one that holds nothing of a patient.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import duckdb

from engine.store.database import Database

ERASED = "[erased]"  # in the place of an id, in words that somebody wrote


@dataclass(frozen=True)
class Targets:
    """What is erased, by id. A query that shows one of the studies, or was made of them, is one of the queries.

    ordinals         : of the studies. patient_keys, row_keys, fingerprints : by which files and uploads are recognised
    questions        : "<quiz id> <number>" of questions about the studies
    runs             : "<run id> <place>" where one was asked
    code_words       : words of the studies' codes that no other study has, as little-endian bytes in hex
    study_files, query_files : relative to the folders of studies and queries
    exact            : ids that are another's in other letter case, so that only this spelling is meant
    """

    patients: tuple[str, ...] = ()
    studies: tuple[str, ...] = ()
    encounters: tuple[str, ...] = ()
    ordinals: tuple[int, ...] = ()
    queries: tuple[str, ...] = ()
    patient_keys: tuple[str, ...] = ()
    row_keys: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    code_words: tuple[str, ...] = ()
    study_files: tuple[str, ...] = ()
    query_files: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """What must not occur anywhere afterwards: ids, keyed hashes and fingerprints."""
        named = (self.patients, self.studies, self.encounters, self.queries, self.patient_keys, self.row_keys)
        return tuple(dict.fromkeys(one for part in (*named, self.fingerprints) for one in part if one))

    @property
    def any_of_ids(self) -> str:
        """A pattern, for Python and RE2 alike, of any of the ids in upper or lower case; longer ones come first."""
        ids = sorted(self.ids, key=len, reverse=True)
        parts = [re.escape(one) if one in self.exact else f"(?i:{re.escape(one)})" for one in ids]
        return "|".join(parts)

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {name: list(value) for name, value in asdict(self).items()}

    def with_others(self, more: Targets) -> Targets:
        """Return these and more, each once."""
        return Targets(
            **{
                one.name: tuple(dict.fromkeys((*getattr(self, one.name), *getattr(more, one.name))))
                for one in fields(self)
            }
        )

    @classmethod
    def of_json(cls, content: dict[str, Any]) -> Targets:
        """Return what `as_json` made."""
        return cls(**{one.name: tuple(content.get(one.name, ())) for one in fields(cls)})


def _among(column: str, name: str, kind: str = "VARCHAR") -> str:
    return f"{column} IN (SELECT unnest(${name}::{kind}[]))"


def _inside(column: str, name: str) -> str:
    return f"len(list_filter(${name}::VARCHAR[], lambda one: contains({column}, one))) > 0"


STUDY, QUERY = _among("study_id", "studies"), _among("query_id", "queries")
EITHER = f"({STUDY} OR {QUERY})"
PATIENT, ENCOUNTER = _among("patient_id", "patients"), _among("encounter_id", "encounters")
QUESTION = _among("quiz_id || ' ' || number", "questions")
RUN = _among("run_id || ' ' || place", "runs")
READ = (  # of a reader study's cases, by its number
    "reader_study_id || ' ' || number IN ("
    f"SELECT c.reader_study_id || ' ' || c.number FROM reader_study_cases c WHERE {_among('c.study_id', 'studies')})"
)
ORDINAL = _among("ordinal", "ordinals", "BIGINT")
OBSERVED = (
    f"({QUERY} OR {PATIENT} OR {_among('patient_key', 'patient_keys')} OR {_among('fingerprint', 'fingerprints')})"
)


@dataclass(frozen=True)
class Place:
    """One table. rows: which of its rows are deleted; "" for none. words: columns that people wrote, or that hold ids.

    clears : a column that points at a query which is deleted, and is emptied
    """

    table: str
    rows: str = ""
    words: tuple[str, ...] = ()
    clears: str = ""


PLACES = (
    Place("small_embeddings", ORDINAL),
    Place("codes", STUDY),
    Place("embeddings", STUDY),
    Place("staged", STUDY),
    Place("former_codes", STUDY),
    Place("ratings", EITHER, ("comment",)),
    Place("pooled_ratings", EITHER, ("comment",)),
    Place("review_pairs", EITHER),
    Place("known_pairs", EITHER, ("note",)),
    Place("check_pairs", EITHER, ("note",)),
    Place("adjudications", EITHER, ("note",)),
    Place("shared_queries", QUERY),
    Place("annotations", f"({STUDY} OR {_among('study_id', 'queries')})", ("words",)),
    Place("collection_cases", STUDY, ("note",), clears="query_id"),
    Place("collections", words=("title", "description")),
    Place("quiz_answers", RUN),
    Place("question_openings", RUN),
    Place("run_questions", QUESTION),
    Place("accepted_answers", QUESTION, ("words",)),
    Place("quiz_questions", STUDY, ("note", "discussion")),
    Place("quizzes", words=("title", "source")),
    Place("recalls", STUDY),
    Place("reader_study_answers", READ),
    Place("reader_study_openings", READ),
    Place("reader_study_order", READ),
    Place("reader_study_neighbours", f"({STUDY} OR {READ})"),
    Place("reader_study_cases", STUDY),
    Place("reader_studies", words=("title",)),
    Place("reader_study_protocols", words=("words",)),
    Place("saved_searches", f"({_inside('address', 'queries')} OR {_inside('address', 'studies')})", ("name",)),
    Place("assignments", words=("note",)),
    Place("guidelines", words=("words",)),
    Place("promotions", words=("reason", "why")),
    Place("calibrations", "len($studies::VARCHAR[]) > 0"),  # counted of pairs of all studies; they are counted anew
    Place("consent", PATIENT),
    Place("arrivals", f"({STUDY} OR {PATIENT})"),
    Place("observations", OBSERVED),
    Place("queries", QUERY),
    Place("studies", STUDY),
    Place("encounters", ENCOUNTER),
    Place("patients", PATIENT),
)
NOTHING_OF_PATIENTS = {  # table → what it holds
    "acknowledgements": "who acknowledged which alarm",
    "agreements": "what was agreed on cohorts",
    "alarms": "what the monitor found, of many patients together",
    "cohorts": "names, licences and sources of collections",
    "encoders": "digests of model parts",
    "group_radii": "radii by group that a maintainer switched on",
    "monitor_windows": "figures of many patients together",
    "quiz_runs": "who answered which quiz; what was asked and answered is in run_questions and quiz_answers",
    "reader_study_readers": "who reads in which reader study; cases are in reader_study_cases",
    "releases": "names and digests of releases",
    "review_queues": "who was offered how many pairs; the pairs are in review_pairs",
    "schema_version": "numbers of migrations",
    "study_classes": "combinations of attributes of studies",
    "serving": "the name of a release",
    "teaching_keys": "hashed keys of quizzes and collections",
    "teaching_rights": "which browser made a quiz or collection",
}
EMPTIED = {"acts_due": "acts until they are in audit.db; `Database.forget` deletes them"}


def targets(database: Database, patients: Sequence[str] = (), queries: Sequence[str] = ()) -> Targets:
    """Return what belongs to patients and queries: their studies, and the queries that were made of these."""
    rows = _read(
        database,
        "SELECT study_id, encounter_id, ordinal, patient_key, row_key, fingerprint, file FROM studies"
        " WHERE patient_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY study_id",
        [list(patients)],
    )
    ids, encounters, ordinals, keys, row_keys, prints, files = zip(*rows, strict=True) if rows else ((),) * 7
    made = set(queries) | _queries_of(database, patients, ids, [*keys, *prints])
    of_queries = _read(
        database,
        "SELECT query_id, file, fingerprint FROM queries WHERE query_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY 1",
        [sorted(made)],
    )
    questions = _read(
        database,
        f"SELECT quiz_id || ' ' || number FROM quiz_questions WHERE {STUDY}"
        f" UNION SELECT quiz_id || ' ' || question FROM recalls WHERE {STUDY}",
        {"studies": list(ids)},
    )
    asked = [one for (one,) in questions]
    runs = _read(database, f"SELECT run_id || ' ' || place FROM run_questions WHERE {QUESTION}", {"questions": asked})
    found = Targets(
        patients=tuple(patients),
        studies=tuple(ids),
        encounters=tuple(dict.fromkeys(encounters)),
        ordinals=tuple(ordinals),
        queries=tuple(sorted(made)),
        patient_keys=_only_theirs(database, "patient_key", keys, ids, made),
        row_keys=tuple(row_keys),
        fingerprints=_only_theirs(database, "fingerprint", [*prints, *(row[2] for row in of_queries)], ids, made),
        questions=tuple(asked),
        runs=tuple(one for (one,) in runs),
        code_words=_own_words(database, ids),
        study_files=tuple(one for one in files if one),
        query_files=tuple(row[1] for row in of_queries if row[1]),
    )
    return replace(found, exact=tuple(sorted(_others(database, found, "lower(o.other) = lower(e.id)"))))


def counts(database: Database, erased: Targets, tables: Collection[str] = ()) -> dict[str, int]:
    """Return table → how many of its rows are to be deleted, of some tables or of all."""
    bound, found = erased.as_json(), {}
    for place in PLACES:
        if place.rows and (not tables or place.table in tables):
            sql = f"SELECT count(*) FROM {place.table} WHERE {place.rows}"
            ((found[place.table],),) = _read(database, sql, named(sql, bound))
    return {table: n for table, n in found.items() if n}


def delete(cursor: duckdb.DuckDBPyConnection, erased: Targets) -> None:
    """Delete the rows in every place, and the ids in what people wrote, inside a transaction."""
    bound = erased.as_json()
    pattern = _pattern(erased)
    for place in PLACES:
        if place.rows:
            _run(cursor, f"DELETE FROM {place.table} WHERE {place.rows}", bound)
        if place.clears:
            gone = _among(place.clears, "queries")
            _run(cursor, f"UPDATE {place.table} SET {place.clears} = NULL WHERE {gone}", bound)
        for column in place.words:
            _replace_words(cursor, place.table, column, pattern)


def found_in_words(database: Database, erased: Targets) -> dict[str, int]:
    """Return "table.column" → rows in which one of the ids stands, over every column of words."""
    pattern, found = _pattern(erased), {}
    columns = _read(
        database,
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND schema_name = 'main'"
        " AND table_name IN (SELECT table_name FROM duckdb_tables())"
        " AND (data_type LIKE 'VARCHAR%' OR data_type = 'JSON') ORDER BY 1, 2",
    )
    for table, column in columns:
        sql = f'SELECT count(*) FROM "{table}" WHERE regexp_matches("{column}"::VARCHAR, ?)'
        ((n,),) = _read(database, sql, [pattern])
        if n:
            found[f"{table}.{column}"] = int(n)
    return found


def part_of_others(database: Database, erased: Targets) -> frozenset[str]:
    """Return those of the ids that are a part of an id which stays, so that bytes cannot tell the two apart."""
    return _others(database, erased, "contains(lower(o.other), lower(e.id))")


def _others(database: Database, erased: Targets, alike: str) -> frozenset[str]:
    """Return those of the ids `e.id` that are like an id `o.other` which stays."""
    sql = (
        "SELECT DISTINCT e.id FROM (SELECT unnest($ids::VARCHAR[]) AS id) e JOIN ("
        f"SELECT patient_id AS other FROM patients WHERE NOT {PATIENT}"
        f" UNION ALL SELECT encounter_id FROM encounters WHERE NOT {ENCOUNTER}"
        f" UNION ALL SELECT unnest([study_id, row_key, file]) FROM studies WHERE NOT {STUDY}"
        f" UNION ALL SELECT query_id FROM queries WHERE NOT {QUERY}) o ON {alike}"
    )
    return frozenset(one for (one,) in _read(database, sql, named(sql, {"ids": list(erased.ids), **erased.as_json()})))


def column(database: Database, name: str, table: str) -> list[tuple[str]]:
    """Return one column of a table."""
    return _read(database, f"SELECT {name} FROM {table}")


def is_patient(database: Database, patient_id: str) -> bool:
    """Say whether a patient is in the record."""
    return bool(_read(database, "SELECT 1 FROM patients WHERE patient_id = ?", [patient_id]))


def digest_of_codes(database: Database, release: str, patient_id: str) -> str:
    """Return a SHA-256 of the codes of all studies under a release, those of one patient left out, by study id."""
    found = _read(
        database,
        "SELECT sha256(string_agg(concat_ws(' ', c.study_id, w0, w1, w2, w3), chr(10) ORDER BY c.study_id))"
        " FROM codes c JOIN studies s USING (study_id) WHERE release = ? AND s.patient_id <> ?",
        [release, patient_id],
    )
    return str(found[0][0])


def owners_of(database: Database, query_ids: Sequence[str]) -> list[tuple[str, str]]:
    """Return (query id, who asked it) of those that are there."""
    sql = f"SELECT query_id, who FROM queries WHERE {QUERY}"
    return [(one, who) for one, who in _read(database, sql, {"queries": list(query_ids)})]


def queries_of(database: Database, who: str) -> list[str]:
    """Return the ids of the queries that somebody asked."""
    return [one for (one,) in _read(database, "SELECT query_id FROM queries WHERE who = ? ORDER BY 1", [who])]


def files_of_queries(database: Database, query_ids: Sequence[str]) -> tuple[str, ...]:
    """Return the content files of queries, relative to their folder."""
    found = _read(database, f"SELECT file FROM queries WHERE {QUERY} ORDER BY file", {"queries": list(query_ids)})
    return tuple(file for (file,) in found if file)


def _read(database: Database, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
    """Return the rows of a statement, past what is remembered of earlier reads: ids must not stay there."""
    with database.snapshot() as cursor:
        return cursor.execute(sql, values if isinstance(values, dict) else list(values)).fetchall()


def _queries_of(database: Database, patients: Sequence[str], studies: Sequence[str], known: Sequence[str]) -> set[str]:
    """Return the queries that were made of patients: of their studies, of several, or of a file that equals one."""
    found = _read(
        database,
        "SELECT query_id FROM queries WHERE json_extract_string(facts, '$.patient_id') IN (SELECT unnest(?::VARCHAR[]))"
        " OR fingerprint IN (SELECT unnest(?::VARCHAR[])) OR patient_key IN (SELECT unnest(?::VARCHAR[]))"
        " OR len(list_filter(?::VARCHAR[], lambda one: contains(facts::VARCHAR, one))) > 0",
        [list(patients), *([one for one in known if one],) * 2, [f'"{one}"' for one in studies]],
    )
    return {query_id for (query_id,) in found}


def _only_theirs(
    database: Database, column: str, values: Sequence[str], studies: Sequence[str], queries: Collection[str]
) -> tuple[str, ...]:
    """Return those of the values that stand in no other study and no other query."""
    found = _read(
        database,
        f"SELECT DISTINCT v.one FROM (SELECT unnest(?::VARCHAR[]) AS one) v WHERE v.one <> ''"
        f" AND v.one NOT IN (SELECT {column} FROM studies WHERE {column} IS NOT NULL"
        " AND study_id NOT IN (SELECT unnest(?::VARCHAR[])))"
        f" AND v.one NOT IN (SELECT {column} FROM queries WHERE {column} IS NOT NULL"
        " AND query_id NOT IN (SELECT unnest(?::VARCHAR[]))) ORDER BY 1",
        [list(values), list(studies), list(queries)],
    )
    return tuple(one for (one,) in found)


def _own_words(database: Database, studies: Sequence[str]) -> tuple[str, ...]:
    """Return the words of the studies' codes that no code of another study has."""
    tables = " UNION ALL ".join(
        f"SELECT study_id, unnest([w0, w1, w2, w3]) AS word FROM {table}"
        for table in ("codes", "staged", "former_codes")
    )
    found = _read(
        database,
        f"SELECT word FROM ({tables}) GROUP BY word HAVING bool_and(study_id IN (SELECT unnest(?::VARCHAR[])))"
        " ORDER BY word",
        [list(studies)],
    )
    return tuple(int(word).to_bytes(8, "little").hex() for (word,) in found) if studies else ()


def _pattern(erased: Targets) -> str:
    """Return a pattern of RE2 for any of the ids that is not a part of a longer word."""
    return rf"(^|[^\w-])({erased.any_of_ids or '$^'})($|[^\w-])"


def _replace_words(cursor: duckdb.DuckDBPyConnection, table: str, column: str, pattern: str) -> None:
    """Put ERASED in the place of ids in what people wrote; twice, since neighbours share what is between them."""
    sql = (
        f"UPDATE {table} SET {column} = regexp_replace({column}, $pattern, '\\1{ERASED}\\3', 'g')"
        f" WHERE regexp_matches({column}, $pattern)"
    )
    for _ in range(2):
        cursor.execute(sql, {"pattern": pattern})


def _run(cursor: duckdb.DuckDBPyConnection, sql: str, bound: dict[str, Any]) -> None:
    cursor.execute(sql, named(sql, bound))


def named(sql: str, bound: dict[str, Any]) -> dict[str, Any]:
    """Return those of the values that a statement names."""
    return {name: value for name, value in bound.items() if re.search(rf"\${name}\b", sql)}
