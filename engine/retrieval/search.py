"""The one path that a query takes; the pages, the command line and the tests all come through here.

study → window → quality gate → embedding → code → mask (consent, filters, own patient) → exact search per modality →
calibrated relevance → audit. A refused query is neither encoded nor stored; only the refusal is audited.

search asks for something new, again for what was asked before; part for a piece of it, like for the mean of several
cases, counters for the nearest that are labelled otherwise.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from engine import counters
from engine.actor import Actor
from engine.index.hamming import COMPILED_FROM, compiled
from engine.modalities import MODALITIES
from engine.retrieval import copies, mean, observed, part
from engine.retrieval.answer import BITS, OPERATING_POINTS, Answer, Neighbour, Options, Stopwatch
from engine.retrieval.calibration import groups_of
from engine.retrieval.counterexamples import Counterexamples, labels_to_exclude, query_findings
from engine.retrieval.group_radius import GroupRadius
from engine.retrieval.neighbours import neighbours_of
from engine.retrieval.stored_query import ACCEPTED, encoded_anew, exclusion_clause, load_stored_query, verdict_of
from engine.retrieval.typed import answer_typed
from engine.retrieval.typed_words import TypedWords
from engine.retrieval.warmup import warmup_studies
from engine.store import permission
from engine.store.filters import Clause, Filters, exclude_own_patient
from engine.store.records import StoredQuery
from engine.study import Modality, Study
from engine.workspace.patients import as_known_here
from engine.workspace.serving import serving_release, with_serving_release
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.intake.quality.verdict import QualityVerdict
    from engine.model.release import Release

__all__ = [
    "BITS",
    "OPERATING_POINTS",
    "Answer",
    "Counterexamples",
    "Filters",
    "Neighbour",
    "Options",
    "check_release",
    "counterexamples",
    "search",
    "search_like",
    "search_part",
    "search_stored",
    "warm_up",
]

CodeOf = Callable[["Release", Study], np.ndarray]  # → packed code (32,) uint8
Neighbours = tuple[list[Neighbour], dict[str, bool], tuple[str, ...]]  # found, where nothing is close, silent sites


@dataclass(frozen=True, eq=False)
class Question:
    """Who asks what, how and since when; `kind` is its name in the audit."""

    workspace: Workspace
    release: Release
    options: Options
    actor: Actor
    kind: str
    watch: Stopwatch


def search(
    workspace: Workspace,
    release: Release,
    study: Study,
    options: Options,
    *,
    actor: Actor,
    on_judged: Callable[[Study, QualityVerdict], None] | None = None,
    query_id: str | None = None,
    started: float | None = None,
    code_of: CodeOf | None = None,
) -> Answer:
    """Return the nearest studies of every modality in `options.targets`.

    on_judged : called with the study, its window chosen, and the verdict before the study is encoded; what it raises
                ends the search with nothing stored
    started   : time.perf_counter() at which reading of the file began, for the first stage of the timings
    code_of   : makes the code in the place of the release's own, under the release whose codes are searched
    """
    from engine.intake.quality.judge import choose_window, judge

    question = Question(workspace, release, options, actor, "search", Stopwatch(started))
    (study,) = as_known_here(workspace, [choose_window(study)])
    release.open_exported(study.modality)
    if workspace.is_synthetic(study):
        study = replace(study, facts={**study.facts, "synthetic": True})
    verdict = judge(study)
    question.watch.lap("quality")
    if on_judged is not None:
        on_judged(study, verdict)
    own = exclude_own_patient(study, study.facts.get("patient_id"))
    return _search_new(question, study, verdict, own, query_id, code_of=code_of)


def search_stored(workspace: Workspace, release: Release, query_id: str, options: Options, *, actor: Actor) -> Answer:
    """Return the answer for a stored query, or for a study of the workspace ("more like this").

    Nothing is read or judged again, and nothing is encoded where the stored embedding is of the same release.
    Raises UsageError where the id is unknown or the study's patient has withdrawn.
    """
    return _search_stored(Question(workspace, release, options, actor, "again", Stopwatch(None)), query_id)


def counterexamples(
    workspace: Workspace, release: Release, answer: Answer, options: Options, *, actor: Actor
) -> Counterexamples:
    """Return the nearest cases labelled otherwise than an answered query (engine.retrieval.counterexamples says how).

    The same exact search under one more filter: consent, the query's own patient and the user's filters count as
    before; the code length is the answer's. An operating point or a re-ranking does not count, as what is labelled
    otherwise may lie further out.
    """
    meant = query_findings(workspace, answer, actor=actor)
    if not meant.families:
        return Counterexamples(meant, None)
    without = replace(options.filters, labels_not=labels_to_exclude(workspace, meant, actor=actor))
    options = Options(targets=options.targets, k=options.k, bits=answer.bits, filters=without, by_meaning=True)
    question = Question(workspace, release, options, actor, "counter", Stopwatch(None))
    return Counterexamples(meant, _search_stored(question, answer.query_id))


def search_like(
    workspace: Workspace,
    release: Release,
    study_ids: Sequence[str],
    options: Options,
    *,
    actor: Actor,
    beside: str | None = None,
) -> Answer:
    """Return the nearest studies to the mean of several cases (engine.retrieval.mean), stored as a query of its own.

    beside : the query among whose neighbours they were chosen; its own patient is not returned either
    None of the cases is returned, nor another study of their patients. Raises UsageError where a case is unknown or its
    patient has withdrawn.
    """
    question = Question(workspace, release, options, actor, "like", Stopwatch(None))
    study = mean.mean_study(mean.chosen(workspace, study_ids, actor=actor), beside)
    return _search_new(question, study, verdict_of(ACCEPTED), exclusion_clause(workspace, study, actor=actor))


def search_part(
    workspace: Workspace,
    release: Release,
    query_id: str,
    options: Options,
    *,
    actor: Actor,
    box: Sequence[float] | None = None,
    stretch: tuple[float, float] | None = None,
) -> Answer:
    """Return the nearest studies to a part of a query: a box on its film, or a stretch of its trace.

    box     : left, top, right, bottom as shares 0..1 of the film; the film was judged as a whole and is not again
    stretch : (start, end) in seconds of the whole recording; it is judged by itself and may be refused
    The part is stored as a query of its own. Raises UsageError where it is none of that query.
    """
    question = Question(workspace, release, options, actor, "part", Stopwatch(None))
    first, own = load_stored_query(workspace, release, query_id, actor=actor)
    study = part.part_of(first.study, query_id, box, stretch)
    if first.who == "":  # a study of the workspace, which knows whose it is
        patient_id = workspace.row(query_id, actor=actor).patient_id
        study = replace(study, facts={**study.facts, "patient_id": patient_id})
    verdict = verdict_of(first.verdict) if box is not None else part.judge_part(study)
    question.watch.lap("quality")
    return _search_new(question, study, verdict, own)


def warm_up(workspace: Workspace, release: Release, modalities: Sequence[Modality] = MODALITIES) -> None:
    """Load models, codes and kernels, so that the first query of these modalities is as fast as the next ones."""
    from engine.intake.quality.judge import judge

    modalities = [modality for modality in modalities if modality in release.modalities]
    used = workspace.releases.serving() or (release.name,)
    if workspace.backend.load(used[0], release.modalities) >= COMPILED_FROM:
        compiled(COMPILED_FROM)
    release.load(modalities)
    for study in warmup_studies():
        if study.modality in modalities:
            judge(study)
            release.embed([study])


def check_release(workspace: Workspace, release: Release) -> None:
    """Raise WorkspaceError where no installed release is that of the workspace's codes."""
    serving_release(workspace, release)


def _search_new(
    question: Question,
    study: Study,
    verdict: QualityVerdict,
    own: Clause,
    query_id: str | None = None,
    *,
    code_of: CodeOf | None = None,
) -> Answer:
    """Encode, find and store what is asked for the first time, or say why it is refused."""
    query_id = query_id or f"q-{secrets.token_hex(8)}"
    if not verdict.accepted:
        return _refused(question, study, verdict, query_id)
    nothing = np.empty(0, np.float32)
    name = question.actor.name
    blank = StoredQuery(query_id, name, study, asdict(verdict), "", nothing.astype(np.uint8), nothing)

    def load(used: Release) -> tuple[StoredQuery, Clause]:
        found = encoded_anew(question.workspace, used, blank, actor=question.actor)
        return (found if code_of is None else replace(found, code=code_of(used, study))), own

    return _answer(question, load, keep=True)


def _search_stored(question: Question, query_id: str) -> Answer:
    """Find the neighbours of what was asked before."""

    def load(used: Release) -> tuple[StoredQuery, Clause]:
        return load_stored_query(question.workspace, used, query_id, actor=question.actor)

    return _answer(question, load, keep=False)


def _refused(question: Question, study: Study, verdict: QualityVerdict, query_id: str) -> Answer:
    """Audit a refusal, without any content, and say it."""
    counters.refused("recording")
    release, options = question.release.name, question.options
    seen = observed.observation(query_id, study, verdict, release)
    audit_id = observed.record_refusal(question.workspace, seen, " ".join(verdict.reasons), actor=question.actor)
    return Answer(
        query_id=query_id,
        study=study,
        verdict=verdict,
        bits=options.bits,
        operating_point=options.operating_point,
        code_hex="",
        release=release,
        neighbours=(),
        nothing_close={},
        filters_sentence=options.filters.recorded,
        audit_id=audit_id,
        timing_ms=question.watch.result(),
        rerank=options.rerank,
    )


def _answer(question: Question, load: Callable[[Release], tuple[StoredQuery, Clause]], *, keep: bool) -> Answer:
    """Find the neighbours of a query in every target modality under one mask; store it where wanted, and audit.

    load : returns the query under a release, and who must not be returned
    """
    workspace, options, watch = question.workspace, question.options, question.watch
    permission.require(workspace.database, question.actor, "search")

    def ask(used: Release) -> tuple[StoredQuery, tuple[GroupRadius, ...], Neighbours, TypedWords | None]:
        stored, own = load(used)
        watch.lap("encode")
        if stored.is_typed:
            return stored, (), *answer_typed(workspace, used, stored, own, options, actor=question.actor)
        groups = groups_of(workspace, used, stored, options.bits)
        found = neighbours_of(workspace, used, stored, own, options, actor=question.actor, groups=groups)
        return stored, groups, found, None

    _, (stored, groups, found, typed) = with_serving_release(workspace, question.release, ask)
    neighbours, nothing_close, missing = found
    shown = copies.marked(workspace, stored, neighbours, actor=question.actor)
    if question.kind == "search":
        stored = _observed(stored, watch, nothing_close)
    code_hex = stored.code[: options.bits // 8].tobytes().hex()
    audit_id = workspace.audit(
        question.kind,
        actor=question.actor,
        stored_query=stored if keep else None,
        query_id=stored.query_id,
        code=code_hex,
        returned=tuple(neighbour.study_id for neighbour in shown),
        release=stored.release,
        filters=options.filters.recorded,
    )
    watch.lap("search")
    timing_ms = watch.result()
    counters.searched(question.kind, timing_ms["total"] / 1000)
    return Answer(
        query_id=stored.query_id,
        study=stored.study,
        verdict=verdict_of(stored.verdict),
        bits=options.bits,
        operating_point=options.operating_point,
        code_hex=code_hex,
        release=stored.release,
        neighbours=shown,
        nothing_close=nothing_close,
        filters_sentence=options.filters.recorded,
        audit_id=audit_id,
        timing_ms=timing_ms,
        rerank=options.rerank,
        missing=missing,
        copies=copies.equal_content(workspace, stored, actor=question.actor),
        typed=typed,
        groups=groups,
    )


def _observed(stored: StoredQuery, watch: Stopwatch, nothing_close: dict[str, bool]) -> StoredQuery:
    """Return a new query with what the monitor is told of it."""
    study, verdict = stored.study, verdict_of(stored.verdict)
    seen = observed.observation(
        stored.query_id,
        study,
        verdict,
        stored.release,
        latency_ms=watch.result()["total"],
        nothing_close=nothing_close.get(study.modality),
    )
    return replace(stored, observed=seen)
