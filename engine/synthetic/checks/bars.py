"""What the figures of a cohort are held against: one row a bar, with what was found and whether it is met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.findings import NORMAL, findings_of_label
from engine.synthetic.checks.films import READERS
from engine.synthetic.checks.table import grid, number

TWO_SAMPLE, RECALL, PRECISION, KERNEL = 0.90, 0.40, 0.60, 0.40  # of films, in the space of the untouched trunk
READ = ("kept", "kept, easier than real")  # verdicts: a class may learn from what is plain
SHOWN, CLEAR, POINTED = 0.80, 0.90, 0.80
SPACE = READERS["foundation"]
REAL_TEST = "synthetic with real test"


@dataclass(frozen=True)
class Bar:
    """One bar: what is asked, the limit and what was found in words, and whether it is met."""

    what: str
    limit: str
    found: str
    met: bool


def two_sample(results: dict[str, Any]) -> dict[str, float]:
    """Return modality → how well a classifier tells its studies from real ones; of films by the untouched trunk."""
    found = {}
    for modality in ("cxr", "ecg", "ppg"):
        spaces = results.get(modality, {}).get("realism", {})
        rows: list[dict[str, Any]] = spaces.get(SPACE) or next(iter(spaces.values()), [])
        if row := _compared(rows):
            found[modality] = row["auc"]["value"]
    return found


def passing(results: dict[str, Any]) -> tuple[str, ...]:
    """Return the film labels that pass: readers of real films read them no worse than real ones, and every kind of
    finding that they name was seen by whoever looked at films blind. Unseen labels do not pass.
    """
    read, seen = results.get("cxr", {}).get("verdicts", {}), results.get("by_eye", {})
    return tuple(sorted(one for one, verdict in read.items() if verdict in READ and _is_shown(one, seen)))


def bars(results: dict[str, Any]) -> list[Bar]:
    """Return the bars that the figures bear on."""
    films = results.get("cxr", {})
    return [
        *_realism(films),
        *_readers(films),
        *_by_eye(results.get("by_eye", {})),
        *_pointing(films.get("pointing", {})),
        *_own(results.get("consistency", {}).get("learnt_on_half", {})),
        *_copies(results),
    ]


def bars_table(results: dict[str, Any]) -> str:
    """Return the bars as a table."""
    head = ("bar", "limit", "found", "met")
    return grid(head, [(one.what, one.limit, one.found, "yes" if one.met else "NO") for one in bars(results)])


def _compared(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    return next((row for row in rows if row["compared"] == REAL_TEST), None)


def _realism(films: dict[str, Any]) -> Iterator[Bar]:
    row = _compared(films.get("realism", {}).get(SPACE, []))
    if row is None:
        return
    auc, kernel = row["auc"]["value"], row["kid"]["value"]
    yield Bar("films told from real ones", f"≤ {TWO_SAMPLE}", number(auc, 2), auc <= TWO_SAMPLE)
    yield Bar("recall of real films", f"≥ {RECALL}", number(row["recall"], 2), row["recall"] >= RECALL)
    yield Bar("precision of films", f"≥ {PRECISION}", number(row["precision"], 2), row["precision"] >= PRECISION)
    yield Bar("kernel distance of films", f"≤ {KERNEL}", number(kernel, 2), kernel <= KERNEL)


def _readers(films: dict[str, Any]) -> Iterator[Bar]:
    for reading, rows in films.get("fidelity", {}).items():
        labels = [row for row in rows if "real" in row and row["synthetic"]["positives"] and row["label"][0] != "("]
        met = [row["label"] for row in labels if row["verdict"] == "kept"]
        if labels:
            found = f"{len(met)} of {len(labels)}"
            yield Bar(f"labels read within ± 0.05 of real: {reading}", "all", found, len(met) == len(labels))


def _by_eye(seen: dict[str, Any]) -> Iterator[Bar]:
    for kind, one in seen.items():
        yield Bar(f"by eye: {kind}", f"≥ {_eye_limit(kind)}", f"{one['shown']} of {one['of']}", _is_seen(kind, one))


def _is_seen(kind: str, one: dict[str, Any]) -> bool:
    """Return whether enough of the films that were looked at showed what they must."""
    return bool(one["shown"] >= _eye_limit(kind) * one["of"] > 0)


def _eye_limit(kind: str) -> float:
    return CLEAR if findings_of_label(kind) == {NORMAL} else SHOWN


def _is_shown(label: str, seen: dict[str, Any]) -> bool:
    """Return whether all the kinds that share a finding with a label were seen, and at least one was."""
    meant = findings_of_label(label)
    kinds = [kind for kind in seen if kind == label or findings_of_label(kind) & meant]
    return bool(kinds) and all(_is_seen(kind, seen[kind]) for kind in kinds)


def _pointing(found: dict[str, Any]) -> Iterator[Bar]:
    for row in found.get("painted", []):
        value = row["hit"]["value"]
        words = f"{number(value, 2)} (chance {number(row['chance'], 2)}), {row['n']}"
        yield Bar(f"detector points at {row['finding']}", f"≥ {POINTED}", words, value >= POINTED)
    for row in found.get("boxes", []):
        words = f"{number(row['hit']['value'], 2)} (chance {number(row['chance'], 2)}), {row['n']}"
        yield Bar(
            f"the same on boxes of the NIH: {row['finding']}", "> chance", words, row["hit"]["low"] > row["chance"]
        )


def _own(found: dict[str, Any]) -> Iterator[Bar]:
    for pair, row in found.items():
        words = f"{number(row['r_at_10']['value'], 2)} (chance {number(row['chance'], 2)})"
        yield Bar(
            f"own patient, {pair}, R@10, learnt on half", "> chance", words, row["r_at_10"]["low"] > row["chance"]
        )


def _copies(results: dict[str, Any]) -> Iterator[Bar]:
    found = [one for m in ("cxr", "ecg", "ppg") for one in results.get(m, {}).get("memorisation", {}).values()]
    if found:
        below = sum(one["below"] for one in found)
        yield Bar("nearer to a training recording than the limit", "0", str(below), below == 0)
