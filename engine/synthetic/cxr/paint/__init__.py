"""Findings painted on the anatomy of a chest film, with the region and the measurements of each.

lungs.py, outlines.toml, train_lungs.py   where the lungs are: a small network and what it learnt from
anatomy.py                                what follows from that: heart, hila, domes, angles, midline, millimetres
light.py, scene.py                        films as attenuation: how much a millimetre of water adds
warps.py, curves.py, trees.py             what moves; tubes and lines; branching vessels and bronchi
findings.toml, prior.py                   how findings are drawn: sides, severities, places, with sources
painter.py                                the findings of a film in order; one module a kind paints
regions.py, finding.py                    regions as polygons; findings, facts and regions
"""

from engine.synthetic.cxr.paint.anatomy import MIN_CONFIDENCE, Anatomy, find_anatomy, known_anatomy
from engine.synthetic.cxr.paint.finding import FilmFinding, Painted, PaintedFact, Region
from engine.synthetic.cxr.paint.painter import paint
from engine.synthetic.cxr.paint.prior import draw_finding, kinds, label_of

__all__ = [
    "MIN_CONFIDENCE",
    "Anatomy",
    "FilmFinding",
    "Painted",
    "PaintedFact",
    "Region",
    "draw_finding",
    "find_anatomy",
    "kinds",
    "known_anatomy",
    "label_of",
    "paint",
]
