"""`casebind evaluate edge`: codes of a device's 8-bit encoders beside the full ones, on the open recordings.

Devices ask and the hospital's full codes answer, as a device's kept cases have them. Relevance is a shared finding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.datasets.open_recordings import recordings
from engine.edge.coding import code_of, layer_arrays
from engine.edge.onnx_export import WAY, export
from engine.edge.parts import encoder_file
from engine.evaluate.by_finding import Evaluator, retrieval_task
from engine.evaluate.cache import key
from engine.evaluate.plots import intervals
from engine.findings import findings
from engine.intake.quality.judge import choose_window, judge
from engine.metrics.ranking import precision_at, ranked_relevance
from engine.metrics.resampling import measured_mean
from engine.metrics.rows import Measurement, ResultRow, distinct
from engine.modalities import resolve, spec_of
from engine.model import film_features
from engine.model.exported import EXPORTED
from engine.model.packing import BITS, distances
from engine.model.release import Release
from engine.model.session import EMBEDDING, EncoderSession, session_of
from engine.study import Film, Study
from engine.training.data.captions import many_hot

K = 10
MOST = 200  # recordings of each modality, spread evenly over those of the split
NOTES = (
    f"At most {MOST} recordings of each modality with a known finding, spread evenly over the split, each by its best "
    "ten seconds; queries never meet their own patient.",
    "'int8' queries are coded by the 8-bit encoder and answered by full codes; 'full' queries by the full encoder.",
    "Milliseconds are of the processor, on one thread: the quality gate, and preparation with the encoder; "
    "a film's gate needs the encoder, which has then done its work.",
)


def evaluate(release: Release, path: Path, split: str, cache: Path) -> Measurement:
    """Return two rows per modality that is exported: full and int8 queries."""
    rows: list[ResultRow] = []
    for modality in EXPORTED:
        listed = [r for r in recordings(path, split, modality) if findings(r.labels, r.heart_rate)]
        if not listed:
            continue
        chosen = [listed[i] for i in np.unique(np.linspace(0, len(listed) - 1, MOST).round().astype(int))]
        studies = [choose_window(recording.study()) for recording in chosen]
        held = many_hot(findings(r.labels, r.heart_rate) for r in chosen)
        patients = np.array([r.patient_id for r in chosen])
        rows += _compared(release, modality, studies, (held, patients), _session(release, modality, cache))
    return Measurement("edge", release.name, split, rows, NOTES)


def draw(measurement: Measurement, folder: Path) -> list[Path]:
    """Draw P@10 of full and 8-bit queries."""
    return intervals(measurement, ("P@10",), folder)


def _session(release: Release, modality: str, cache: Path) -> EncoderSession:
    """Open the 8-bit encoder, exported once for what decides it."""
    folder = cache / f"edge-{key(release.encoders[modality], str(WAY))}"
    file = folder / encoder_file(modality)
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".part")
        export(release, modality, partial)
        partial.rename(file)
    return session_of(file)


def _compared(
    release: Release, modality: str, studies: list[Study], known: tuple[np.ndarray, np.ndarray], session: EncoderSession
) -> list[ResultRow]:
    held, patients = known
    full = release.codes(release.embed(studies), modality)
    layer, coded, gate_ms, code_ms, agree = layer_arrays(release), [], [], [], []
    wanted = [judge(study).accepted for study in studies]
    for study, accepted in zip(studies, wanted, strict=True):
        with _as_on_a_device(study, session) as (met, embed):
            begun = time.process_time()
            verdict = judge(met)
            judged = time.process_time()
            coded.append(code_of(embed(), layer, modality))
            gate_ms.append(1000 * (judged - begun))
            code_ms.append(1000 * (time.process_time() - judged))
        agree.append(verdict.accepted == accepted)
    changed = np.unpackbits(full ^ np.stack(coded), axis=1).sum(1)
    judge_by = Evaluator(retrieval_task(held, held, patients, patients))
    figures = {
        name: judge_by.figure("P@10", _precision(codes, full, judge_by))
        for name, codes in (("full", full), ("int8", np.stack(coded)))
    }
    more = {
        "bits_changed": {"median": float(np.median(changed)), "p95": float(np.percentile(changed, 95))},
        "share_of_full": round(figures["int8"].value / figures["full"].value, 4) if figures["full"].value else None,
        "verdicts_alike": round(float(np.mean(agree)), 4),
        "gate_ms": round(float(np.median(gate_ms)), 1),
        "code_ms": round(float(np.median(code_ms)), 1),
    }
    said, count = f"{modality} by shared finding", distinct(patients)
    return [
        ResultRow(said, "full", {"P@10": figures["full"]}, count),
        ResultRow(
            said, "int8", {"P@10": figures["int8"], "bits changed": measured_mean(changed, patients)}, count, more=more
        ),
    ]


@contextmanager
def _as_on_a_device(study: Study, session: EncoderSession) -> Iterator[tuple[Study, Callable[[], np.ndarray]]]:
    """Give a study that nothing is known of, and what encodes it; a film's gate asks the same encoder meanwhile."""
    content = study.content
    if not isinstance(content, Film):
        yield study, lambda: session.embedding(resolve(spec_of(study.modality).inputs)(study.searched))
        return
    film = replace(content)
    film_features.read_by(session)
    try:
        yield replace(study, content=film), lambda: film_features.outputs_of(session, film)[EMBEDDING]
    finally:
        film_features.read_by(None)


def _precision(queries: np.ndarray, gallery: np.ndarray, judge_by: Evaluator) -> np.ndarray:
    """Return P@10 of each query, (q,)."""
    near = -distances(queries, gallery, BITS).astype(np.float64)
    return precision_at(ranked_relevance(near, judge_by.task.relevant, judge_by.task.allowed, K), K)
