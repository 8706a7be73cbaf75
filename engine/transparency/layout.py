"""The report in sections of paragraphs, lists and tables, which HTML and PDF print alike."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.strings import notice

Row = tuple[str, ...]
FIGURE_HEAD = ("Of", "Measure", "Value", "Interval", "By chance", "n", "Patients", "Place in the file")
MISSING = "not measured"
UNSAID: dict[str, Any] = {"of": "", **dict.fromkeys(("low", "high", "chance", "n", "patients"))}


@dataclass(frozen=True)
class Table:
    """A table: what it shows, the heads of its columns, its rows; numbers: columns that are set to the right."""

    caption: str
    head: Row
    rows: Sequence[Row]
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Listing:
    """A list of sentences."""

    items: Sequence[str]


Block = str | Table | Listing


@dataclass(frozen=True)
class Section:
    """A section: its place among its peers (1 or 2), its title and what stands in it."""

    level: int
    title: str
    blocks: Sequence[Block]


def sections(report: dict[str, Any]) -> list[Section]:
    """Return the report's sections in their order."""
    return [
        Section(1, "What this is", _first(report)),
        *_card(report["card"]),
        Section(1, "Known failures", _failures(report)),
        Section(1, "Limits", [Listing(report["limits"])]),
        Section(1, "Not measured", _missing(report)),
        *_metrics(report),
        Section(1, "Data", _data(report)),
        Section(1, "Energy", _energy(report)),
        Section(1, "Changes since the release before", _changes(report["changes"])),
        Section(1, "This collection", _collection(report["workspace"])),
        Section(1, f"Source attributes, {report['attributes_of']}", _attributes(report)),
        *_everything(report),
    ]


def number(value: float | int | None) -> str:
    """Return a figure as it is printed: whole numbers whole, others to four significant digits."""
    if value is None:
        return "–"
    if isinstance(value, int) or (float(value).is_integer() and abs(value) >= 1000):
        return f"{int(value):,}"
    return f"{value:.4g}"


def figure_row(one: dict[str, Any]) -> Row:
    """Return one figure as a row under FIGURE_HEAD."""
    interval = "–" if one["low"] is None else f"{number(one['low'])} to {number(one['high'])}"
    mark = ", flagged by the evaluation" if one["flagged"] else ""
    return (
        one["of"],
        one["metric"] + mark,
        *(number(one["value"]), interval, number(one["chance"]), number(one["n"]), number(one["patients"])),
        f"{one['source']}#{one['pointer']}",
    )


def figure_table(caption: str, found: Sequence[dict[str, Any]]) -> Table:
    """Return a table of figures."""
    return Table(caption, FIGURE_HEAD, [figure_row(one) for one in found], (2, 3, 4, 5, 6))


def made_by(one: dict[str, Any]) -> str:
    """Return how an evaluation was made, in a line."""
    parts = (one["command"], one["date"], f"split {one['split']}" if one["split"] else "")
    whose = f"of {one['release']}, on which this release is based" if one.get("of_base") else ""
    return "; ".join(part for part in (*parts, whose) if part)


def _first(report: dict[str, Any]) -> list[Block]:
    release, signature = report["release"], report.get("signature", {})
    signed = signature.get("key") or "nobody: make it by `casebind transparency` to sign it"
    rows = (
        ("Release", release["name"]),
        ("Its digest", release["digest"]),
        ("Made from", release["base"] if release["base"] != release["name"] else "its own training"),
        ("Of", release["created"]),
        ("Report of", report["made"]),
        ("Casebind", report["casebind"]),
        ("Digest of the report's JSON", signature.get("sha256", "")),
        ("Signed by", signed),
    )
    said = "Every figure was printed by the command beside it and read from the release's folder; none was typed."
    return [f"{notice()}.", said, Table("Release and signature", ("", ""), rows)]


def _card(card: dict[str, Any]) -> Iterator[Section]:
    """Yield the card's sections but for its metrics, which stand with their tables."""
    yield Section(1, "Applied Model Card", [])
    for name, content in card.items():
        if name in ("KeyMetrics", "Bibliography"):
            continue
        inner = {}
        for field, value in content.items():
            inner.update(value if isinstance(value, dict) else {field: value})
        rows = [(_spaced(field), _plain(value)) for field, value in inner.items()]
        yield Section(2, _spaced(name), [Table(_spaced(name), ("Field", "Answer"), rows)])


def _plain(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _spaced(name: str) -> str:
    """Return a field's published name as words: KnownRisksAndLimitations → Known risks and limitations."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]+", name)
    return " ".join([words[0], *(word if word.isupper() else word.lower() for word in words[1:])])


def _failures(report: dict[str, Any]) -> list[Block]:
    found = report["failures"]
    if not found:
        return ["No recorded evaluation shows one. That is no proof that there is none: see what was not measured."]
    return [figure_table(one["say"], one["figures"]) for one in found]


def _missing(report: dict[str, Any]) -> list[Block]:
    rows = [(one["title"], MISSING, one["command"]) for one in report["not_measured"]]
    table = Table("What has no recorded evaluation", ("Evaluation", "State", "Measured by"), rows)
    return [table] if rows else ["Nothing is missing."]


def _metrics(report: dict[str, Any]) -> Iterator[Section]:
    for name, metric in report["card"]["KeyMetrics"].items():
        blocks: list[Block] = [
            *(metric[field] for field in ("MetricGoal", "Interpretation", "TestType")),
            *(metric[field] for field in ("TestingDataDescription", "ValidationProcessAndJustification")),
        ]
        rows, absent = [], []
        for result in metric["Results"]:
            value = json.loads(result["ValueJson"])
            if MISSING in value:
                absent.append(f"{result['Label']}: {MISSING}; measured by {value[MISSING]}")
            else:
                rows.append(figure_row({**UNSAID, "metric": result["Label"], **value})[1:])
        if rows:
            blocks.append(Table(f"Key metric: {_spaced(name)}", ("Result", *FIGURE_HEAD[2:]), rows, (1, 2, 3, 4, 5)))
        if absent:
            blocks.append(Listing(absent))
        yield Section(1, f"Key metric: {_spaced(name)}", blocks)


def _data(report: dict[str, Any]) -> list[Block]:
    rows = [
        (
            one["dataset"],
            ", ".join(one.get("modalities", [])),
            *(number(one.get("studies", {}).get(split)) for split in ("train", "valid", "test")),
            *(number(one.get("patients")), one.get("attribution", "")),
        )
        for one in report["data"]
    ]
    head = ("Data set", "Kinds", "train", "valid", "test", "Patients", "Attribution and licence")
    blocks: list[Block] = [
        Table("What the release was trained and measured on, by its manifest", head, rows, (2, 3, 4, 5))
    ]
    blocks.append(Listing([f"{one['name']}: {one['licence']}" for one in report["foundations"].values()]))
    return [*blocks, *_of_part(report, "data")]


def _of_part(report: dict[str, Any], part: str) -> Iterator[Block]:
    for one in report["evaluations"]:
        if one["part"] == part:
            yield figure_table(f"{one['title']} ({made_by(one)})", one["figures"])
            yield from one["notes"]
    for gap in report["not_measured"]:
        if gap["part"] == part:
            yield f"{gap['title']}: {MISSING}; measured by {gap['command']}"


def _energy(report: dict[str, Any]) -> list[Block]:
    spent = report["training_energy"]
    blocks: list[Block] = []
    if spent:
        rows = [(name, number(wh)) for name, wh in {"training": spent.get("wh"), **spent.get("of", {})}.items()]
        blocks.append(Table(f"Training, Wh: {spent.get('how', '')}", ("", "Wh"), rows, (1,)))
    return [*blocks, *_of_part(report, "energy")]


def _changes(found: dict[str, Any]) -> list[Block]:
    if not found:
        return ["No earlier release lies beside this one, so nothing can be compared."]
    rows = [
        ("Since", found["since"]),
        ("Digest of that", found["since_digest"]),
        ("Parts that are others", ", ".join(found["parts"]) or "none"),
        ("Data sets added", ", ".join(found["data_added"]) or "none"),
        ("Data sets left out", ", ".join(found["data_left_out"]) or "none"),
    ]
    blocks: list[Block] = [Table("What changed", ("", ""), rows)]
    for each, when in (("before", "Before"), ("after", "After")):
        if found["figures"]:
            blocks.append(figure_table(f"{when}: figures that differ", [one[each] for one in found["figures"]]))
    gate = [tuple(number(v) if isinstance(v, int | float) else str(v) for v in row.values()) for row in found["gate"]]
    if gate:
        blocks.append(Table("The gate of the round", tuple(found["gate"][0]), gate))
    return blocks


def _collection(found: dict[str, Any]) -> list[Block]:
    if not found:
        return ["The report was made without a workspace."]
    counts = [(name, number(n)) for name, n in found["studies"].items()]
    cohorts = [
        (one["name"], "synthetic" if one["synthetic"] else "recordings", one["licence"]) for one in found["cohorts"]
    ]
    serving = "This release" if found["serves_this"] else found["serving"] or "No release"
    return [
        f"{serving} answers in it.",
        Table("Studies", ("Kind", "Studies"), counts, (1,)),
        Table("Cohorts", ("Cohort", "Made of", "Licence"), cohorts),
    ]


def _attributes(report: dict[str, Any]) -> list[Block]:
    rows = []
    for one in report["source_attributes"]:
        rests = [f"Recorded: {', '.join(one['evaluations'])}"] if one["evaluations"] else []
        rests += [f"{MISSING.capitalize()}; measured by {command}" for command in one["not_measured"]]
        rows.append((one["cite"], one["title"], " ".join((one["say"], *(f"{said}." for said in rests)))))
    return [Table("Predictive decision support interventions", ("Paragraph", "Attribute", "Answer"), rows)]


def _everything(report: dict[str, Any]) -> Iterator[Section]:
    """Yield every recorded figure, an evaluation after the other."""
    yield Section(1, "Every recorded figure", [])
    own = report["manifest_figures"]
    if own["figures"]:
        caption = f"Neighbours by shared finding ({own['command']}; {own['date']}; split {own['split']})"
        yield Section(2, "Neighbours by shared finding", [figure_table(caption, own["figures"])])
    for one in report["evaluations"]:
        blocks: list[Block] = [*one["notes"], figure_table(f"{one['title']} ({made_by(one)})", one["figures"])]
        yield Section(2, one["title"], blocks)
