"""A query and neighbours for exports, without models; and what is like some stored studies, asked in several ways."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.actor import single_user
from engine.intake.quality.verdict import QualityVerdict
from engine.model.release import Release
from engine.retrieval import search as retrieval
from engine.retrieval.answer import Answer, Counted, Neighbour, Options
from engine.study import ECG_LEADS, Study, Trace
from engine.workspace.workspace import open_workspace

QUERIES = ("syn-0003-e1-ecg", "syn-0007-e1-ecg")
OPTIONS = (Options(), Options(operating_point="broad", k=3), Options(filters=retrieval.Filters(sex="F", age_min=30)))


def stored_answers(folder: Path, release: Release) -> list[Answer]:
    """Return what is like some studies of the workspace, in every modality, asked in several ways."""
    with open_workspace(folder) as place:
        return [
            retrieval.search_stored(place, release, one, replace(options, bits=bits), actor=single_user())
            for one in QUERIES
            for bits in (64, 256)
            for options in OPTIONS
        ]


def ecg_query(seconds: float = 4.0, fs: float = 200.0, units: str = "mV") -> Study:
    rng = np.random.default_rng(3)
    samples = np.round(rng.normal(0, 0.2, (12, round(seconds * fs))), 3).astype(np.float32)
    return Study("ecg", Trace(samples, ECG_LEADS, fs, units), f"WFDB, 12 leads, {fs:g} Hz, {seconds:g} s")  # type: ignore[arg-type]


def neighbour(rank: int, row: object, **changes: object) -> Neighbour:
    names = (
        "study_id",
        "patient_id",
        "encounter_id",
        "modality",
        "cohort",
        "licence",
        "labels",
        "label_source",
        "synthetic",
        "age",
        "sex",
        "view",
        "recognised",
    )
    known = {name: getattr(row, name) for name in names}
    one = Neighbour(
        rank=rank,
        hamming=60 + rank,
        bits=256,
        further_share=0.9734,
        relevance=0.62,
        counted=Counted(210, 130, 0.55, 0.69),
        **known,
    )
    return replace(one, **changes)


def answer_of(found: tuple[Neighbour, ...], query: Study) -> Answer:
    far = dict.fromkeys(("cxr", "ecg", "ppg", "text"), False)
    return Answer("q-test", query, QualityVerdict(True, 0.9, (), ()), 256, None, "00", "r-test", found, far, "", 1, {})
