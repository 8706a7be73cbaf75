"""Pneumothorax: the lung leaves the chest wall, its pleura shows as a thin line, and nothing is drawn beyond it.

Upright, air gathers at the apex and along the side; where the patient lies it rises to the front and the base, and the
costophrenic angle deepens (deep sulcus: Gordon, Radiology 1980). Under tension the mediastinum moves away and the dome
sinks. Size is the distance from the apex to the pleural line (ACCP: from 30 mm large; BTS guideline, Thorax 2010).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from engine.synthetic.cxr.paint import light, warps
from engine.synthetic.cxr.paint.anatomy import Lung
from engine.synthetic.cxr.paint.finding import FilmFinding, Stroke
from engine.synthetic.cxr.paint.prior import amount
from engine.synthetic.cxr.paint.scene import Scene

AIRY = 0.2  # density of the upper, peripheral lung beside water
PLEURA_MM = 26.0  # of water along the beam that grazes the visceral pleura
LINE_MM = 0.9  # width at which the line has faded inwards
TENSION_FROM = 0.85  # severity


def paint_pneumothorax(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Paint a pneumothorax of one side."""
    if finding.supine and finding.severity < TENSION_FROM:
        return _supine(scene, finding, rng)
    depth = amount("pneumothorax", "depth_mm", finding.severity, rng)
    shift = amount("pneumothorax", "shift_mm", (finding.severity - TENSION_FROM) / (1 - TENSION_FROM), rng)
    shift = shift if finding.severity >= TENSION_FROM else 0.0
    bent = None
    if shift:
        bent = warps.shift_mediastinum(
            scene.anatomy, -scene.anatomy.lung(finding.side).outward * scene.anatomy.px(shift)
        )
        bent = warps.compose(bent, warps.lower_dome(scene.anatomy, finding.side, scene.anatomy.px(14)))
        scene = Scene(light.moved(scene.u, bent), scene.anatomy.moved(bent))
    lung = scene.anatomy.lung(finding.side)
    gap = _gap(scene, lung, depth, rng)
    u, air = _retract(scene, lung, gap)
    measured = {"depth_mm": round(depth)} | ({"shift_mm": round(shift)} if shift else {})
    words = f"{'Large' if depth >= 30 else 'Small'} {finding.side} pneumothorax, {depth:.0f} mm at the apex."
    if shift:
        words = f"{finding.side.capitalize()} tension pneumothorax with shift of the mediastinum to the other side."
    place = "tension" if shift else "apex"
    return Stroke(u, air, replace(finding, place=place), words, measured, bent)


def _gap(scene: Scene, lung: Lung, depth: float, rng: np.random.Generator) -> np.ndarray:
    """Return the distance (h, w) in mm between wall and pleura: most at the apex, less along the side, uneven."""
    height = np.clip(lung.height, 0, 1.1)
    side = 0.30 + 0.3 * np.clip((depth - 40) / 25, 0, 1)
    along = side + (1 - side) * np.exp(-((height / 0.42) ** 2))
    along *= np.clip((1.22 - height) / 0.45, 0.12, 1)
    wave = light.smooth(rng.standard_normal(scene.anatomy.shape).astype(np.float32), scene.anatomy.px(22))
    return np.asarray(depth * along * (1 + 0.10 * wave / wave.std()), np.float32)


def _retract(scene: Scene, lung: Lung, gap: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the density with a lung that has left the wall, and the mask of the air."""
    anatomy, inside = scene.anatomy, scene.soft(lung.mask, 0.8)
    to_line = (lung.from_wall * anatomy.mm_per_px - gap).astype(np.float32)  # mm, below 0 in the air
    to_line = ndimage.gaussian_filter(to_line, anatomy.px(1.2))
    air = 1 / (1 + np.exp(np.clip(to_line / 0.35, -30, 30)))
    air = light.smooth((air * (gap > 1)).astype(np.float32), 0.6)
    shell = scene.shell_path(lung, np.median(gap, 1, keepdims=True))
    lost = np.minimum(shell, 110.0) * AIRY
    bare = scene.u - 0.9 * scene.markings(2.4) * air
    dark = bare - scene.per_mm * inside * (lost * air + 0.25 * lost * (1 - air))
    lung_left = light.smooth(lung.mask * (1 - air), anatomy.px(3))
    packed = 11.0 * np.clip(gap / 30, 0, 1) * lung_left * np.exp(-np.clip(to_line, 0, None) / 40)
    pleura = np.exp(-np.clip(to_line, 0, None) / LINE_MM) / (1 + np.exp(np.clip(-to_line / 0.25, -30, 30)))
    strength = max(PLEURA_MM * scene.per_mm, 2.5 * scene.noise)
    line = light.smooth(pleura.astype(np.float32), 0.5) * strength * np.clip(gap / 4, 0, 1)
    drawn = dark + inside * (packed * scene.per_mm + line)
    return np.asarray(drawn, np.float32), (air > 0.5) & lung.mask


def _supine(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Paint free air in front of the base: lucent, with a deep and sharp costophrenic angle."""
    anatomy = scene.anatomy
    depth = amount("pneumothorax", "sulcus_mm", finding.severity, rng)
    bent = warps.deepen_angle(anatomy, finding.side, anatomy.px(depth))
    scene = Scene(light.moved(scene.u, bent), anatomy.moved(bent))
    lung = scene.anatomy.lung(finding.side)
    rise = warps.ramp(lung.height, 0.5, 0.8) * warps.ramp(lung.across, 0.05, 0.4)
    front = light.smooth((rise * lung.mask).astype(np.float32), scene.anatomy.px(5))
    lost = AIRY * (95 + 95 * finding.severity)
    u = scene.u - scene.per_mm * lost * front - 0.6 * scene.markings() * front
    words = f"Deep {finding.side} costophrenic sulcus and lucent base: {finding.side} pneumothorax (supine film)."
    measured = {"sulcus_mm": round(depth)}
    return Stroke(u, (front > 0.35) & lung.mask, replace(finding, place="base"), words, measured, bent)
