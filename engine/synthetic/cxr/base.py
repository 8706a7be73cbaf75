"""Films without findings for encounters: the person's body, as it stood for each film."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.synthetic.cxr.body import ChestBody, Pose, draw_body, draw_pose
from engine.synthetic.cxr.film import ChestFilm, render
from engine.synthetic.patients import Encounter
from engine.synthetic.severity import Severity

VERSION = "anatomy-4"  # goes up when the same generators draw other films
USUAL_HEIGHT, RIBS_PER_HEIGHT = 0.5, 4.2  # severity.toml's usual height of lungs; ribs from low to hyperinflated lungs
USUAL_RIB_PA, USUAL_RIB_AP, RIBS = 9.75, 8.6, (7.4, 10.8)  # posterior rib that the right dome stands at: draw_pose
BREATH_LEFT = 0.3  # of what breath differs from film to film beside that
# Of the long axis of the heart to the horizontal; slender chests hold steep ones.
USUAL_ANGLE_DEG, ANGLE_SPREAD_DEG = 42.0, 8.0
LEAST_FAT = 10.0  # mm
LARGEST_PA, LARGEST_AP = 0.68, 0.58  # cardiothoracic ratio of the body; an AP film shows it a sixth larger


def draw_chest(encounter: Encounter, person: np.random.Generator, rng: np.random.Generator) -> ChestFilm:
    """Return an encounter's film without findings; a person's films show one body, as it ages.

    Where severities are drawn, heart, aorta and depth of breath are as they say.
    person : always in the same state for the same person. rng : of this film.
    """
    body = draw_body(encounter.age, encounter.sex, person)
    pose = draw_pose(body, encounter.view, rng)
    if encounter.severity is not None:
        body, pose = _as_severe(body, pose, encounter.severity)
    return render(body, pose)


def _as_severe(body: ChestBody, pose: Pose, severity: Severity) -> tuple[ChestBody, Pose]:
    """Return the body with heart and aorta, and the pose with its breath, as the severities say.

    A steep heart stands in a long and narrow chest, one that lies flat in a short and wide one (severity.toml).
    """
    largest, usual = (LARGEST_AP, USUAL_RIB_AP) if pose.ap else (LARGEST_PA, USUAL_RIB_PA)
    deeper = RIBS_PER_HEIGHT * (severity.lung_height - USUAL_HEIGHT)
    breath = usual + deeper + BREATH_LEFT * (pose.inspiration - usual)
    ratio, knob = min(severity.cardiothoracic_ratio, largest), severity.aortic_knob_mm / 2
    steep = (severity.heart_angle_deg - USUAL_ANGLE_DEG) / ANGLE_SPREAD_DEG
    slender = replace(
        body,
        ratio=ratio,
        knob=knob,
        half_width=body.half_width - 4.0 * steep,
        level=body.level + 0.6 * steep,
        tilt=body.tilt + 0.05 * steep,
        fat=max(LEAST_FAT, body.fat - 10.0 * steep),
    )
    return slender, replace(pose, inspiration=float(np.clip(breath, *RIBS)))
