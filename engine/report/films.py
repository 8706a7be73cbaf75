"""How large a film is at the detector, and what a millimetre of its print stands for."""

from __future__ import annotations

from engine.strings import text
from engine.study import Film


def size_mm(film: Film) -> tuple[float, float] | None:
    """Return (height, width) at the detector in mm, or None where the file does not say."""
    if film.spacing_mm is None:
        return None
    rows, columns = film.pixels.shape[:2]
    return rows * film.spacing_mm[0], columns * film.spacing_mm[1]


def statement(film: Film, printed_mm: float) -> str:
    """Say what a millimetre of the print is at the detector; `printed_mm` is the printed width."""
    measured = size_mm(film)
    rows, columns = film.pixels.shape[:2]
    if measured is None:
        return text("report.film_unknown", width=columns, height=rows)
    return text(
        "report.film_scale",
        width=columns,
        height=rows,
        scale=f"{measured[1] / printed_mm:.2f}",
        mm_width=f"{measured[1]:.0f}",
        mm_height=f"{measured[0]:.0f}",
    )
