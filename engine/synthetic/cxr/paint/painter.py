"""Paint findings on a film, in the order in which bodies have them: volumes first, then opacities, then devices."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from engine.errors import UsageError
from engine.synthetic.cxr.paint import light
from engine.synthetic.cxr.paint.airspace import paint_emphysema, paint_fibrosis
from engine.synthetic.cxr.paint.anatomy import MIN_CONFIDENCE, Anatomy
from engine.synthetic.cxr.paint.atelectasis import paint_lobar, paint_plate
from engine.synthetic.cxr.paint.consolidation import paint_consolidation
from engine.synthetic.cxr.paint.devices import paint_central, paint_endotracheal, paint_gastric, paint_pacemaker
from engine.synthetic.cxr.paint.effusion import paint_effusion
from engine.synthetic.cxr.paint.finding import FilmFinding, Painted, PaintedFact, Region, Stroke
from engine.synthetic.cxr.paint.fracture import paint_fracture
from engine.synthetic.cxr.paint.heart import paint_cardiomegaly
from engine.synthetic.cxr.paint.hernia import paint_hernia
from engine.synthetic.cxr.paint.lesion import paint_cavity, paint_mass, paint_nodule
from engine.synthetic.cxr.paint.marker import paint_marker
from engine.synthetic.cxr.paint.oedema import paint_oedema
from engine.synthetic.cxr.paint.pneumothorax import paint_pneumothorax
from engine.synthetic.cxr.paint.prior import label_of
from engine.synthetic.cxr.paint.regions import polygons_of
from engine.synthetic.cxr.paint.scene import Scene

Painter = Callable[[Scene, FilmFinding, np.random.Generator], Stroke]
PAINTERS: dict[str, Painter] = {
    "emphysema": paint_emphysema,
    "fibrosis": paint_fibrosis,
    "cardiomegaly": paint_cardiomegaly,
    "hiatal hernia": paint_hernia,
    "lobar atelectasis": paint_lobar,
    "plate atelectasis": paint_plate,
    "pulmonary oedema": paint_oedema,
    "consolidation": paint_consolidation,
    "mass": paint_mass,
    "cavity": paint_cavity,
    "nodule": paint_nodule,
    "pneumothorax": paint_pneumothorax,
    "pleural effusion": paint_effusion,
    "rib fracture": paint_fracture,
    "central line": paint_central,
    "pacemaker": paint_pacemaker,
    "nasogastric tube": paint_gastric,
    "endotracheal tube": paint_endotracheal,
    "side marker": paint_marker,
}
ORDER = {kind: i for i, kind in enumerate(PAINTERS)}
GRAIN_LEFT = 0.75  # of the film's own grain that shows through what is opaque


def paint(film: np.ndarray, anatomy: Anatomy, findings: Sequence[FilmFinding], rng: np.random.Generator) -> Painted:
    """Return a film (h, w) in 0 … 1 with findings, their regions and facts; the same for the same rng.

    UsageError where the anatomy is not sure enough to paint on: draw another film.
    """
    if findings and anatomy.confidence < MIN_CONFIDENCE:
        raise UsageError("The lungs of this film cannot be outlined surely enough to paint on: draw another film.")
    scene, strokes = Scene(light.density(film), anatomy), list[tuple[Stroke, np.ndarray]]()
    for finding in sorted(findings, key=lambda one: ORDER[one.kind]):
        stroke = PAINTERS[finding.kind](scene, finding, rng)
        if stroke.moved is not None:
            strokes = [(old, light.moved(mask, stroke.moved) > 0.5) for old, mask in strokes]
            anatomy = anatomy.moved(stroke.moved)
        scene = Scene(_with_grain(scene.u, stroke), anatomy)
        strokes.append((stroke, stroke.mask))
    regions = tuple(_region(stroke.finding, mask) for stroke, mask in strokes)
    return Painted(light.grey(scene.u), regions, tuple(_fact(stroke) for stroke, _ in strokes))


def _with_grain(before: np.ndarray, stroke: Stroke) -> np.ndarray:
    """Return the painted density with GRAIN_LEFT of the grain that lay there, where painting smoothed it away."""
    old, new = (light.grain(u) for u in (before, stroke.density))
    there, left = (light.smooth(np.abs(g), 4) for g in (old, new))
    missing = np.clip(GRAIN_LEFT * there - left, 0, None) / np.maximum(there, 1e-6)
    grain = old if stroke.moved is None else light.moved(old, stroke.moved, order=0)
    return np.asarray(stroke.density + missing * grain, np.float32)


def _region(finding: FilmFinding, mask: np.ndarray) -> Region:
    return Region(label_of(finding.kind), finding.kind, finding.side, polygons_of(mask))


def _fact(stroke: Stroke) -> PaintedFact:
    one = stroke.finding
    label = label_of(one.kind)
    return PaintedFact(
        label, one.kind, one.side, one.place, round(one.severity, 3), stroke.words, dict(stroke.measured)
    )
