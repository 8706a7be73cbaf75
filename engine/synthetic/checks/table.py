"""Figures → plain tables in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

VERDICT_WORDS = {"kept": "kept", "dropped": "DROPPED", "kept, easier than real": "kept (!) easier than real"}


def number(value: float | None, digits: int = 3) -> str:
    """Return a number, or a dash where it is not known."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def with_interval(estimate: dict[str, Any], key: str = "value") -> str:
    """Return "0.812 (0.760–0.861)"."""
    return f"{number(estimate[key])} ({number(estimate['low'])}–{number(estimate['high'])})"


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return aligned columns."""
    lines = [tuple(head), *map(tuple, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def fidelity_table(rows: Sequence[dict[str, Any]]) -> str:
    """Return one line per intended label: area on real test, on synthetic, difference, counts, verdict."""
    head = ("label", "AUROC real test", "pos/neg", "AUROC synthetic", "pos/neg", "synthetic − real", "verdict")
    meant = [row for row in rows if row["synthetic"]["positives"]]
    return grid(head, [_label_line(row) for row in meant])


def _label_line(row: dict[str, Any]) -> tuple[str, ...]:
    ours = row["synthetic"]
    if "real" not in row:
        return row["label"], "–", "–", "–", f"{ours['positives']}/–", "–", row["verdict"]
    real = row["real"]
    counts = [f"{s['positives']}/{s['negatives']}" for s in (real, ours)]
    verdict = VERDICT_WORDS.get(row["verdict"], row["verdict"])
    return (
        row["label"],
        with_interval(real, "auroc"),
        counts[0],
        with_interval(ours, "auroc"),
        counts[1],
        with_interval(row["difference"]),
        verdict,
    )


def realism_table(rows: Sequence[dict[str, Any]]) -> str:
    """Return one line per pair of samples: two-sample area, kernel distance × 1000, precision, recall."""
    head = ("compared", "n", "classifier AUC (0.5 = alike)", "kernel distance × 1000", "precision", "recall")
    return grid(head, [_pair_line(row) for row in rows])


def _pair_line(row: dict[str, Any]) -> tuple[str, ...]:
    scaled = {name: 1000 * row["kid"][name] for name in ("value", "low", "high")}
    distance = f"{scaled['value']:.1f} ({scaled['low']:.1f} … {scaled['high']:.1f})"
    covers = (number(row["precision"], 2), number(row["recall"], 2))
    return row["compared"], f"{row['n'][0]} + {row['n'][1]}", with_interval(row["auc"]), distance, *covers


def memorisation_table(spaces: dict[str, dict[str, Any]]) -> str:
    """Return one line per space: how many lie nearer than the 1st percentile of real test studies."""
    head = ("space", "below the limit", "limit", "synthetic min / p1 / p5 / median", "real test min / p1 / p5 / median")
    return grid(head, [_space_line(name, found) for name, found in spaces.items()])


def _space_line(name: str, result: dict[str, Any]) -> tuple[str, ...]:
    both = [" / ".join(number(result[s][k]) for k in ("minimum", "p1", "p5", "median")) for s in ("synthetic", "real")]
    below = f"{result['below']} of {result['n']} ({100 * result['share_below']:.1f} %)"
    return name, below, number(result["limit"]), both[0], f"{both[1]}  (n {result['n_real']})"
