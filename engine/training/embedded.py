"""Every modality's embeddings of a split, and texts beside them: what the hash layer is trained and calibrated on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from engine.model.heads import Tower
from engine.training.binding.modality_sides import embed
from engine.training.binding.train import EDGES
from engine.training.data import prepared
from engine.training.data.captions import Captions, load_captions, many_hot
from engine.training.encoders import loop
from engine.training.stages import training_data

PHRASES = "phrases"  # the data set of rows that are phrases of nobody


@dataclass(frozen=True)
class SplitEmbeddings:
    """One modality's embeddings of one split, with what is known of each."""

    z: np.ndarray  # (n, 256) float32
    has_finding: np.ndarray  # (n, findings) bool
    patients: np.ndarray  # (n,) str
    rows: list[prepared.Example]


def load_tower(file: Path, modality: str) -> Tower:
    """Return a bound encoder from a run's or a release's file."""
    state = load_file(file)
    way = Tower(modality, weights=state)
    way.load_state_dict({k: v.float() for k, v in state.items()})
    return way.eval().to(loop.device())


def phrase_rows(captions: Captions, copies: int) -> tuple[list[prepared.Example], list[int]]:
    """Return every phrase of every finding `copies` times, as rows of nobody, with their caption numbers."""
    said = [(finding, number) for finding, numbers in captions.of_one.items() for number in numbers] * copies
    return [_phrase_row(finding, number) for finding, number in said], [number for _, number in said]


def _phrase_row(finding: str, number: int) -> prepared.Example:
    return prepared.Example(f"phrase-{number}", "text", PHRASES, f"phrase-{number}", "", finding, "", "", "", "", "")


def _vectors(captions: Captions) -> dict[str, torch.Tensor]:
    return {"x": torch.from_numpy(captions.vectors).to(loop.device())}


def text_side(captions: Captions, tower: Tower, sides: dict[str, SplitEmbeddings], seed: int = 0) -> SplitEmbeddings:
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
    z = embed(tower, _vectors(captions), np.array(numbers))
    return SplitEmbeddings(
        z, many_hot(row.finding_set for row in rows), np.array([row.patient_id for row in rows]), rows
    )


def typed_side(captions: Captions, tower: Tower, each: int = 50, seed: int = 0) -> SplitEmbeddings:
    """Return what people may type: every finding `each` times, in its phrases and in words that nobody taught."""
    rng = np.random.default_rng(seed)
    said = {name: [*captions.of_one[name], *captions.unseen[name]] for name in captions.of_one}
    drawn = [(name, int(number)) for name, numbers in said.items() for number in rng.choice(numbers, each)]
    rows = [_phrase_row(name, number) for name, number in drawn]
    z = embed(tower, _vectors(captions), np.array([number for _, number in drawn]))
    return SplitEmbeddings(z, many_hot([name] for name, _ in drawn), np.array([row.patient_id for row in rows]), rows)


def embed_split(cache: Path, run: Path, splits: tuple[str, ...]) -> list[dict[str, SplitEmbeddings]]:
    """Return embeddings of all modalities for each split."""
    out: list[dict[str, SplitEmbeddings]] = [{} for _ in splits]
    for modality in EDGES:
        data, way = (training_data(modality, cache), load_tower(run / "bound" / f"{modality}.safetensors", modality))
        inputs = loop.tensors(data)
        for sides, split in zip(out, splits, strict=True):
            index = data.where(split)
            rows = [data.rows[i] for i in index]
            z = embed(way, inputs, index)
            sides[modality] = SplitEmbeddings(
                z, many_hot(r.finding_set for r in rows), np.array([r.patient_id for r in rows]), rows
            )
    captions, text = load_captions(cache), load_tower(run / "bound" / "text.safetensors", "text")
    for sides in out:
        sides["text"] = text_side(captions, text, sides)
    return out
