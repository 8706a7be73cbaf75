"""Groups and what they are made by, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.retrieval import wording
from engine.strings import one_of, text

PUBLISHED = ("data set", "cohort")  # facts whose values are names


def by(fact: str) -> str:
    """Return what groups are made by."""
    return one_of("groups", f"by_{fact.replace(' ', '_')}", fact)


def value(fact: str, name: str) -> str:
    """Return a group's name as it stands in a table."""
    return name if fact in PUBLISHED else one_of("groups", f"value_{name.replace(' ', '_')}", name)


def group(fact: str, name: str) -> str:
    """Return a group's name as it stands in a sentence."""
    return name if fact in PUBLISHED else wording.group(name)


def named(section: Mapping[str, Any]) -> str:
    """Return a comparison's name: what asks, of which data set, by what."""
    made = f" ({text('groups.synthetic')})" if section.get("synthetic") else ""
    return comparison(section["query"], section["source"] or text("groups.all_sources"), section["by"]) + made


def comparison(query: str, source: str, fact: str) -> str:
    """Return the name of a comparison of those who ask with studies of one modality of a data set."""
    return text("groups.named", asks=text(f"modality.{query}"), source=source, by=by(fact))
