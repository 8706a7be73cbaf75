"""The one path that a query takes; the pages, the command line and the tests all come through here.

study → window → quality gate → embedding → code → mask (consent, filters, own patient) → exact search per modality →
calibrated relevance → audit. A refused query is neither encoded nor stored; only the refusal is audited.
"""

from __future__ import annotations

import importlib
import math
import secrets
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.answer import BITS, POINTS, Answer, Neighbour, Options, Stopwatch
from engine.errors import UsageError
from engine.index.filters import Clause, Filters, own_patient
from engine.index.hamming import COMPILED_FROM, compiled
from engine.index.records import StoredQuery
from engine.index.workspace import Workspace
from engine.neighbours import neighbours_of
from engine.serving import serving, steady
from engine.study import MODALITIES, Film, Modality, Note, Study, Trace

if TYPE_CHECKING:
    from engine.intake.quality import Verdict
    from engine.release import Release

__all__ = [
    "BITS", "POINTS", "Answer", "Filters", "Neighbour", "Options", "again", "check_release", "search",
    "warm",
]  # fmt: skip

# What intake imports when it meets the first file of a format: up to 0.6 s of a first query
READERS = ("wfdb", "pandas", "pydicom.pixels", "dicognito.anonymizer", "PIL.PngImagePlugin", "PIL.JpegImagePlugin")

Neighbours = tuple[list[Neighbour], dict[str, bool], tuple[str, ...]]  # found, where nothing is close, silent sites

# The verdict on a study of the workspace that becomes a query: it passed the gate when it was taken in.
ACCEPTED: dict[str, Any] = {"accepted": True, "score": 1.0, "reasons": (), "measures": ()}


def search(
    workspace: Workspace,
    release: Release,
    study: Study,
    *,
    into: Sequence[Modality] = MODALITIES,
    k: int = 10,
    bits: int = 256,
    at: str | None = None,
    filters: Filters | None = None,
    rerank: str = "none",
    who: str = "local",
    started: float | None = None,
    query_id: str | None = None,
) -> Answer:
    """Return the nearest studies of every modality in `into`.

    at      : None returns the k nearest; an operating point only those of them within its radius
    rerank  : "none", or the method of engine.rerank that orders a larger pool of the nearest
    started : time.perf_counter() at which reading of the file began, for the first stage of the timings
    """
    from engine.intake.quality import choose_window, judge

    options = Options(tuple(into), k, bits, at, filters or Filters(), rerank)
    watch = Stopwatch(started)
    study = choose_window(study)
    if workspace.is_synthetic(study):
        study = replace(study, facts={**study.facts, "synthetic": True})
    verdict = judge(study)
    watch.lap("quality")
    query_id = query_id or f"q-{secrets.token_hex(8)}"
    if not verdict.accepted:
        return _refused(workspace, release, query_id, study, verdict, options, who, watch)
    own = own_patient(study, study.facts.get("patient_id"))

    def ask(used: Release) -> tuple[StoredQuery, Neighbours]:
        embedding = used.embed([study])[0]
        code = used.codes(embedding[None], study.modality)[0]
        watch.lap("encode")
        stored = StoredQuery(query_id, who, study, asdict(verdict), used.name, code, embedding)
        return stored, neighbours_of(workspace, used, stored, own, options)

    _, (stored, found) = steady(workspace, release, ask)
    return _answer(workspace, stored, verdict, found, options, who, watch, kind="search", keep=True)


def again(
    workspace: Workspace,
    release: Release,
    query_id: str,
    *,
    into: Sequence[Modality] = MODALITIES,
    k: int = 10,
    bits: int = 256,
    at: str | None = None,
    filters: Filters | None = None,
    rerank: str = "none",
    who: str = "local",
) -> Answer:
    """Return the answer for a stored query, or for a study of the workspace ("more like this").

    Nothing is read or judged again, and nothing is encoded where the stored embedding is of the same release.
    Raises UsageError where the id is unknown or the study's patient has withdrawn.
    """
    options = Options(tuple(into), k, bits, at, filters or Filters(), rerank)
    watch = Stopwatch(None)

    def ask(used: Release) -> tuple[StoredQuery, Neighbours]:
        stored, own = _recall(workspace, used, query_id)
        if stored.release != used.name:
            embedding = used.embed([stored.study])[0]
            code = used.codes(embedding[None], stored.study.modality)[0]
            stored = replace(stored, release=used.name, embedding=embedding, code=code)
        watch.lap("encode")
        return stored, neighbours_of(workspace, used, stored, own, options)

    _, (stored, found) = steady(workspace, release, ask)
    verdict = _verdict_of(stored.verdict)
    return _answer(workspace, stored, verdict, found, options, who, watch, kind="again", keep=False)


def warm(workspace: Workspace, release: Release, modalities: Sequence[Modality] = MODALITIES) -> None:
    """Load models, codes and kernels, so that the first query of these modalities is as fast as the next ones."""
    from engine.intake.quality import judge

    used = workspace.releases.serving() or (release.name,)
    if workspace.backend.load(used[0], MODALITIES) >= COMPILED_FROM:
        compiled(COMPILED_FROM)
    release.load(modalities)
    for library in READERS:
        importlib.import_module(library)
    for study in rehearsal():
        if study.modality in modalities:
            judge(study)
            release.embed([study])


def check_release(workspace: Workspace, release: Release) -> None:
    """Raise WorkspaceError where no installed release is that of the workspace's codes."""
    serving(workspace, release)


def _refused(
    workspace: Workspace, release: Release, query_id: str, study: Study, verdict: Verdict, options: Options, who: str,
    watch: Stopwatch,
) -> Answer:  # fmt: skip
    """Audit a refusal, without any content, and say it."""
    audit_id = workspace.audit(who, "refused", release=release.name, refused=" ".join(verdict.reasons))
    return Answer(
        query_id=query_id,
        study=study,
        verdict=verdict,
        bits=options.bits,
        at=options.at,
        code_hex="",
        release=release.name,
        neighbours=(),
        nothing_close={},
        filters_sentence=options.filters.sentence,
        audit_id=audit_id,
        timing_ms=watch.result(),
        rerank=options.rerank,
    )


def _recall(workspace: Workspace, release: Release, query_id: str) -> tuple[StoredQuery, Clause]:
    """Return the stored query of that id, or the study of that id as a query, and who its own patient is."""
    stored = workspace.query(query_id)
    if stored is not None:
        study = stored.study
        return stored, own_patient(study, study.facts.get("patient_id"))
    row = workspace.row(query_id)
    if not workspace.consent(row.patient_id):
        raise UsageError(f"The patient of study {query_id} has withdrawn consent: choose another study.")
    embedding = workspace.embeddings(release.name, [query_id])
    code = release.codes(embedding, row.modality)[0]
    verdict = {**ACCEPTED, "score": row.quality_score}
    study = workspace.study(query_id)
    stored = StoredQuery(query_id, "", study, verdict, release.name, code, embedding[0])
    return stored, own_patient(study, row.patient_id)


def _answer(
    workspace: Workspace, stored: StoredQuery, verdict: Verdict, found: Neighbours, options: Options, who: str,
    watch: Stopwatch, *, kind: str, keep: bool,
) -> Answer:  # fmt: skip
    """Store and audit what was found in every target modality under one mask."""
    neighbours, nothing_close, missing = found
    code_hex = stored.code[: options.bits // 8].tobytes().hex()
    audit_id = workspace.audit(
        who,
        kind,
        keep=stored if keep else None,
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
        at=options.at,
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


def _verdict_of(stored: dict[str, Any]) -> Verdict:
    """Return the verdict that was stored as plain JSON."""
    from engine.intake.quality import Measure, Verdict

    numbers = ("value", "threshold")
    measures = tuple(
        Measure(**{**one, **{name: math.nan for name in numbers if one[name] is None}}) for one in stored["measures"]
    )
    return Verdict(**{**stored, "reasons": tuple(stored["reasons"]), "measures": measures})


def rehearsal() -> list[Study]:
    """Return one plausible input per modality; what comes of it is thrown away."""
    seconds = np.arange(1250, dtype=np.float32) / 125
    wave = np.sin(2 * np.pi * 1.2 * seconds)[None].astype(np.float32)
    return [
        Study("text", Note("normal"), "typed text"),
        Study("ppg", Trace(wave, ("PPG",), 125.0, "au"), "PPG"),
        Study("ecg", Trace(wave, ("II",), 125.0, "mV"), "ECG"),
        Study("cxr", Film(np.tile(np.linspace(0, 255, 256).astype(np.uint8), (256, 1)), 8), "film"),
    ]
