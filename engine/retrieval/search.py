"""The one path that a query takes; the pages, the command line and the tests all come through here.

study → window → quality gate → embedding → code → mask (consent, filters, own patient) → exact search per modality →
calibrated relevance → audit. A refused query is neither encoded nor stored; only the refusal is audited.

search asks for something new, again for what was asked before; part for a piece of it, like for the mean of several
cases, counters for the nearest that are labelled otherwise.
"""

from __future__ import annotations

import importlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np

from engine.index.hamming import COMPILED_FROM, compiled
from engine.retrieval import mean, part
from engine.retrieval.answer import BITS, OPERATING_POINTS, Answer, Neighbour, Options, Stopwatch
from engine.retrieval.counterexamples import Counterexamples, labels_to_exclude, query_findings
from engine.retrieval.neighbours import neighbours_of
from engine.retrieval.stored_query import ACCEPTED, encoded_anew, exclusion_clause, load_stored_query, verdict_of
from engine.retrieval.warmup import READERS, warmup_studies
from engine.store.filters import Clause, Filters, exclude_own_patient
from engine.store.records import StoredQuery
from engine.study import MODALITIES, Modality, Study
from engine.workspace.serving import serving_release, with_serving_release
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.intake.quality import QualityVerdict
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

Neighbours = tuple[list[Neighbour], dict[str, bool], tuple[str, ...]]  # found, where nothing is close, silent sites
DEFAULTS = Options()


def search(
    workspace: Workspace,
    release: Release,
    study: Study,
    *,
    targets: Sequence[Modality] = MODALITIES,
    k: int = 10,
    bits: int = 256,
    operating_point: str | None = None,
    filters: Filters | None = None,
    rerank: str = "none",
    who: str = "local",
    started: float | None = None,
    query_id: str | None = None,
    on_verdict: Callable[[Study, QualityVerdict], None] | None = None,
) -> Answer:
    """Return the nearest studies of every modality in `into`.

    at      : None returns the k nearest; an operating point only those of them within its radius
    rerank  : "none", or the method of engine.retrieval.rerank that orders a larger pool of the nearest
    started : time.perf_counter() at which reading of the file began, for the first stage of the timings
    told    : called with the study, its window chosen, and the verdict before the study is encoded; what it raises ends
              the search with nothing stored
    """
    from engine.intake.quality import choose_window, judge

    options = Options(tuple(targets), k, bits, operating_point, filters or Filters(), rerank)
    watch = Stopwatch(started)
    study = choose_window(study)
    if workspace.is_synthetic(study):
        study = replace(study, facts={**study.facts, "synthetic": True})
    verdict = judge(study)
    watch.lap("quality")
    if on_verdict is not None:
        on_verdict(study, verdict)
    own = exclude_own_patient(study, study.facts.get("patient_id"))
    return _search_new(workspace, release, study, verdict, own, options, who, watch, "search", query_id)


def search_stored(
    workspace: Workspace,
    release: Release,
    query_id: str,
    *,
    targets: Sequence[Modality] = MODALITIES,
    k: int = 10,
    bits: int = 256,
    operating_point: str | None = None,
    filters: Filters | None = None,
    rerank: str = "none",
    who: str = "local",
) -> Answer:
    """Return the answer for a stored query, or for a study of the workspace ("more like this").

    Nothing is read or judged again, and nothing is encoded where the stored embedding is of the same release.
    Raises UsageError where the id is unknown or the study's patient has withdrawn.
    """
    options = Options(tuple(targets), k, bits, operating_point, filters or Filters(), rerank)
    return _search_stored(workspace, release, query_id, options, who, "again")


def counterexamples(
    workspace: Workspace,
    release: Release,
    answer: Answer,
    *,
    k: int = 4,
    filters: Filters | None = None,
    targets: Sequence[Modality] = MODALITIES,
    who: str = "local",
) -> Counterexamples:
    """Return the nearest cases labelled otherwise than an answered query (engine.retrieval.counterexamples says how).

    The same exact search under one more filter: consent, the query's own patient and the user's filters count as
    before; an operating point or a re-ranking does not, as what is labelled otherwise may lie further out.
    """
    meant = query_findings(workspace, answer)
    if not meant.families:
        return Counterexamples(meant, None)
    without = replace(filters or Filters(), labels_not=labels_to_exclude(workspace, meant))
    options = Options(tuple(targets), k, answer.bits, None, without)
    return Counterexamples(meant, _search_stored(workspace, release, answer.query_id, options, who, "counter"))


def search_like(
    workspace: Workspace,
    release: Release,
    study_ids: Sequence[str],
    *,
    beside: str | None = None,
    options: Options = DEFAULTS,
    who: str = "local",
) -> Answer:
    """Return the nearest studies to the mean of several cases (engine.retrieval.mean), stored as a query of its own.

    beside : the query among whose neighbours they were chosen; its own patient is not returned either
    None of the cases is returned, nor another study of their patients. Raises UsageError where a case is unknown or its
    patient has withdrawn.
    """
    watch = Stopwatch(None)
    study = mean.mean_study(mean.chosen(workspace, study_ids), beside)
    own, verdict = exclusion_clause(workspace, study), verdict_of(ACCEPTED)
    return _search_new(workspace, release, study, verdict, own, options, who, watch, "like")


def search_part(
    workspace: Workspace,
    release: Release,
    query_id: str,
    *,
    box: Sequence[float] | None = None,
    stretch: tuple[float, float] | None = None,
    options: Options = DEFAULTS,
    who: str = "local",
) -> Answer:
    """Return the nearest studies to a part of a query: a box on its film, or a stretch of its trace.

    box     : left, top, right, bottom as shares 0..1 of the film; the film was judged as a whole and is not again
    stretch : (start, end) in seconds of the whole recording; it is judged by itself and may be refused
    The part is stored as a query of its own. Raises UsageError where it is none of that query.
    """
    watch = Stopwatch(None)
    first, own = load_stored_query(workspace, release, query_id)
    study = part.part_of(first.study, query_id, box, stretch)
    if first.who == "":  # a study of the workspace, which knows whose it is
        study = replace(study, facts={**study.facts, "patient_id": workspace.row(query_id).patient_id})
    verdict = verdict_of(first.verdict) if box is not None else part.judged(study)
    watch.lap("quality")
    return _search_new(workspace, release, study, verdict, own, options, who, watch, "part")


def warm_up(workspace: Workspace, release: Release, modalities: Sequence[Modality] = MODALITIES) -> None:
    """Load models, codes and kernels, so that the first query of these modalities is as fast as the next ones."""
    from engine.intake.quality import judge

    used = workspace.releases.serving() or (release.name,)
    if workspace.backend.load(used[0], MODALITIES) >= COMPILED_FROM:
        compiled(COMPILED_FROM)
    release.load(modalities)
    for library in READERS:
        importlib.import_module(library)
    for study in warmup_studies():
        if study.modality in modalities:
            judge(study)
            release.embed([study])


def check_release(workspace: Workspace, release: Release) -> None:
    """Raise WorkspaceError where no installed release is that of the workspace's codes."""
    serving_release(workspace, release)


def _search_new(
    workspace: Workspace,
    release: Release,
    study: Study,
    verdict: QualityVerdict,
    own: Clause,
    options: Options,
    who: str,
    watch: Stopwatch,
    kind: str,
    query_id: str | None = None,
) -> Answer:
    """Encode, find and store what is asked for the first time, or say why it is refused."""
    query_id = query_id or f"q-{secrets.token_hex(8)}"
    if not verdict.accepted:
        return _refused(workspace, release, query_id, study, verdict, options, who, watch)
    nothing = np.empty(0, np.float32)
    blank = StoredQuery(query_id, who, study, asdict(verdict), "", nothing.astype(np.uint8), nothing)

    def ask(used: Release) -> tuple[StoredQuery, Neighbours]:
        stored = encoded_anew(workspace, used, blank)
        watch.lap("encode")
        return stored, neighbours_of(workspace, used, stored, own, options)

    _, (stored, found) = with_serving_release(workspace, release, ask)
    return _answer(workspace, stored, verdict, found, options, who, watch, kind=kind, keep=True)


def _search_stored(
    workspace: Workspace, release: Release, query_id: str, options: Options, who: str, kind: str
) -> Answer:
    """Find the neighbours of what was asked before."""
    watch = Stopwatch(None)

    def ask(used: Release) -> tuple[StoredQuery, Neighbours]:
        stored, own = load_stored_query(workspace, used, query_id)
        watch.lap("encode")
        return stored, neighbours_of(workspace, used, stored, own, options)

    _, (stored, found) = with_serving_release(workspace, release, ask)
    return _answer(workspace, stored, verdict_of(stored.verdict), found, options, who, watch, kind=kind, keep=False)


def _refused(
    workspace: Workspace,
    release: Release,
    query_id: str,
    study: Study,
    verdict: QualityVerdict,
    options: Options,
    who: str,
    watch: Stopwatch,
) -> Answer:
    """Audit a refusal, without any content, and say it."""
    audit_id = workspace.audit(who, "refused", release=release.name, refused=" ".join(verdict.reasons))
    return Answer(
        query_id=query_id,
        study=study,
        verdict=verdict,
        bits=options.bits,
        operating_point=options.operating_point,
        code_hex="",
        release=release.name,
        neighbours=(),
        nothing_close={},
        filters_sentence=options.filters.sentence,
        audit_id=audit_id,
        timing_ms=watch.result(),
        rerank=options.rerank,
    )


def _answer(
    workspace: Workspace,
    stored: StoredQuery,
    verdict: QualityVerdict,
    result: Neighbours,
    options: Options,
    who: str,
    watch: Stopwatch,
    *,
    kind: str,
    keep: bool,
) -> Answer:
    """Store and audit what was found in every target modality under one mask."""
    neighbours, nothing_close, missing = result
    code_hex = stored.code[: options.bits // 8].tobytes().hex()
    audit_id = workspace.audit(
        who,
        kind,
        stored_query=stored if keep else None,
        query_id=stored.query_id,
        code=code_hex,
        returned=tuple(neighbour.study_id for neighbour in neighbours),
        release=stored.release,
        filters=options.filters.sentence,
    )
    watch.lap("search")
    return Answer(
        query_id=stored.query_id,
        study=stored.study,
        verdict=verdict,
        bits=options.bits,
        operating_point=options.operating_point,
        code_hex=code_hex,
        release=stored.release,
        neighbours=tuple(neighbours),
        nothing_close=nothing_close,
        filters_sentence=options.filters.sentence,
        audit_id=audit_id,
        timing_ms=watch.result(),
        rerank=options.rerank,
        missing=missing,
    )
