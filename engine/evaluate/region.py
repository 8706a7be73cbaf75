"""casebind evaluate region: what a search by a part of a film finds, beside a search by the whole film.

Queries are the NIH films of the split on which radiologists drew a box (Wang et al. 2017), one query per box. The
gallery is every other film of `train` and `valid` (choose on valid) or of all splits (report test); never the same
patient. A film is relevant when its labels hold the box's finding: text-mined labels of whole films, so a figure says
how much of what is in the box is asked for, not where it is found.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.datasets.open_recordings import Recording, recordings
from engine.errors import UsageError
from engine.evaluate.cache import cached_arrays, key
from engine.evaluate.views import encoder_digest
from engine.files import sha256_of
from engine.findings import findings, vocabulary
from engine.metrics.ranking import chance, precision_at, ranked_relevance
from engine.metrics.resampling import measured_mean
from engine.metrics.rows import Measurement, ResultRow, distinct
from engine.model import region
from engine.model.packing import distances
from engine.model.release import Release
from engine.model.trunk import lower_tokens
from engine.study import Box, Film, Study
from engine.training.data.captions import many_hot

FIRST = 10  # films looked at
DATASET = "nih-cxr14"
CONTEXTS = (0.0, region.CONTEXT, 1.0)
NOTES = (
    "Relevant is a film labelled with the box's finding; the labels of NIH films are text-mined and of the whole film.",
    "The films are stored here at 256 pixels, so a crop is coarser than one of an uploaded film would be.",
    "'same films' is the share of the first ten that the whole film finds as well: near 1, the box decides nothing.",
    "'gain' is the paired difference of P@10 to the whole film with the same code length, 95 % interval by patient.",
)
GALLERY = {"valid": ("train", "valid"), "test": ("train", "valid", "test")}


@dataclass(frozen=True)
class Boxed:
    """One box that a radiologist drew: the film, its patient, the box's finding."""

    film: Film
    patient: str
    finding: str
    box: Box


def boxes(path: Path, split: str) -> list[Boxed]:
    """Return the boxes of one split whose label means a finding and which are no slips of the hand."""
    return list(_boxes(path, split))


def _boxes(path: Path, split: str) -> Iterator[Boxed]:
    from PIL import Image

    with (path / "cxr" / "cxr.csv").open(newline="", encoding="utf-8") as handle:
        listed = [row for row in csv.DictReader(handle) if row.get("bboxes") and row["split"] == split]
    for row in listed:
        with Image.open(path / "cxr" / row["file"]) as image:
            film = Film(np.asarray(image.convert("L")), bits=8)
        for label, left, top, width, height in json.loads(row["bboxes"]):
            meant = findings([label])
            if meant and min(width, height) >= region.MIN_SIDE:
                box = region.checked((left, top, left + width, top + height))
                yield Boxed(film, row["patient_id"], min(meant), box)


def evaluate(release: Release, path: Path, split: str, cache: Path) -> Measurement:
    """Return a row per way of asking: the whole film, its tokens in the box, and crops with more or less context."""
    asked = boxes(path, split)
    if not asked:
        raise UsageError(f"No NIH film of {split} in {path} has a box in cxr.csv's column bboxes: there is no query.")
    films = [r for one in GALLERY[split] for r in recordings(path, one, "cxr") if r.dataset == DATASET]
    gallery = _embedded(release, path, films, split, cache)
    named = [one.patient for one in asked]
    allowed = np.array(named)[:, None] != np.array([r.patient_id for r in films])[None]
    relevant = _relevant(asked, films)
    ways = {name: np.stack([_embed(release, one, name) for one in asked]) for name in _names()}
    codes = release.codes(gallery, "cxr")
    near = {
        name: np.where(allowed, -distances(release.codes(z, "cxr"), codes, 256), -np.inf) for name, z in ways.items()
    }
    precise = {name: precision_at(ranked_relevance(one, relevant, allowed, FIRST), FIRST) for name, one in near.items()}
    same = {name: _overlap(one, near["whole film"]) for name, one in near.items()}
    luck = {f"P@{FIRST}": float(chance(relevant, allowed).mean())}
    rows = [
        _row(name, values, whole=precise["whole film"], same=same[name], patients=named, luck=luck)
        for name, values in precise.items()
    ]
    return Measurement("region", release.name, split, rows, NOTES)


def _names() -> list[str]:
    return ["whole film", "tokens", "pooled", *(f"crop, context {context:g}" for context in CONTEXTS)]


def _embed(release: Release, boxed: Boxed, method: str) -> np.ndarray:
    """Return the embedding (256,) of one box by one way of asking."""
    if method == "whole film":
        return release.embed([Study("cxr", boxed.film, "")])[0]
    if method in ("tokens", "pooled"):
        import torch

        with torch.no_grad():
            tokens = lower_tokens([boxed.film])
            return region.embed_region(release.module("cxr"), tokens, boxed.film, boxed.box, method)[0].numpy()
    return release.embed([Study("cxr", region.crop(boxed.film, boxed.box, float(method.split()[-1])), "")])[0]


def _embedded(release: Release, path: Path, films: list[Recording], split: str, cache: Path) -> np.ndarray:
    """Return the gallery's embeddings (n, 256), made once."""
    made_of = key("1", encoder_digest(release, "cxr"), sha256_of(path / "cxr" / "cxr.csv"), *GALLERY[split])
    file = cache / f"embedded-boxed-{split}-{made_of}.npz"
    return cached_arrays(file, lambda: {"z": release.embed([r.study() for r in films])})["z"]


def _relevant(queries: list[Boxed], films: list[Recording]) -> np.ndarray:
    held = many_hot(findings(r.labels) for r in films)
    order = {name: place for place, name in enumerate(vocabulary())}
    return held[:, [order[one.finding] for one in queries]].T


def _row(
    name: str, values: np.ndarray, *, whole: np.ndarray, same: np.ndarray, patients: list[str], luck: dict[str, float]
) -> ResultRow:
    """Return one way of asking beside the whole film."""
    gain = measured_mean(values - whole, patients)
    more = {"gain_p_at_10": gain.as_dict(), "gain": f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"}
    figures = {f"P@{FIRST}": measured_mean(values, patients), "same films": measured_mean(same, patients)}
    return ResultRow("box to film", name, figures, distinct(patients), luck, more)


def _overlap(method_scores: np.ndarray, whole_film_scores: np.ndarray) -> np.ndarray:
    """Return the share of the first films that the whole film finds too, per query (q,)."""
    first = [np.argsort(-scores, axis=1, kind="stable")[:, :FIRST] for scores in (method_scores, whole_film_scores)]
    return np.array([np.isin(a, b).mean() for a, b in zip(*first, strict=True)])


def draw(measurement: Measurement, folder: Path) -> list[Path]:
    """Draw the precision of every way of asking."""
    from engine.evaluate.plots import intervals

    return intervals(measurement, (f"P@{FIRST}",), folder)
