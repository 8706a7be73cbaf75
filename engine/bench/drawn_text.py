"""Films with a name, a date or a number drawn on them, to measure whether burned-in text is found.

The words are invented. Sizes are of the font, in pixels of a film of SIDE_PX on its shorter side, on which capitals are
about 0.73 as high; contrast is the distance, of 255 greys, between the letters and the mean of what lies under them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from engine.drawing.film import grey8
from engine.drawing.fonts import font_file
from engine.study import Film

SIDE_PX = 1024
FONTS = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSansMono.ttf",
    "DejaVuSansMono-Bold.ttf",
    "DejaVuSerif.ttf",
    "STIXGeneral.ttf",
    "cmss10.ttf",
    "cmtt10.ttf",
)
PLACES = {"corner": 0.6, "border": 0.25, "inside": 0.15}  # shares of the films
TURNED = 0.1  # share of texts that run up or down
DARK = 0.2  # share of texts darker than the film, where there is room for both
EDGE_PX = (2, 40)  # between a text and the film's edge
_TRIES = 200
_FAMILIES = ("DOE", "MUELLER", "SCHMIDT", "GARCIA", "Lefebvre", "Novak", "ROSSI", "Kowalski", "Andersson", "MORALES")
_GIVEN = ("JANE", "Hans", "ANNA", "Maria", "JEAN", "PIOTR", "Lucia", "Erik", "SEAN", "Ines", "Paul", "CLARA")


@dataclass(frozen=True, eq=False)
class Drawn:
    """A film with text on it.

    ink   : (h, w) 0..1, how much of a pixel the letters cover
    place : where it stands, a key of PLACES
    """

    film: Film
    words: str
    ink: np.ndarray
    place: str
    turned: bool


def enlarged(film: Film) -> Film:
    """Return a film with SIDE_PX on its shorter side, 8 bit."""
    grey = Image.fromarray(grey8(film))
    scale = SIDE_PX / min(grey.size)
    size = round(grey.width * scale), round(grey.height * scale)
    return Film(np.asarray(grey.resize(size, Image.Resampling.BICUBIC)), 8)


def with_text(film: Film, px: int, contrast: int, chance: random.Random) -> Drawn:
    """Return an 8-bit film with one text of a size and a contrast, of words, font and place by chance."""
    words = invented(chance)
    letters = _letters(words, chance.choice(FONTS), px)
    turned = chance.random() < TURNED
    letters = np.rot90(letters, chance.choice((1, 3))) if turned else letters
    place = chance.choices(list(PLACES), list(PLACES.values()))[0]
    for _ in range(_TRIES):
        top, left = _corner(place, film.pixels.shape, letters.shape, chance)
        rows, columns = slice(top, top + letters.shape[0]), slice(left, left + letters.shape[1])
        under = film.pixels[rows, columns].astype(np.float64)
        signs = [sign for sign in (1, -1) if 0 <= under.mean() + sign * contrast <= 255]
        if signs:
            break
    else:
        signs = [1]
    sign = signs[-1] if chance.random() < DARK else signs[0]
    pixels, ink = film.pixels.copy(), np.zeros(film.pixels.shape)
    pixels[rows, columns] = np.clip(under * (1 - letters) + (under.mean() + sign * contrast) * letters, 0, 255).round()
    ink[rows, columns] = letters
    return Drawn(replace(film, pixels=pixels), words, ink, place, turned)


def invented(chance: random.Random) -> str:
    """Return a name, a date or a number in one of the ways in which devices write them."""
    family, given = chance.choice(_FAMILIES), chance.choice(_GIVEN)
    day, month, year = chance.randint(1, 28), chance.randint(1, 12), chance.randint(1930, 2024)
    return chance.choice(
        (
            f"{family}^{given}",
            f"{family}, {given}",
            f"{given} {family}",
            f"{day:02}.{month:02}.{year}",
            f"{year}-{month:02}-{day:02}",
            f"ID {chance.randint(10**5, 10**8)}",
        )
    )


def _letters(words: str, font: str, px: int) -> np.ndarray:
    """Return words as (h, w) 0..1."""
    drawn = ImageFont.truetype(str(font_file(font)), px)
    left, top, right, bottom = (round(edge) for edge in drawn.getbbox(words))
    sheet = Image.new("L", (right - left + 2, bottom - top + 2))
    ImageDraw.Draw(sheet).text((1 - left, 1 - top), words, fill=255, font=drawn)
    return np.asarray(sheet) / 255.0


def _corner(place: str, film: tuple[int, ...], text: tuple[int, ...], chance: random.Random) -> tuple[int, int]:
    """Return the top and the left of a text at such a place of a film, by chance."""
    from_edge = chance.randint(*EDGE_PX)
    (near, far), (first, last) = ((from_edge, film[axis] - text[axis] - from_edge) for axis in (0, 1))
    top, left = chance.choice((near, far)), chance.choice((first, last))
    if place == "border" and chance.random() < 0.5:
        return top, chance.randint(0, film[1] - text[1])
    if place == "border":
        return chance.randint(0, film[0] - text[0]), left
    if place == "inside":
        return tuple(  # type: ignore[return-value]
            chance.randint(round(0.2 * film[axis]), max(round(0.2 * film[axis]), round(0.8 * film[axis]) - text[axis]))
            for axis in (0, 1)
        )
    return top, left
