"""How large and how small a film may be, checked from its header before anything is decoded."""

from __future__ import annotations

from engine.errors import IntakeError

PIXEL_LIMIT = 100_000_000  # the largest detectors have some 20 million
MIN_SIDE = 64  # px; below, no lung field can be told from another


def check_pixels(width: int, height: int) -> None:
    """Raise IntakeError for an image outside the limits."""
    if min(width, height) < MIN_SIDE:
        raise IntakeError(
            f"The image has {width} × {height} px and a film needs at least {MIN_SIDE} px a side: export "
            "it at full size."
        )
    if width * height > PIXEL_LIMIT:
        raise IntakeError(
            f"The image has {width} × {height} px and the limit is {PIXEL_LIMIT // 1_000_000} million pixels: "
            "export it smaller."
        )
