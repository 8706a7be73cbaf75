"""casebind search FILE|TEXT…"""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.shared import (
    answer_options,
    is_file,
    load_release,
    read_query,
    workspace_from_option,
    workspace_option,
)
from engine.errors import RefusedError, UsageError
from engine.study import MODALITIES, Modality

if TYPE_CHECKING:
    from engine.retrieval.answer import Answer

LABELS_WIDTH = 48  # characters of labels in the table


@click.command("search")
@click.argument("query", nargs=-1, required=True, metavar="FILE|TEXT...")
@click.option("--into", default=",".join(MODALITIES), help="Target modalities, joined by commas.", show_default=True)
@click.option("--k", default=10, help="Neighbours per modality.", show_default=True)
@click.option("--bits", type=click.Choice(["64", "128", "256"]), default="256", help="Code length.", show_default=True)
@click.option("--at", type=click.Choice(["precise", "balanced", "broad"]), help="Only neighbours within this radius.")
@click.option(
    "--rerank",
    type=click.Choice(["none", "asymmetric", "embedding"]),
    default="none",
    show_default=True,
    help="Order a larger pool of the nearest by what codes lose: the query's float side, or stored embeddings.",
)
@click.option("--cohort", "cohorts", multiple=True, help="Only this cohort; may be repeated.")
@click.option("--label", "labels", multiple=True, help="Only studies labelled so; may be repeated.")
@click.option("--age-min", type=float, help="Only patients of at least this age in years.")
@click.option("--age-max", type=float, help="Only patients of at most this age in years.")
@click.option("--sex", type=click.Choice(["F", "M"]), help="Only patients of this sex.")
@click.option("--view", help="Only films in this view, e.g. PA.")
@click.option("--from", "since", metavar="DATE", help="Only studies acquired from this year, month or day on.")
@click.option("--until", metavar="DATE", help="Only studies acquired until the end of this year, month or day.")
@click.option("--quality", type=float, help="Only studies of at least this quality, 0 to 1.")
@click.option("--consent", metavar="SCOPE", help="Only patients whose consent to this stands too, e.g. training.")
@click.option("--without-patient", "without", multiple=True, help="Not this patient; may be repeated.")
@click.option("--synthetic/--recorded", default=None, help="Only synthetic studies, or only recordings.")
@click.option("--who", default="local", help="Name for the audit.", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@answer_options
@workspace_option
def command(
    query: tuple[str, ...],
    into: str,
    k: int,
    bits: str,
    at: str | None,
    rerank: str,
    cohorts: tuple[str, ...],
    labels: tuple[str, ...],
    age_min: float | None,
    age_max: float | None,
    sex: str | None,
    view: str | None,
    since: str | None,
    until: str | None,
    quality: float | None,
    consent: str | None,
    without: tuple[str, ...],
    synthetic: bool | None,
    who: str,
    as_json: bool,
    fs: float | None,
    units: str | None,
    modality: str | None,
    workspace: Path | None,
) -> int:
    """Show the cases nearest to a file (or the files of one study), or to a finding in words."""
    targets = parse_targets(into)
    files = [is_file(word) for word in query]  # every word is checked before anything is opened
    with workspace_from_option(workspace) as place:
        from engine.store.filters import Filters
        from engine.workspace.filter_check import check_filters

        filters = Filters(
            age_min, age_max, sex, view, cohorts, labels, synthetic, without, since, until, quality, consent
        )
        check_filters(filters, place)
        release = load_release()
        from engine.intake.upload import Answers
        from engine.retrieval.search import search

        started = time.perf_counter()
        study = read_query(query, any(files), Answers(modality, fs, units), place.key)
        answer = search(
            place,
            release,
            study,
            targets=targets,
            k=k,
            bits=int(bits),
            operating_point=at,
            filters=filters,
            rerank=rerank,
            who=who,
            started=started,
        )
    if as_json:
        click.echo(json.dumps(answer.to_json(), ensure_ascii=False))
        return 0 if answer.verdict.accepted else RefusedError.exit_status
    if not answer.verdict.accepted:
        raise RefusedError(" ".join(answer.verdict.reasons))
    click.echo(table(answer, targets))
    return 0


def parse_targets(value: str) -> tuple[Modality, ...]:
    """Return the modalities of "cxr,ecg"; UsageError for an unknown one."""
    names = [name.strip().lower() for name in value.split(",") if name.strip()]
    unknown = [name for name in names if name not in MODALITIES]
    if unknown or not names:
        raise UsageError(f"There is no modality '{unknown[0] if unknown else value}': use {', '.join(MODALITIES)}.")
    return tuple(modality for modality in MODALITIES if modality in names)


def table(answer: Answer, targets: tuple[Modality, ...]) -> str:
    """Return the answer as lines for a person."""
    lines = [f"Query {answer.query_id}: {answer.study.recognised}; quality {answer.verdict.score:.2f}"]
    lines += [f"  {reason}" for reason in answer.verdict.reasons]
    if answer.filters_sentence:
        lines.append(answer.filters_sentence)
    if answer.missing:
        lines.append(answer.missing_sentence)
    for target in targets:
        lines += ["", *_section(answer, target)]
    times = ", ".join(f"{stage} {value:.0f} ms" for stage, value in answer.timing_ms.items())
    lines += ["", f"Release {answer.release}, {answer.bits} bits; {times}", "Not for diagnosis."]
    return "\n".join(lines)


def _section(answer: Answer, target: Modality) -> list[str]:
    found = [neighbour for neighbour in answer.neighbours if neighbour.modality == target]
    note = "  (nothing close in this collection)" if answer.nothing_close[target] else ""
    if not found:
        return [f"{target}: no similar study{' at this operating point' if answer.operating_point else ''}{note}"]
    width = max(len(neighbour.study_id) for neighbour in found)
    head = f"{target}{note}\n{'rank':>4}  {'study':<{width}}  distance  closer than  relevance  labelled as"
    rows = [
        f"{one.rank:>4}  {one.study_id:<{width}}  {one.hamming:>8}  {math.floor(100 * one.further_share):>9}%"
        f"   {one.relevance:>8.0%}   {_shortened(', '.join(one.labels) or '–')}"
        f"{'  [synthetic]' if one.synthetic else ''}"
        for one in found
    ]
    return [head, *rows]


def _shortened(text: str) -> str:
    return text if len(text) <= LABELS_WIDTH else text[: LABELS_WIDTH - 1] + "…"
