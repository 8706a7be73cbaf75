"""A person's chest as numbers, and how a film of it was taken: what the renderer draws from.

Lengths are millimetres at the detector. Sizes follow textbook ranges for adults: a cardiothoracic ratio below 0.5 on PA
films, the right dome at the ninth or tenth posterior rib in full inspiration and the left one to two centimetres lower
(Felson's Principles of Chest Roentgenology); bodies widen and spines shorten and bend with age. What is not published
is a teaching mix, chosen so that average films resemble the average of open `train` films.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

RIBS = 12
# half width and half depth of the rib hoops, of the widest; levels count from the first rib's joint with the spine
HOOP_WIDTH = np.array([0.43, 0.66, 0.80, 0.885, 0.94, 0.975, 0.995, 1.0, 1.0, 0.98, 0.93, 0.78])
HOOP_DEPTH = np.array([0.40, 0.58, 0.74, 0.86, 0.94, 1.0, 1.0, 1.0, 0.96, 0.88, 0.76, 0.55])
HOOP_END = np.array([140, 146, 148, 150, 150, 148, 144, 138, 130, 122, 92, 62.0])  # degrees from the spine forwards
SLOPE = 0.13  # fall of a rib to the side, per mm of width
JOINT = 21.0  # from the midline to where a rib meets its vertebra


@dataclass(frozen=True)
class ChestBody:
    """What stays from film to film of one person.

    half_width, half_depth : of the rib cage inside, at its widest
    level     : from one thoracic vertebra to the next, at the middle of the spine
    tilt      : fall of a rib from back to front, per mm of depth
    fat       : soft tissue outside the ribs at the sides
    depth     : of the trunk from front to back
    breasts   : depth of each breast, 0 for none
    ratio     : cardiothoracic ratio on a PA film in full inspiration
    bone      : density of bone, 1 in a young adult
    vessel    : size of pulmonary vessels
    seed      : of the small things: ribs' irregularities, vessels, calcified cartilage
    """

    age: float
    sex: str
    half_width: float
    half_depth: float
    level: float
    tilt: float
    fat: float
    depth: float
    breasts: float
    ratio: float
    bone: float
    vessel: float
    unfolding: float
    bend: float
    knob: float
    shoulders: float
    seed: int


@dataclass(frozen=True)
class Pose:
    """How one film was taken.

    ap : from the front, lying or sitting · inspiration : the rib that the right dome stands at · turn : degrees about
    the long axis, positive with the left side forward · lean : degrees in the plane of the film · top : of the first
    rib on the film · field : side of the film · heart : magnification of the heart
    """

    ap: bool
    inspiration: float
    turn: float
    lean: float
    top: float
    shift: float
    field: float
    heart: float
    arms: float
    tilt: float
    supine: bool
    seed: int = 0


@dataclass(frozen=True)
class FilmLandmarks:
    """Where the landmarks of one film are, in mm on the film; `side` is −1 for the patient's right, 1 for the left."""

    body: ChestBody
    pose: Pose
    levels: np.ndarray = field(repr=False)  # (RIBS,) y of each rib's joint
    domes: dict[int, float] = field(repr=False)  # y of each dome's top

    def middle(self, y: float | np.ndarray) -> np.ndarray:
        """Return x of the spine's midline at y: it leans, and bends a little."""
        off = (np.asarray(y, float) - self.levels[5]) / 100
        return self.pose.shift + np.tan(np.deg2rad(self.pose.lean)) * 100 * off + self.body.bend * (off**2 - 0.5)

    @property
    def slip(self) -> float:
        """Return how far structures at the front move to the patient's left by rotation, mm per mm of depth."""
        return float(np.sin(np.deg2rad(self.pose.turn)))

    @property
    def carina(self) -> float:
        """Return y of the carina: the disc below the fifth vertebra, about."""
        return float(self.levels[4] + 0.55 * self.body.level)

    @property
    def half_width(self) -> float:
        """Return half the inner width of the thorax at its widest, as on this film."""
        return self.body.half_width * float(np.cos(np.deg2rad(self.pose.turn)))

    def along_beam(self, rib: int, degrees: np.ndarray) -> np.ndarray:
        """Return how much longer a ray's path through a rib is than across it, (n,): the beam runs along its sides."""
        angle, body = np.deg2rad(degrees), self.body
        across = body.half_width * HOOP_WIDTH[rib] * np.cos(angle)
        deep = body.half_depth * HOOP_DEPTH[rib] * np.sin(angle)
        seen = np.hypot(across, self.pose.tilt * deep)
        return np.asarray(np.hypot(seen, deep) / seen)

    def hoop(self, rib: int, side: int, degrees: np.ndarray) -> np.ndarray:
        """Return points (n, 2) of a rib at angles from the spine (0) over the side (90) to the front (180)."""
        body, angle = self.body, np.deg2rad(degrees)
        depth = body.half_depth * HOOP_DEPTH[rib]
        wide = body.half_width * HOOP_WIDTH[rib] - JOINT * 0.5
        forward = depth * (1 - np.cos(angle))
        y = self.levels[rib] + self.pose.tilt * forward + SLOPE * wide * np.sin(angle)
        start = JOINT * (0.5 + 0.5 * np.cos(np.minimum(2 * angle, np.pi))) * 0.5 + JOINT * 0.5
        x = start + wide * np.sign(angle) * np.abs(np.sin(angle)) ** 0.9
        turned = side * x + self.slip * (forward - depth)
        return np.stack([self.middle(y) + turned, y], 1)


def draw_body(age: float, sex: str, rng: np.random.Generator) -> ChestBody:
    """Return a person of this age in years and sex, "M" or "F"."""
    man, old = sex == "M", (age - 50) / 20
    habitus = float(np.clip(rng.normal(0.1, 1.0) + 0.15 * old, -1.9, 2.6))  # asthenic below, heavy above
    size = rng.normal(0, 1)
    slender = -0.35 * habitus + 0.3 * rng.normal()
    return ChestBody(
        age=age,
        sex=sex,
        half_width=(146 if man else 130) + 4.5 * size + 4.5 * habitus,
        half_depth=(88 if man else 79) + 3 * size + 5 * habitus + 3 * old,
        level=(26.6 if man else 24.8) + 0.6 * size + 0.55 * slender - 0.35 * max(old, 0),
        tilt=float(np.clip(0.53 + 0.07 * slender + 0.03 * old + 0.04 * rng.normal(), 0.32, 0.74)),
        fat=float(np.clip(34 + 14 * habitus + 5 * rng.normal(), 10, 84)),
        depth=float(np.clip((215 if man else 200) + 20 * habitus + 6 * size, 165, 300)),
        breasts=0.0 if man else float(np.clip(17 + 9 * habitus + 6 * rng.normal(), 3, 44)),
        ratio=float(np.clip(0.435 + 0.014 * old + 0.017 * habitus + 0.022 * rng.normal(), 0.36, 0.495)),
        bone=float(np.clip(1.0 - 0.12 * max(old, -1) + 0.10 * rng.normal() + (0.06 if man else -0.04), 0.55, 1.3)),
        vessel=float(np.clip(rng.normal(1.0, 0.1), 0.8, 1.25)),
        unfolding=float(np.clip(0.5 + 0.45 * old + 0.25 * rng.normal(), 0, 1.7)),
        bend=float(rng.normal(0, 2.0 + 1.2 * max(old, 0))),
        knob=float(np.clip(13.5 + 2.2 * old + 1.4 * rng.normal(), 10, 21)),
        shoulders=float((198 if man else 178) + 5 * size + 3 * habitus + 3 * rng.normal()),
        seed=int(rng.integers(2**31)),
    )


def draw_pose(body: ChestBody, view: str, rng: np.random.Generator) -> Pose:
    """Return how a film of this body is taken: PA standing, or AP sitting or lying."""
    ap = view == "AP"
    supine = ap and bool(rng.random() < 0.5)
    enlarged = 1.09 if ap else 1.0
    return Pose(
        ap=ap,
        inspiration=float(np.clip(rng.normal(8.6 if ap else 9.75, 0.55), 7.4, 10.8)),
        turn=float(np.clip(rng.normal(0, 4.5 if ap else 2.0), -10, 10)),
        lean=float(np.clip(rng.normal(0, 2.6 if ap else 1.0), -6, 6)),
        top=float(np.clip(rng.normal(70 if ap else 60, 14 if ap else 9), 30, 105)),
        shift=float(np.clip(rng.normal(0, 11 if ap else 6), -22, 22)),
        field=float(body.half_width * rng.normal(2.86 if ap else 2.74, 0.17)),
        heart=float(enlarged * rng.normal(1.0, 0.015)),
        arms=float(np.clip(rng.normal(0.3 if ap else 0.75, 0.2), 0, 1)),
        tilt=body.tilt * float(rng.normal(0.92 if ap else 1.0, 0.06)),
        supine=supine,
        seed=int(rng.integers(2**31)),
    )


def frame_of(body: ChestBody, pose: Pose) -> FilmLandmarks:
    """Return the landmarks of a body on a film."""
    steps = body.level * np.linspace(0.84, 1.14, RIBS - 1)
    levels = pose.top + np.concatenate([[0.0], np.cumsum(steps)])
    right = float(np.interp(pose.inspiration - 1, np.arange(RIBS), levels))
    apart = np.random.default_rng([body.seed, 1]).normal(12, 6)
    return FilmLandmarks(body, pose, levels, {-1: right, 1: right + float(np.clip(apart, -2, 26))})
