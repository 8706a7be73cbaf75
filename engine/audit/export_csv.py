"""The audit as CSV: one line a row, safe to open in a spreadsheet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from engine.plain_text import csv_text

COLUMNS = (
    "n",
    "recorded",
    "time",
    "who",
    "session",
    "roles",
    "purpose",
    "use",
    "reason",
    "kind",
    "outcome",
    "refused",
    "query_id",
    "returned",
    "patients",
    "release",
    "filters",
    "code",
    "about",
)


def csv_of(bodies: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as CSV with a line of names; lists are joined by a semicolon, further facts are JSON."""
    return csv_text(COLUMNS, [[_word(body.get(name)) for name in COLUMNS] for body in bodies])


def _word(value: Any) -> Any:
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return "" if value is None else value
