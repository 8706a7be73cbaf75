"""A file → gate → code → the nearest kept cases, offline; what is missing is said."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from casebind_edge.device import Device
from engine.edge.coding import code_of
from engine.intake.paths import read_paths
from engine.intake.quality.judge import choose_window, judge
from engine.intake.upload import Answers
from engine.modalities import resolve, spec_of
from engine.model import film_features
from engine.model.packing import BITS, distances
from engine.model.session import EMBEDDING, EncoderSession
from engine.study import Film, Study

SHOWN = ("recognised", "cohort", "licence", "labels", "label_source", "age", "sex", "view", "synthetic", "valid_until")


@dataclass(frozen=True, eq=False)
class Found:
    """What one search found.

    said    : the object that `casebind-edge search --json` prints
    refused : why the quality gate refused the recording; empty where it was accepted
    study   : what was judged, its window chosen
    """

    said: dict[str, Any]
    study: Study
    refused: tuple[str, ...] = ()


def search(device: Device, paths: Sequence[Path], answers: Answers, k: int) -> Found:
    """Return the k nearest kept cases of every modality, one a patient; CasebindError where the file is not read."""
    watch = _Watch()
    study = read_paths(paths, answers)
    watch.lap("read")
    return search_study(device, study, k, watch)


def search_study(device: Device, study: Study, k: int, watch: _Watch | None = None) -> Found:
    """Return the same for a study that is read already."""
    watch = watch or _Watch()
    device.use_limits()
    study = choose_window(study)
    encoder = device.encoder(study.modality)
    if study.modality == "cxr":
        film_features.read_by(encoder)  # the gate asks of films what their encoder makes beside the embedding
    watch.lap("open")
    verdict = judge(study)
    watch.lap("quality")
    quality = {
        "accepted": bool(verdict.accepted),
        "score": round(float(verdict.score), 4),
        "reasons": list(verdict.reasons),
    }
    query: dict[str, Any] = {"modality": study.modality, "recognised": study.recognised, "quality": quality}
    said = {"query": query | {"code": None}, "release": device.release, "as_of": device.manifest["made_at"]}
    if not verdict.accepted:
        empty: dict[str, Any] = {"neighbours": [], "nothing_close": {}, "missing": []}
        return Found(said | empty | {"timing_ms": watch.laps}, study, tuple(verdict.reasons))
    code = code_of(_embedding(encoder, study), device.layer, study.modality)
    watch.lap("encode")
    neighbours, nothing_close = nearest(device, code, study.modality, k)
    watch.lap("search")
    said["query"] = query | {"code": {"bits": BITS, "hex": code.tobytes().hex()}}
    missing = missing_sentences(device)
    found = {"neighbours": neighbours, "nothing_close": nothing_close, "missing": missing, "timing_ms": watch.laps}
    return Found(said | found, study)


def _embedding(encoder: EncoderSession, study: Study) -> np.ndarray:
    if isinstance(study.content, Film):
        return film_features.outputs_of(encoder, study.content)[EMBEDDING]
    return encoder.embedding(resolve(spec_of(study.modality).inputs)(study.searched))


def nearest(device: Device, code: np.ndarray, query: str, k: int) -> tuple[list[dict[str, Any]], dict[str, bool]]:
    """Return the k nearest valid cards of every modality, nearest first and one a patient, and where nothing is close.

    Ties go to the smaller study id, as in the hospital's search.
    """
    away = distances(code[None], device.codes, BITS)[0]
    neighbours: list[dict[str, Any]] = []
    nothing_close = {}
    for target in sorted({card["modality"] for card in device.cards}):
        places = [i for i, card in enumerate(device.cards) if card["modality"] == target and device.is_valid(card)]
        meaning = device.meaning[f"{query}>{target}"]
        shown: dict[int, dict[str, Any]] = {}
        for place in sorted(places, key=lambda i: (int(away[i]), device.cards[i]["study_id"])):
            card = device.cards[place]
            if card["patient"] not in shown:
                rank, hamming = len(shown) + 1, int(away[place])
                facts = {name: card[name] for name in SHOWN}
                named = {"rank": rank, "study_id": card["study_id"], "modality": target, "hamming": hamming}
                shown[card["patient"]] = named | {"further_share": meaning["further"][hamming]} | facts
            if len(shown) == k:
                break
        neighbours += shown.values()
        if shown:
            nothing_close[target] = min(one["hamming"] for one in shown.values()) > meaning["close_limit"]
    return neighbours, nothing_close


def missing_sentences(device: Device) -> list[str]:
    """Return what a search here lacks, one sentence each."""
    said = []
    expired = sum(not device.is_valid(card) for card in device.cards)
    if expired:
        said.append(f"{expired} of {len(device.cards)} kept cases have expired and are not shown: bring a new bundle.")
    serving = device.manifest.get("serving", device.manifest)
    if serving["digest"] != device.manifest["digest"]:
        here = device.manifest["release"]
        said.append(
            f"The hospital searches by release {serving['release']} now, this device by {here}: bring a new bundle."
        )
    kept = {card["modality"] for card in device.cards}
    without = [name for name in ("cxr", "ecg", "ppg") if name not in kept]
    if without:
        said.append(f"No cases of {' and '.join(without)} are kept here.")
    said.append(f"Offline: {len(device.cards) - expired} kept cases, as of {device.manifest['made_at']} UTC.")
    return said


class _Watch:
    """Milliseconds by stage."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self.laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """Close a stage."""
        now = time.perf_counter()
        self.laps[stage] = round((now - self._last) * 1000, 1)
        self.laps["total"] = round((now - self._start) * 1000, 1)
        self._last = now
