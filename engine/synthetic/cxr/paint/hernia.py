"""Hiatal hernia: a part of the stomach behind the heart, with air above a level of fluid where the patient stands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.synthetic.cxr.paint import light
from engine.synthetic.cxr.paint.finding import FilmFinding, Stroke
from engine.synthetic.cxr.paint.prior import amount
from engine.synthetic.cxr.paint.scene import Scene

WALL_MM = 4.0


def paint_hernia(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Paint a hernia behind the heart."""
    anatomy, px = scene.anatomy, scene.anatomy.px
    size = amount("hiatal hernia", "size_mm", finding.severity, rng)
    low = anatomy.row_at(1.0)
    centre = np.array([low - px(size * 0.42), anatomy.midline[low] + px(rng.normal(6, 6))])
    rows, columns = np.indices(anatomy.shape, dtype=np.float32)
    away = np.hypot((rows - centre[0]) / px(size * 0.5), (columns - centre[1]) / px(size * 0.58))
    outer = np.sqrt(np.clip(1 - away**2, 0, None)) * size
    inner = np.sqrt(np.clip(1 - (away / (1 - 2 * WALL_MM / size)) ** 2, 0, None)) * (size - 2 * WALL_MM)
    level = centre[0] + px(size * rng.uniform(-0.12, 0.15))
    above = (rows < level) if not finding.supine else np.ones_like(rows, bool)
    air = inner * light.smooth(above.astype(np.float32), 0.6)
    water = light.smooth((0.42 * outer - 0.62 * air).astype(np.float32), 0.8)
    u = light.add_water(scene.u, water * scene.per_mm, scene.solid + 18 * scene.per_mm)
    has_level = "" if finding.supine else " with an air-fluid level"
    words = f"Retrocardiac opacity of {size:.0f} mm{has_level}: hiatal hernia."
    mask = away < 1
    return Stroke(u, mask, replace(finding, place="behind the heart"), words, {"size_mm": round(size)})
