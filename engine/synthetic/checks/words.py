"""All figures of a cohort in words and tables: each modality, the encounters, and what follows."""

from __future__ import annotations

import math
from typing import Any

from engine.synthetic.checks import table
from engine.synthetic.checks.bars import bars_table
from engine.synthetic.checks.fidelity import MARGIN

NAMES = {"cxr": "Films", "ecg": "ECGs", "ppg": "PPGs"}
SHARED = (
    "Film and ECG of one invented patient agree by construction, through the labels they were drawn for, and through "
    "nothing else."
)


def modality_report(name: str, results: dict[str, Any]) -> str:
    """Return the tables of one modality."""
    parts = []
    for reading, rows in results["fidelity"].items():
        parts += [f"Label fidelity: {reading}", table.fidelity_table(rows), *_not_meant(rows), ""]
    for space, rows in results["realism"].items():
        parts += [f"Realism: {space}", table.realism_table(rows), ""]
    parts += [f"{name}: nearest training recording (limit: 1st percentile of real test)"]
    return "\n".join([*parts, table.memorisation_table(results["memorisation"])])


def _not_meant(rows: list[dict[str, Any]]) -> list[str]:
    names = [row["label"] for row in rows if not row["synthetic"]["positives"]]
    return [f"No synthetic study is meant to show: {'; '.join(names)}"] if names else []


def encounter_report(results: dict[str, Any]) -> str:
    """Return the consistency of encounters in words and one table."""
    return "\n".join(
        [
            *(_rates(name, rate) for name, rate in results["rates"].items()),
            _limbs(results["limb_leads"]),
            *(_reports(NAMES[name], report) for name, report in results["reports"].items() if report["n"]),
            "",
            "An encounter's own study among all of the cohort (chance: permuted encounters)",
            _own_table(results["own_study"]),
            SHARED,
        ]
    )


def _rates(name: str, rate: dict[str, Any]) -> str:
    if not rate["n"]:
        return f"Heart rate, {name}: not both known in any encounter."
    worst = "unknown" if rate["worst"] is None else f"{rate['worst']:.2f}"
    spread = rate.get("transit_spread_ms")
    tail = f"; transit time varies by {spread} ms within an encounter (median)" if spread is not None else ""
    within = f"{rate['within']} of {rate['n']} within 2 per minute"
    return f"Heart rate, {name}: {within}, worst {worst} ({rate['worst_study']}){tail}."


def _limbs(limb: dict[str, Any]) -> str:
    tail = "" if limb["worst_units"] is None else f", largest departure {limb['worst_units']:g} stored units"
    return f"Einthoven and Goldberger: exact in {limb['exact']} of {limb['n']} ECGs{tail}."


def _reports(name: str, report: dict[str, Any]) -> str:
    share, luck = (100 * report[key] / report["n"] for key in ("named", "chance"))
    missed = f"; never or not always: {', '.join(report['unnamed'])}" if report["unnamed"] else ""
    count = f"{share:.0f} % of {report['n']} abnormal labels (another's report {luck:.0f} %)"
    return f"{name}: the report names {count}{missed}."


def _own_table(pairs: dict[str, Any]) -> str:
    head = (
        "pair",
        "codes",
        "n of",
        "within top 1 %",
        "chance",
        "R@10",
        "chance",
        "MRR",
        "chance",
        "rank (0.5 = chance)",
    )
    return table.grid(
        head, [_own_line(pair, kind, row) for pair, kinds in pairs.items() for kind, row in kinds.items() if row["n"]]
    )


def _own_line(pair: str, kind: str, row: dict[str, Any]) -> tuple[str, ...]:
    cells = []
    for name in ("top_1_percent", "r_at_10", "mrr"):
        cells += [table.with_interval(row[name]), table.with_interval(row[name]["chance"])]
    return (pair, kind, f"{row['n']} of {row['gallery']}", *cells, table.with_interval(row["rank_percentile"]))


def summary(results: dict[str, Any]) -> str:
    """Return one table for a reader: per modality and label what holds, then copies and realism per modality."""
    head = ("modality", "what", "verdict", "found")
    rows = [line for key in NAMES if key in results for line in _modality_lines(key, results[key])]
    return table.grid(head, rows)


def _modality_lines(key: str, results: dict[str, Any]) -> list[tuple[str, ...]]:
    name = NAMES[key]
    labels: dict[str, list[str]] = {}
    for rows in results["fidelity"].values():
        for row in (row for row in rows if row["synthetic"]["positives"]):
            labels.setdefault(row["label"], []).append(_reading(row))
    said = {label: table.VERDICT_WORDS.get(v, v) for label, v in verdicts(key, results["fidelity"]).items()}
    lines: list[tuple[str, ...]] = [(name, label, said[label], " | ".join(r)) for label, r in sorted(labels.items())]
    lines += [
        (name, f"told from real: {space}", "", _classifier_auc(rows)) for space, rows in results["realism"].items()
    ]
    copies = ", ".join(f"{space} {m['below']} of {m['n']}" for space, m in results["memorisation"].items())
    return [*lines, (name, "nearer to training than the limit", "", copies)]


def verdicts(key: str, readings: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    """Return one verdict per intended label: that of the first reading, or dropped where any says so.

    key : of a film ("cxr") a label must be kept in both feature spaces; of traces the first reading decides, since the
    others are parts of it (ECG: pooled, then in mV and z-scored).
    """
    found: dict[str, str] = {}
    for rows in readings.values():
        for row in (row for row in rows if row["synthetic"]["positives"]):
            before = found.setdefault(row["label"], row["verdict"])
            if key == "cxr" and "dropped" in (before, row["verdict"]):
                found[row["label"]] = "dropped"
    return found


def _reading(row: dict[str, Any]) -> str:
    if "real" not in row:
        return row["verdict"]
    pair = f"{table.number(row['synthetic']['auroc'], 2)} (real {table.number(row['real']['auroc'], 2)})"
    return f"{row['verdict']} {pair}"


def _classifier_auc(rows: list[dict[str, Any]]) -> str:
    told = ", ".join(
        f"{row['compared']} {table.number(row['auc']['value'], 2)}" for row in rows if ":" not in row["compared"]
    )
    return f"classifier AUC: {told}"


def full_report(results: dict[str, Any]) -> str:
    """Return the whole report."""
    counts = ", ".join(f"{n} {m}" for m, n in results["studies"].items())
    parts = [
        f"{results['patients']} patients, {results['encounters']} encounters: {counts}. Release {results['release']}.",
        "",
    ]
    for key, name in NAMES.items():
        if key in results:
            parts += [modality_report(name, results[key]), ""]
    rule = (
        f"kept: AUROC at least that on real test − {MARGIN:g}; (!) more than {MARGIN:g} above it, findings exaggerated."
    )
    parts += [encounter_report(results["consistency"]), "", "Summary", rule, summary(results), "", "Bars"]
    return "\n".join([*parts, bars_table(results)])


def rounded(value: Any) -> Any:
    """Return figures for JSON: floats to 5 digits, NaN as null, numpy numbers as plain ones."""
    if isinstance(value, dict):
        return {str(name): rounded(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(float(value), 5)
    return value
