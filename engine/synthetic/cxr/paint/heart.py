"""Cardiomegaly: the silhouette widened to a drawn cardiothoracic ratio, the left border more than the right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.synthetic.cxr.paint import light, warps
from engine.synthetic.cxr.paint.finding import FilmFinding, Stroke
from engine.synthetic.cxr.paint.prior import amount
from engine.synthetic.cxr.paint.scene import Scene

RIGHT_SHARE = 0.55  # of what the left border grows by, the right one does
LEAST_GROWTH, MOST_GROWTH = 0.03, 0.17  # of the ratio: less is not seen, more tears the lungs
DEEPER_MM = 30.0  # of heart along the beam, where its width grows by half


def paint_cardiomegaly(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Widen the heart."""
    anatomy = scene.anatomy
    drawn = amount("cardiomegaly", "ctr", finding.severity, rng)
    wanted = float(np.clip(drawn, anatomy.ctr + LEAST_GROWTH, anatomy.ctr + MOST_GROWTH))
    right, (a, b) = RIGHT_SHARE * rng.uniform(0.6, 1.3), anatomy.chest_extent
    low, high = 0.0, 1.2
    for _ in range(7):
        growth = (low + high) / 2
        rises = warps.heart_rises(anatomy, right * growth, growth)
        width = warps.heart_width(anatomy, rises)
        low, high = (growth, high) if width < wanted * (b - a) else (low, growth)
    bent = warps.widen_heart(anatomy, rises)
    u, heart = light.moved(scene.u, bent), light.moved(anatomy.heart, bent) > 0.5
    deeper = light.smooth(heart.astype(np.float32), anatomy.px(14)) * scene.soft(heart, 1.5)
    u = light.add_water(u, deeper * DEEPER_MM * 2 * growth * scene.per_mm, scene.solid + 8 * scene.per_mm)
    ctr = round(width / (b - a), 2)
    size = "Mildly" if ctr < 0.56 else "Moderately" if ctr < 0.62 else "Markedly"
    words = f"{size} enlarged heart, cardiothoracic ratio {ctr:.2f}."
    return Stroke(u, heart, replace(finding, place="heart"), words, {"ctr": ctr}, bent)
