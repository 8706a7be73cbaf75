"""What is not a sinus beat: ventricular and paced beats as a moving heart vector, and the waves of fibrillation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.synthetic.ecg.leads import DOWER, FS


@dataclass(frozen=True, eq=False)
class Ventricular:
    """One focus: Gaussian waves with centres and widths in s after R and vectors (waves, 3) in mV, Frank's axes."""

    centres: np.ndarray
    widths: np.ndarray
    vectors: np.ndarray

    def waveform(self, t: np.ndarray) -> np.ndarray:
        """Return the beat at times t (n,) s after its R peak: (8, n) mV."""
        waves = np.exp(-0.5 * ((t[None] - self.centres[:, None]) / self.widths[:, None]) ** 2)
        return DOWER @ self.vectors.T @ waves


def draw_focus(rng: np.random.Generator) -> Ventricular:
    """Return a focus: QRS of 140–180 ms that runs away from the side it starts on, ST and T against it.

    Two thirds begin on the right side (like left bundle branch block), mostly from above (outflow tract); the rest on
    the left (like right bundle branch block). Shapes as textbooks describe them; not fitted. Size as the premature
    beats of `train`: QRS and T taller than those of the sinus beats beside them.
    """
    right = rng.random() < 2 / 3
    left_going = rng.uniform(0.5, 1.0) if right else rng.uniform(-0.9, -0.3)
    down = rng.uniform(0.3, 1.2) if rng.random() < 0.65 else rng.uniform(-1.0, -0.3)
    back = rng.uniform(0.6, 1.2) if right else rng.uniform(-1.1, -0.5)
    main = np.array([left_going, down, back])
    main *= rng.uniform(1.3, 2.0) / np.linalg.norm(main)
    return wide_beat(main, rng)


def draw_escape(rng: np.random.Generator, rate_bpm: float) -> Ventricular:
    """Return the beat of a ventricular escape rhythm: wider than a premature one, T later, as QT is long when slow."""
    left_going = rng.choice([-0.8, 0.8]) * rng.uniform(0.7, 1.2)
    main = np.array([left_going, rng.uniform(-0.9, 0.5), np.sign(left_going) * rng.uniform(0.5, 1.0)])
    main *= rng.uniform(1.1, 1.5) / np.linalg.norm(main)
    return wide_beat(main, rng, t_stretch=float(np.clip((60.0 / rate_bpm) ** (1 / 3), 1.0, 1.35)))


def draw_capture(rng: np.random.Generator) -> Ventricular:
    """Return a beat paced from the apex of the right ventricle: like left bundle branch block, with a superior axis.

    Barold et al., Circulation 1969, for axis and pattern; 150 to 180 ms wide.
    """
    main = np.array([rng.uniform(0.45, 0.75), rng.uniform(-1.0, -0.7), rng.uniform(0.7, 1.0)])
    main *= rng.uniform(1.2, 1.7) / np.linalg.norm(main)
    return wide_beat(main, rng, t_stretch=1.15)


def wide_beat(main: np.ndarray, rng: np.random.Generator, t_stretch: float = 1.0) -> Ventricular:
    """Return a wide beat about a main vector (3,) in mV; `t_stretch` puts ST and T later."""
    start = 0.35 * main + 0.18 * rng.standard_normal(3)
    late = 0.60 * main + 0.22 * rng.standard_normal(3)
    stretch = rng.uniform(0.95, 1.25)
    strength = rng.uniform(0.32, 0.48)
    return Ventricular(
        np.array([-0.046, 0.0, 0.046, 0.175 * t_stretch, 0.265 * t_stretch]) * stretch,
        np.array([0.013, 0.019, 0.017, 0.060 * t_stretch, 0.050 * t_stretch]) * stretch,
        np.stack([start, main, late, -0.5 * strength * main, -strength * main]),
    )


@dataclass(frozen=True, eq=False)
class Spikes:
    """What a pacemaker writes: vectors (3,) of its atrial and ventricular spikes in mV, and the tail after them."""

    atrial: np.ndarray
    ventricular: np.ndarray
    tail: float

    def waveform(self, atrial_s: np.ndarray, ventricular_s: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return (8, n) mV of spikes at these times; one falls between two samples of t (n,) in parts."""
        course = np.stack([self._course(atrial_s, t), self._course(ventricular_s, t)])
        return DOWER @ np.stack([self.atrial, self.ventricular], axis=1) @ course

    def _course(self, times: np.ndarray, t: np.ndarray) -> np.ndarray:
        out = np.zeros(t.size)
        for at in times[(times > t[0]) & (times < t[-2])]:
            first = int((at - t[0]) * FS)
            share = (at - t[first]) * FS
            out[first : first + 2] += [1 - share, share]
            after = t - t[min(first + 2, t.size - 1)]
            out -= self.tail * np.where((after >= 0) & (after < 0.05), np.exp(-np.maximum(after, 0.0) / 0.008), 0.0)
        return out


def draw_spikes(kind: str, rng: np.random.Generator) -> Spikes:
    """Return the spikes of unipolar leads (tall, towards the device in the upper left chest) or bipolar ones (small).

    0.4 to 1 ms long, so that one sample at 500 Hz holds one: a cart draws it higher or lower from beat to beat.
    """
    towards = np.array([0.35, -0.9, -0.2]) + 0.1 * rng.standard_normal(3)
    size = rng.uniform(0.9, 1.7) if kind == "unipolar" else rng.uniform(0.35, 0.6)
    return Spikes(0.45 * size * towards, size * towards, 0.12 if kind == "unipolar" else 0.04)


def f_waves(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return (8, n) mV of fibrillatory waves: a sawtooth of 4–9 Hz whose rate and size wander, largest in V1.

    The model of Stridh & Sörnmo, IEEE TBME 48:105, 2001 (eq. 1–3: sawtooth by harmonics, modulated rate and amplitude);
    sized so that 4–9 Hz between beats are as strong against the QRS as in the `train` recordings of fibrillation.
    """
    t = np.arange(n) / FS
    base = np.clip(rng.normal(6.2, 0.9), 4.2, 8.8)
    sizes = {"V1": np.exp(rng.normal(np.log(0.045), 0.38))}
    shares = np.array([0.35, 0.50, 1.0, 0.75, 0.45, 0.30, 0.25, 0.22]) * np.exp(0.2 * rng.standard_normal(8))
    out = np.zeros((8, n))
    for part, weight in ((0, 0.85), (1, 0.5)):  # two circuits that drift apart, so that leads do not run in step
        drift = np.cumsum(rng.standard_normal(n)) / np.sqrt(FS) * 1.1
        phase = 2 * np.pi * (base + 0.5 * part) * t + drift + 0.3 * np.sin(2 * np.pi * 0.2 * t)
        wave = sum(np.sin(k * phase) / k for k in (1, 2, 3))
        swell = 1 + 0.35 * np.sin(2 * np.pi * rng.uniform(0.1, 0.5) * t + rng.uniform(0, 6.28))
        sign = np.sign(rng.standard_normal(8)) if part else np.array([1, 1, 1, 1, 1, 1, 1, 1.0])
        out += weight * np.outer(shares * sign * (rng.uniform(0.4, 1.0, 8) if part else 1.0), wave * swell)
    return sizes["V1"] * out
