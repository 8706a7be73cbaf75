"""casebind search FILE|TEXT…"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.actor import Actor
from engine.commands.burned_in_option import burned_in_option, screened
from engine.commands.certify_options import certified, certify_options, words_of
from engine.commands.question_options import question_options
from engine.commands.shared import (
    SMALL,
    answer_options,
    count_pairs,
    is_file,
    load_release,
    read_query,
    workspace_from_option,
    workspace_option,
)
from engine.errors import RefusedError, UsageError
from engine.strings import notice, text
from engine.study import Modality

if TYPE_CHECKING:
    from engine.intake.burned_in_choice import Choice
    from engine.retrieval.answer import Answer, Options
    from engine.retrieval.certified import CertifiedAsk, SearchCertificate

LABELS_WIDTH = 60  # characters of how a case is labelled in the table


@click.command("search")
@click.argument("query", nargs=-1, metavar="[FILE|TEXT...]")
@click.option("--text", "words", metavar="WORDS", help="A finding or a report in words, whatever files are named so.")
@question_options
@click.option("--who", default="local", help="Name for the audit.", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@certify_options
@click.option("--start", type=click.FloatRange(min=0), metavar="SECONDS", help="Where to search a long recording.")
@answer_options
@burned_in_option
@workspace_option
def command(
    *,
    query: tuple[str, ...],
    words: str | None,
    options: Options,
    who: str,
    as_json: bool,
    asked: CertifiedAsk | None,
    start: float | None,
    fs: float | None,
    units: str | None,
    modality: str | None,
    burned_in: Choice | None,
    workspace: Path | None,
) -> int:
    """Show the cases nearest to a file (or the files of one study), or to a finding in words."""
    if (words is None) == (not query):
        raise UsageError("Name a file, or words after --text, and not both.")
    files = [is_file(word) for word in query]  # every word is checked before anything is opened
    with workspace_from_option(workspace) as place:
        from engine.workspace.filter_check import check_filters

        actor = Actor(who)
        check_filters(options.filters, place, actor=actor)
        release = load_release()
        from engine.intake.upload import Answers
        from engine.retrieval import steadiness
        from engine.retrieval.part import window_from
        from engine.retrieval.search import search

        started = time.perf_counter()
        study = read_query(query or (words or "",), any(files), Answers(modality, fs, units), place.key)
        study = screened(study, burned_in, place, actor=actor)
        count_pairs(place, SMALL)
        study = study if start is None else window_from(study, start)
        certificate = None
        if asked is None:
            answer = search(place, release, study, options, actor=actor, started=started)
        else:
            answer, certificate = certified(place, release, study, options, asked, actor=actor, started=started)
        shown = "" if as_json or not answer.verdict.accepted else table(answer, options.targets, certificate)
        if shown:
            click.echo(shown)
        steady = steadiness.check(place, release, answer, actor=actor) if certificate is None else None
    if as_json:
        more = {} if certificate is None else {"certificate": certificate.to_json()}
        more |= {} if steady is None else {"steadiness": steady.to_json()}
        click.echo(json.dumps({**answer.to_json(), **more}, ensure_ascii=False))
        return 0 if answer.verdict.accepted else RefusedError.exit_status
    if not answer.verdict.accepted:
        raise RefusedError(" ".join(answer.verdict.reasons))
    if steady is not None and steady.unusual:
        click.echo(steady.sentence)
    return 0


def table(answer: Answer, targets: tuple[Modality, ...], certificate: SearchCertificate | None = None) -> str:
    """Return the answer as lines for a person, with what is certain of it."""
    from engine.retrieval.wording import copies, group_radii

    certain = frozenset() if certificate is None else certificate.certain
    lines = _heading(answer)
    if answer.filters_sentence:
        lines.append(answer.filters_sentence)
    lines += group_radii(answer)
    if answer.missing:
        lines.append(answer.missing_sentence)
    if answer.copies:
        lines.append(copies(answer.copies))
    for target in targets:
        if target in answer.nothing_close:  # a release searches into the modalities that it reads
            section = _section(answer, target, certain)
            lines += ["", *section] if section else []
    lines += [] if certificate is None else ["", words_of(certificate)]
    times = ", ".join(f"{stage} {value:.0f} ms" for stage, value in answer.timing_ms.items())
    lines += ["", f"Release {answer.release}, {answer.bits} bits; {times}", f"{notice()}."]
    return "\n".join(lines)


def _heading(answer: Answer) -> list[str]:
    """Return what was asked: a recording and its quality, or what typed words were understood as."""
    from engine.retrieval import typed_wording

    if answer.typed is None:
        first = f"Query {answer.query_id}: {answer.study.recognised}; quality {answer.verdict.score:.2f}"
        return [first, *(f"  {reason}" for reason in answer.verdict.reasons)]
    lines = [f"Query {answer.query_id}: {text('search.text_query', words=_shortened(answer.study.note.text))}"]
    lines += [typed_wording.understood(answer.typed), typed_wording.side(answer.typed)]
    if answer.typed.by_meaning:
        lines.append(text("typed.by_meaning_line"))
    elif not answer.typed.understood:
        option = text("typed.option")
        lines.append(f"{option[0].upper()}{option[1:]}.")
    return [line for line in lines if line]


def _section(answer: Answer, target: Modality, certain: frozenset[str]) -> list[str]:
    """Return two lines for each neighbour: how near it is, and what it is labelled as."""
    from engine.retrieval import typed_wording, wording

    if answer.typed is not None and not answer.typed.understood and not answer.typed.by_meaning:
        return []
    found = [neighbour for neighbour in answer.neighbours if neighbour.modality == target]
    note = "  (nothing close in this collection)" if answer.nothing_close[target] else ""
    if not found:
        return [f"{target}: no similar study{' at this operating point' if answer.operating_point else ''}{note}"]
    width = max(len(neighbour.study_id) for neighbour in found)
    counted = typed_wording.counts(answer.typed, target) if answer.typed is not None else ""
    lines = [f"{target}{note}", *([counted] if counted else [])]
    for neighbour in found:
        mark = f"  [{text('card.synthetic')}]" if neighbour.synthetic else ""
        mark += f"  [{text('steadiness.certain')}]" if neighbour.study_id in certain else ""
        if answer.typed is not None:
            said = typed_wording.card(answer.typed, neighbour)
            near = f"{wording.distance(neighbour)}, {wording.further(neighbour)}; {said}"
        else:
            near = wording.nearness(neighbour)
        labelled = f"{_shortened(wording.labelled(neighbour.labels))}{mark}"
        lines += [f"{neighbour.rank:>4}  {neighbour.study_id:<{width}}  {near}", f"{'':{width + 8}}{labelled}"]
    return lines


def _shortened(words: str) -> str:
    return words if len(words) <= LABELS_WIDTH else words[: LABELS_WIDTH - 1] + "…"
