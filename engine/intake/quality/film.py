"""The film gate: size, colour and exposure first, then whether it is a frontal chest film at all.

The signal measures are cheap and explain themselves; the distance from the training films decides what they cannot
(photographs, screenshots, other body parts, animals, films upside down or shown as negatives).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.intake.quality.verdict import Measure, QualityVerdict, check_limit, limit, listed
from engine.study import Film, Study

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COARSE = 512  # pixels along the longer side that exposure is measured on
LEVELS = 64  # grey levels of the entropy
MAX_TURNED_DISTANCE = 1.5  # turned films lie within this multiple of the limit, other pictures mostly beyond
DISTANCE = "distance from chest films"
UPRIGHT = "likeness to upright films"

# index → (what the number says, its most likely cause in the picture)
SENTENCES: dict[str, tuple[str, str]] = {
    "shortest side": ("has a shortest side of {value}", "it is a thumbnail or a strip of a film"),
    "aspect ratio": (
        "is {value} as long as it is wide or high",
        "other pictures lie beside it, or it is a part of one",
    ),
    "colourfulness": ("has a colour spread of {value}", "films are grey, photographs and coloured drawings are not"),
    "clipped share": ("is pure black or white in {value} of its area", "its grey values were cut off in the export"),
    "contrast": ("uses {value} of the grey range", "it is empty, or was exported without its grey window"),
    "entropy": ("has an entropy of {value}", "it is no radiograph, or its grey values were lost in the export"),
    DISTANCE: (
        "has a distance of {value} from the frontal chest films known here",
        "it is not an upright frontal chest film, or shown as no film known here is",
    ),
    UPRIGHT: (
        "has a likeness of {value} to whole upright films",
        "it is turned, shown as a negative, or a part of a film",
    ),
}
TURNED: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "is shown as a negative": ("invert its greys", lambda grey: grey.max() - grey),
    "is upside down": ("turn it by 180°", lambda grey: grey[::-1, ::-1]),
    "lies on its side, turned to the left": ("turn it clockwise", lambda grey: np.rot90(grey, -1)),
    "lies on its side, turned to the right": ("turn it anticlockwise", lambda grey: np.rot90(grey)),
}


def exposure(film: Film) -> dict[str, float]:
    """Return clipped share, contrast and entropy of the film's grey values (0..1; entropy in bits of 64 levels)."""
    step = max(1, max(film.pixels.shape) // COARSE)
    stored = film.pixels[::step, ::step]
    counts = np.bincount(stored.ravel())  # of the few values that there are: far quicker than of every pixel
    values = np.flatnonzero(counts)
    counts, grey = counts[values], values.astype(np.float32) / float(2**film.bits - 1)
    shares = np.histogram(grey, bins=LEVELS, range=(0.0, 1.0), weights=counts)[0] / stored.size
    used = shares[shares > 0]
    low, high = (_quantile(grey, counts, share) for share in (0.01, 0.99))
    return {
        "clipped share": sum(float(counts[at].sum() / stored.size) for at in (grey <= 0.0, grey >= 1.0)),
        "contrast": high - low,
        "entropy": float(-(used * np.log2(used)).sum()) + 0.0,
    }


def _quantile(values: np.ndarray, counts: np.ndarray, share: float) -> float:
    """Return the quantile of values that occur so many times, as numpy.quantile does. values : (k,) rising."""
    until = np.cumsum(counts)
    at = share * (int(until[-1]) - 1)
    below, above = values[np.searchsorted(until, (math.floor(at), math.ceil(at)), side="right")].tolist()
    return float(below + (above - below) * (at - math.floor(at)))


def picture_values(film: Film, facts: Mapping[str, Any]) -> dict[str, float]:
    """Return everything that needs no encoder: size, shape, colour, exposure."""
    sides = film.pixels.shape
    return {
        "shortest side": float(min(sides)),
        "aspect ratio": max(sides) / max(1, min(sides)),
        "colourfulness": float(facts.get("colourfulness") or 0.0),
        **exposure(film),
    }


def _measure(name: str, value: float) -> Measure:
    says, cause = SENTENCES[name]
    return check_limit(limit("cxr", name), value, name=name, subject="The picture", says=says, cause=cause)


def judge_film(film: Film, facts: Mapping[str, Any], features: np.ndarray | None = None) -> QualityVerdict:
    """Judge one film. features : (768,) of engine.model.film_features, or None to have them computed."""
    measures = [_measure(name, value) for name, value in picture_values(film, facts).items()]
    distance, likeness = chest_values(film, features)
    far, upright = _measure(DISTANCE, distance), _measure(UPRIGHT, likeness)
    reasons = [measure.sentence for measure in measures if not measure.passed]
    failed = next((measure for measure in (far, upright) if not measure.passed), None)
    if failed is not None:
        reasons.insert(0, failed.sentence if reasons else _turned(film, far, failed))
    best, worst = 1.0, limit("cxr", DISTANCE).value
    score = float(np.clip((2.0 * worst - distance) / (2.0 * worst - best), 0.0, 1.0))
    return QualityVerdict(not reasons, score, listed(reasons), (far, upright, *measures))


def gate(study: Study, features: np.ndarray | None = None) -> QualityVerdict:
    """Judge the film of a study; see `judge_film`."""
    if not isinstance(study.content, Film):
        raise TypeError(f"a {study.modality} study holds no film")
    return judge_film(study.content, study.facts, features)


def chest_values(film: Film, features: np.ndarray | None = None) -> tuple[float, float]:
    """Distance of one film from the training films, about 1 for a typical film, and its likeness to upright ones."""
    from engine.intake.quality.film_space import load_space
    from engine.model.film_features import features as known_features

    known = (known_features(film) if features is None else np.asarray(features))[None]
    space = load_space()
    return float(space.distances(known)[0]), float(space.uprightness(known)[0])


def turned_likeness(film: Film) -> dict[str, float]:
    """Likeness of every turned copy of a film to upright ones, in one pass of the trunk; −∞ where it lies too far.

    Only refused films pay for this.
    """
    from engine.intake.quality.film_space import load_space
    from engine.model.film_features import turned_features

    copies = [replace(film, pixels=np.ascontiguousarray(turn(film.pixels))) for _, turn in TURNED.values()]
    features, space = turned_features(copies), load_space()
    near = space.distances(features) <= limit("cxr", DISTANCE).value
    return dict(zip(TURNED, np.where(near, space.uprightness(features), -np.inf).tolist(), strict=True))


def _turned(film: Film, far: Measure, failed: Measure) -> str:
    """Say how to turn the film where a turned copy would be accepted; otherwise the failed measure's own sentence."""
    if far.value > MAX_TURNED_DISTANCE * far.threshold:
        return far.sentence
    found = turned_likeness(film)
    says = max(found, key=lambda key: found[key])
    if not limit("cxr", UPRIGHT).allows(found[says]):
        return failed.sentence
    told, _, _ = failed.sentence.partition(":")
    return f"{told}, but looks upright as if it {says}: {TURNED[says][0]} and upload again."
