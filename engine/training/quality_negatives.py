"""What the gate must refuse, built from a seed: test signals for traces, pictures that are no chest films.

Only the fitting command and the tests use this module.
"""

from __future__ import annotations

import numpy as np
from scipy import signal

PULSE_LIKE_HZ = (0.5, 1.0, 1.2, 2.0, 3.0)


def trace_negatives(fs: float, duration_s: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return name → (n,) signals without any heartbeat, amplitude about 1."""
    n = round(fs * duration_s)
    t = np.arange(n) / fs
    made = {
        "zeros": np.zeros(n),
        "flat line": np.full(n, 0.37),
        "flat line with rounding": np.full(n, 0.37) + 1e-9 * rng.normal(size=n),
        "one step": (t > duration_s / 2).astype(float),
        "white noise": rng.normal(size=n),
        "random walk": np.cumsum(rng.normal(size=n)),
        "drift": t / duration_s,
        "hum 50 Hz": np.sin(2 * np.pi * 50.0 * t + 0.3),
        "hum 60 Hz": np.sin(2 * np.pi * 60.0 * t + 0.3),
        "hum 49.9 Hz with noise": np.sin(2 * np.pi * 49.9 * t) + 0.05 * rng.normal(size=n),
    }
    for top_hz in (15.0, 8.0, 3.0):
        if top_hz < 0.45 * fs:
            sos = signal.butter(4, top_hz, fs=fs, output="sos")
            made[f"noise below {top_hz:g} Hz"] = signal.sosfiltfilt(sos, rng.normal(size=n))
    for hz in PULSE_LIKE_HZ:
        waves = {
            "sawtooth": signal.sawtooth(2 * np.pi * hz * t),
            "falling sawtooth": signal.sawtooth(2 * np.pi * hz * t, 0.0),
            "triangle": signal.sawtooth(2 * np.pi * hz * t, 0.5),
            "sine": np.sin(2 * np.pi * hz * t),
            "square wave": signal.square(2 * np.pi * hz * t),
        }
        for name, wave in waves.items():
            made[f"{name} {hz:g} Hz"] = wave
            made[f"{name} {hz:g} Hz with noise"] = wave + 0.05 * rng.normal(size=n)
    return made


SIDE = 512  # pixels of the made pictures


def _to_bytes(picture: np.ndarray) -> np.ndarray:
    """Scale any picture to 0..255 uint8."""
    low, high = float(picture.min()), float(picture.max())
    return np.clip(255.0 * (picture - low) / max(high - low, 1e-9), 0, 255).astype(np.uint8)


def _coloured_noise(rng: np.random.Generator, slope: float) -> np.ndarray:
    """Noise whose amplitude falls as 1 / f**slope, like natural textures and clouds. → (SIDE, SIDE)."""
    freq = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None])
    freq[0, 0] = 1.0
    phase = np.exp(2j * np.pi * rng.random(freq.shape))
    return np.fft.irfft2(phase / freq**slope, s=(SIDE, SIDE))


def _text_screenshot(rng: np.random.Generator, dark: bool) -> np.ndarray:
    """A page of random words. → (SIDE, SIDE) uint8."""
    from PIL import Image, ImageDraw, ImageFont

    page = Image.new("L", (SIDE, SIDE), 20 if dark else 255)
    draw, size = ImageDraw.Draw(page), int(rng.integers(10, 22))
    font = ImageFont.load_default(size)
    for top in range(10, SIDE - size, int(1.5 * size)):
        words = ("".join(chr(int(rng.integers(97, 123))) for _ in range(rng.integers(2, 10))) for _ in range(12))
        draw.text((12, top), " ".join(words), fill=230 if dark else 0, font=font)
    return np.asarray(page)


def _shapes(rng: np.random.Generator) -> np.ndarray:
    """A drawing of filled ellipses, boxes and lines. → (SIDE, SIDE) uint8."""
    from PIL import Image, ImageDraw

    page = Image.new("L", (SIDE, SIDE), int(rng.integers(0, 256)))
    draw = ImageDraw.Draw(page)
    for _ in range(int(rng.integers(4, 25))):
        x, y = sorted(rng.integers(0, SIDE, 2).tolist()), sorted(rng.integers(0, SIDE, 2).tolist())
        box, grey = (x[0], y[0], x[1] + 1, y[1] + 1), int(rng.integers(0, 256))
        (draw.ellipse, draw.rectangle)[int(rng.integers(0, 2))](box, fill=grey, outline=int(rng.integers(0, 256)))
    return np.asarray(page)


def _plotted_trace(rng: np.random.Generator) -> np.ndarray:
    """A photographed trace on paper: a noisy line on a grid. → (SIDE, SIDE) uint8."""
    page = np.full((SIDE, SIDE), 255.0)
    page[::16], page[:, ::16] = 200, 200
    rows = (SIDE / 2 + 60 * np.sin(np.arange(SIDE) / 9) ** 15 + 8 * rng.normal(size=SIDE)).astype(int)
    for thick in range(3):
        page[np.clip(rows + thick, 0, SIDE - 1), np.arange(SIDE)] = 0
    return page.astype(np.uint8)


def picture_negatives(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return name → (SIDE, SIDE) uint8 pictures that are no chest films."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    radius = np.hypot(x - 0.5, y - 0.5)
    return {
        "black frame": np.zeros((SIDE, SIDE), np.uint8),
        "white frame": np.full((SIDE, SIDE), 255, np.uint8),
        "grey frame": np.full((SIDE, SIDE), 117, np.uint8),
        "gradient": _to_bytes(np.cos(rng.random() * 6) * x + np.sin(rng.random() * 6) * y),
        "round gradient": _to_bytes(-radius),
        "stripes": _to_bytes(np.sin(2 * np.pi * rng.integers(2, 40) * x)),
        "checkerboard": _to_bytes(((16 * x).astype(int) + (16 * y).astype(int)) % 2),
        "white noise": rng.integers(0, 256, (SIDE, SIDE)).astype(np.uint8),
        "pink texture": _to_bytes(_coloured_noise(rng, 1.0)),
        "cloud texture": _to_bytes(_coloured_noise(rng, 1.7)),
        "soft clouds": _to_bytes(_coloured_noise(rng, 2.5)),
        "text screenshot": _text_screenshot(rng, dark=False),
        "dark text screenshot": _text_screenshot(rng, dark=True),
        "drawing": _shapes(rng),
        "plotted trace": _plotted_trace(rng),
    }


def turned_films(film: np.ndarray) -> dict[str, np.ndarray]:
    """Return name → the film upside down, on its side, as a negative, and pieces of it. film : (h, w) uint8."""
    h, w = film.shape
    return {
        "upside down": film[::-1],
        "turned by 180°": film[::-1, ::-1],
        "on its side": np.rot90(film),
        "negative": 255 - film,
        "quarter of a film": film[: h // 2, : w // 2],
        "centre of a film": film[h // 3 : 2 * h // 3, w // 3 : 2 * w // 3],
    }
