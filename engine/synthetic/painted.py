"""An encounter's film: the person's chest, on which the findings of the encounter are painted as severe as they are.

Heart, aorta and depth of breath are drawn as the severities say. What was painted is measured and goes back into the
encounter, so that ECG, pulse and report follow from what the film shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import UsageError
from engine.reference import ReferenceFinding
from engine.synthetic.couplings import with_severity
from engine.synthetic.patients import Encounter
from engine.synthetic.prior import CLEAR, read_prior
from engine.synthetic.severity import BIG_HEART, Severity

if TYPE_CHECKING:
    from engine.synthetic.cxr.appearance import Appearance
    from engine.synthetic.cxr.film import ChestFilm
    from engine.synthetic.cxr.paint import FilmFinding, Painted, PaintedFact, Region

# Label → the kinds of finding that show it, with their shares: teaching mix.
KINDS: dict[str, tuple[tuple[str, float], ...]] = {
    "Pleural Effusion": (("pleural effusion", 1.0),),
    "Edema": (("pulmonary oedema", 1.0),),
    "Pneumothorax": (("pneumothorax", 1.0),),
    "Consolidation": (("consolidation", 1.0),),
    "Pneumonia": (("consolidation", 1.0),),
    "Lung Opacity": (("consolidation", 1.0),),
    "Lung Lesion": (("nodule", 0.5), ("mass", 0.35), ("cavity", 0.15)),
    "Atelectasis": (("plate atelectasis", 0.6), ("lobar atelectasis", 0.4)),
    "Emphysema": (("emphysema", 1.0),),
    "Fibrosis": (("fibrosis", 1.0),),
    "Hernia": (("hiatal hernia", 1.0),),
    "Fracture": (("rib fracture", 1.0),),
}
LESIONS, MUCH_ML = ("nodule", "mass", "cavity"), 1000.0  # fluid that hides what a whole consolidated lung would
USUAL = 1.4, 1.6  # beta distribution of severities that no severity of the encounter gives
MARKER = "side marker"  # on every film
CHEST = ("right lung", "left lung", "heart", "mediastinum")  # masks
WHITE = 255  # of a film of 8 bits
MODERATE = 0.56, 0.62  # cardiothoracic ratios from which a heart is moderately and markedly enlarged: teaching mix


@dataclass(frozen=True, eq=False)
class DrawnFilm:
    """A film and what is known of it.

    encounter  : with the severities that the film was measured to show
    pixels     : (h, w) uint8
    spacing_mm : of its pixels, both ways; None where nothing was painted
    findings   : what was painted
    """

    encounter: Encounter
    pixels: np.ndarray
    spacing_mm: float | None = None
    findings: tuple[ReferenceFinding, ...] = ()


def draw_film(
    encounter: Encounter, person: np.random.Generator, rng: np.random.Generator, look: Appearance | None = None
) -> DrawnFilm:
    """Return an encounter's film: the person's chest its heart and lungs as large as they are, with findings.

    person : always in the same state for the same person, whose body, kinds and places of findings stay. rng : of this
    film. look : of real films, the shipped one where none is given. UsageError where the encounter has no severities,
    or a label that cannot be painted.
    """
    from engine.synthetic.cxr import paint
    from engine.synthetic.cxr.appearance import load_appearance
    from engine.synthetic.cxr.base import draw_chest

    severity = encounter.severity
    if severity is None:
        raise UsageError("An encounter without severities has no film: draw patients with couplings on or off.")
    chest = draw_chest(encounter, person, rng)
    anatomy = paint.known_anatomy(chest.masks["right lung"], chest.masks["left lung"], chest.spacing)
    film = (look or load_appearance()).dress(chest.film, encounter.view, inside(chest))
    painted = paint.paint(film, anatomy, list(wanted(encounter, severity, person, rng)), rng)
    heart = [_heart(chest)] if BIG_HEART in encounter.film else []
    others = [
        one
        for region, fact in zip(painted.regions, painted.facts, strict=True)
        for one in _named(encounter, region, fact)
    ]
    pixels = np.clip(np.round(painted.film * WHITE), 0, WHITE).astype(np.uint8)
    shown = replace(encounter, severity=_measured(severity, chest, painted, encounter.view))
    return DrawnFilm(shown, pixels, round(chest.spacing, 4), (*heart, *others))


def as_shown(drawn: DrawnFilm, coupled: bool) -> Encounter:
    """Return the encounter that traces and report are drawn for: with what its film shows, where they are coupled."""
    one = drawn.encounter
    return with_severity(one, one.severity) if coupled and one.severity is not None else one


def wanted(
    encounter: Encounter, severity: Severity, person: np.random.Generator, rng: np.random.Generator
) -> Iterator[FilmFinding]:
    """Yield what is painted for the labels of an encounter's film, then lines and tubes, and the side marker.

    Kinds and places of findings stay with the person; a line or tube is of the film.

    UsageError where nothing can be painted for a label.
    """
    from engine.synthetic.cxr import paint

    asked: dict[str, None] = {}
    for label in encounter.film:
        if label not in (CLEAR, BIG_HEART):
            asked.setdefault(_kind(label, paint.kinds(), person))
    for kind in asked:
        for side, amount in amounts(kind, severity, rng):
            yield paint.draw_finding(kind, person, view=encounter.view, side=side, severity=amount)
    for kind, chance in read_prior(painted=True).tables["devices"][encounter.view].items():
        if rng.random() < chance:
            yield paint.draw_finding(kind, rng, view=encounter.view)
    if MARKER in paint.kinds():
        yield paint.draw_finding(MARKER, person, view=encounter.view)


def _kind(label: str, known: Sequence[str], person: np.random.Generator) -> str:
    shares = [(kind, share) for kind, share in KINDS.get(label, ()) if kind in known]
    if not shares:
        raise UsageError(f"No finding of the label {label} can be painted: leave it out in prior.toml.")
    weights = np.array([share for _, share in shares])
    return shares[int(person.choice(len(shares), p=weights / weights.sum()))][0]


def amounts(kind: str, severity: Severity, rng: np.random.Generator) -> list[tuple[str | None, float | None]]:
    """Return (side, 0..1 of the kind's range) of each of a kind to paint; None where it is to be drawn."""
    if kind == "pleural effusion":
        sides = (("right", severity.effusion_right_ml), ("left", severity.effusion_left_ml))
        return [(side, share_of(kind, "ml", ml)) for side, ml in sides if ml > 0]
    if kind == "pneumothorax":
        sides = (("right", severity.pneumothorax_right), ("left", severity.pneumothorax_left))
        return [(side, _within(share, "pneumothorax")) for side, share in sides if share > 0]
    if kind == "pulmonary oedema":
        return [(None, _within(severity.congestion, "congestion"))]
    if kind == "consolidation":
        return [(severity.consolidation_side or None, _within(severity.consolidation, "consolidation"))]
    if kind == "emphysema":
        return [(None, _within(severity.emphysema, "emphysema"))]
    return [(free_side(severity) if kind in LESIONS else None, float(rng.beta(*USUAL)))]


def free_side(severity: Severity) -> str | None:
    """Return the side on which fluid, air and consolidation hide least; None where there are none, to draw one."""
    right = severity.effusion_right_ml / MUCH_ML + severity.pneumothorax_right
    left = severity.effusion_left_ml / MUCH_ML + severity.pneumothorax_left
    right += severity.consolidation * (severity.consolidation_side == "right")
    left += severity.consolidation * (severity.consolidation_side == "left")
    return None if right == left else "left" if right > left else "right"


def share_of(kind: str, measure: str, value: float) -> float:
    """Return the severity 0..1 at which a kind measures a value: what engine.synthetic.cxr.paint's prior does, back."""
    from engine.synthetic.cxr.paint.prior import tables

    low, high, exponent = tables()[kind]["range"][measure]
    return float(np.clip((value - low) / (high - low), 0, 1) ** (1 / exponent))


def _within(value: float, name: str) -> float:
    """Return where in the range of all its rows a severity lies, 0..1."""
    from engine.synthetic.severity import severity_tables

    rows = severity_tables()["severity"][name]["rows"]
    low, high = min(row["range"][0] for row in rows if "labels" in row), max(row["range"][1] for row in rows)
    return float(np.clip((value - low) / (high - low), 0, 1))


def _named(encounter: Encounter, region: Region, fact: PaintedFact) -> Iterator[ReferenceFinding]:
    """Yield a painted finding under each label of the film that it shows, else under its own; a marker is none."""
    labels = [label for label in encounter.film if any(kind == fact.kind for kind, _ in KINDS.get(label, ()))]
    for label in filter(None, labels or [fact.label]):
        yield ReferenceFinding(
            label=label,
            kind=fact.kind,
            side=fact.side,
            place=fact.place,
            severity=fact.severity,
            polygons=tuple(tuple((_share(x), _share(y)) for x, y in one) for one in region.polygons if len(one) > 2),
            measured=tuple((name, float(value)) for name, value in fact.measured.items()),
            words=fact.words,
        )


def _share(value: float) -> float:
    return min(1.0, max(0.0, float(value)))


def _heart(chest: ChestFilm) -> ReferenceFinding:
    """Return the enlarged heart of a film, with its cardiothoracic ratio as a ruler reads it."""
    from engine.synthetic.cxr.paint.regions import polygons_of

    ratio = cardiothoracic_ratio(chest)
    size = "Mildly" if ratio < MODERATE[0] else "Moderately" if ratio < MODERATE[1] else "Markedly"
    outline = tuple(tuple((_share(x), _share(y)) for x, y in one) for one in polygons_of(chest.masks["heart"] > 0.5))
    words = f"{size} enlarged heart, cardiothoracic ratio {ratio:.2f}."
    return ReferenceFinding(BIG_HEART, "cardiomegaly", polygons=outline, measured=(("ctr", ratio),), words=words)


def cardiothoracic_ratio(chest: ChestFilm) -> float:
    """Return the width of the heart over the inner width of the chest, both at their widest (Danzer 1919)."""
    lungs = np.maximum(chest.masks["right lung"], chest.masks["left lung"])
    heart, inside = (np.flatnonzero((mask > 0.5).any(0)) for mask in (chest.masks["heart"], lungs))
    return round(float(np.ptp(heart) / np.ptp(inside)), 3)


def inside(chest: ChestFilm) -> np.ndarray:
    """Return 1 on lungs, heart and mediastinum of a film."""
    return np.maximum.reduce([chest.masks[name] for name in CHEST])


def _measured(severity: Severity, chest: ChestFilm, painted: Painted, view: str) -> Severity:
    """Return the severities with the heart and the fluid that the film shows; of an AP film the heart as it would be
    on a PA film stays.
    """
    fluid = {fact.side: fact.measured["ml"] for fact in painted.facts if fact.kind == "pleural effusion"}
    return replace(
        severity,
        cardiothoracic_ratio=cardiothoracic_ratio(chest) if view == "PA" else severity.cardiothoracic_ratio,
        effusion_left_ml=float(fluid.get("left", 0.0)),
        effusion_right_ml=float(fluid.get("right", 0.0)),
    )
