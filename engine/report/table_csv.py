"""Results and ratings as CSV: documented columns (columns.toml), pseudonyms only, no cell that a sheet would run."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine import plain_text
from engine.report.report import Report
from engine.strings import notice


@lru_cache(maxsize=1)
def dictionary() -> dict[str, dict[str, str]]:
    """Return table → column → what it holds, in the order of the columns."""
    found = tomllib.loads((Path(__file__).parent / "columns.toml").read_text(encoding="utf-8"))
    return {table: {column["name"]: column["meaning"] for column in columns} for table, columns in found.items()}


def results_csv(report: Report, *, bom: bool = False) -> bytes:
    """Return one row per neighbour; only the header where there is none."""
    return csv_bytes("results", _results(report), bom)


def ratings_csv(report: Report, *, bom: bool = False) -> bytes:
    """Return one row per mark that counts."""
    return csv_bytes("ratings", _ratings(report), bom)


def csv_bytes(table: str, rows: Iterable[Mapping[str, Any]], bom: bool = False) -> bytes:
    """Return rows under the columns of a table of the dictionary, safe to open in a spreadsheet."""
    names = list(dictionary()[table])
    cells = ([row.get(name, "") for name in names] for row in rows)
    return plain_text.csv_text(names, cells, bom=bom).encode("utf-8")


def _results(report: Report) -> Iterable[dict[str, Any]]:
    answer = report.answer
    for one in report.neighbours:
        yield {
            "query_id": answer.query_id,
            "query_modality": answer.study.modality,
            "query_synthetic": bool(answer.study.facts.get("synthetic")),
            "rank": one.rank,
            "study_id": one.study_id,
            "encounter_id": one.encounter_id,
            "patient_id": one.patient_id,
            "modality": one.modality,
            "labels": plain_text.one_line(";".join(one.labels)),
            "label_source": plain_text.one_line(one.label_source),
            "synthetic": one.synthetic,
            "cohort": one.cohort,
            "licence": plain_text.one_line(one.licence),
            "age_years": one.age,
            "sex": one.sex,
            "view": one.view,
            "hamming_bits": one.hamming,
            "code_length_bits": one.bits,
            "further_share": one.further_share,
            "relevance_share": one.relevance,
            "nothing_close": answer.nothing_close.get(one.modality, False),
            "marks": ";".join(given.mark for given in report.ratings_of(one.study_id)),
            "operating_point": answer.operating_point,
            "filters": answer.filters_sentence,
            "release": answer.release,
            "search_audit_id": answer.audit_id,
            **_ending(report),
        }


def _ratings(report: Report) -> Iterable[dict[str, Any]]:
    synthetic = {one.study_id: one.synthetic for one in report.neighbours}
    for one in report.ratings:
        yield {
            "rating_id": one.rating_id,
            "query_id": one.query_id,
            "study_id": one.study_id,
            "mark": one.mark,
            "who": one.who,
            "rated_at_utc": iso(one.created_at),
            "release": one.release,
            "code_length_bits": one.bits,
            "operating_point": one.operating_point,
            "synthetic": synthetic[one.study_id],
            "why": ";".join(one.why),
            "comment": one.comment,
            "finding": one.finding,
            **_ending(report),
        }


def _ending(report: Report) -> dict[str, Any]:
    return {"export_audit_id": report.audit_id, "exported_at_utc": iso(report.when), "notice": notice()}


def iso(moment: datetime) -> str:
    """Return a moment in UTC as "2026-11-25T20:41:46Z"; one without a zone is in UTC."""
    known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{known.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
