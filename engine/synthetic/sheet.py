"""A contact sheet of a cohort's films, a row per label: python -m engine.synthetic.sheet --out FILE.png."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from engine.errors import UsageError
from engine.reference import Polygon, findings_in, of_label
from engine.settings import DEMO

STAMP = "SYNTHETIC films"


@dataclass(frozen=True)
class SheetFilm:
    """A film's file, and the outlines that came with it under a label."""

    file: Path
    outlines: tuple[Polygon, ...]


def films_by_label(cohort: Path, count: int, seed: int = 0) -> dict[str, list[SheetFilm]]:
    """Return up to `count` films of each label, chosen at random; UsageError where the cohort cannot be read."""
    try:
        with (cohort / "manifest.csv").open(newline="", encoding="utf-8") as handle:
            rows = [row for row in csv.DictReader(handle) if row["modality"] == "cxr"]
    except (OSError, KeyError) as error:
        raise UsageError(f"There is no cohort with films at {cohort}: name the folder of its manifest.csv.") from error
    found: dict[str, list[SheetFilm]] = {}
    for row in np.random.default_rng(seed).permutation(np.array(rows, object)):
        for label in row["labels"].split(";"):
            outlines = tuple(one for finding in of_label(findings_in(row), label) for one in finding.polygons)
            found.setdefault(label, []).append(SheetFilm(cohort / row["file"], outlines))
    return {label: films[:count] for label, films in sorted(found.items(), key=lambda item: -len(item[1]))}


def draw_sheet(cohort: Path, file: Path, count: int = 8, *, inches: float = 1.25, outlined: bool = False) -> None:
    """Write the contact sheet as a picture, each film `inches` wide at 110 pixels an inch.

    outlined : every film once more beside itself, with the outlines that came with it
    """
    from matplotlib.figure import Figure
    from PIL import Image

    rows = films_by_label(cohort, count)
    columns = count * (2 if outlined else 1)
    figure = Figure(figsize=(inches * columns, 1.12 * inches * len(rows) + 0.4), dpi=110, layout="constrained")
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for line, (label, films) in zip(axes, rows.items(), strict=True):
        for place in line:
            place.set_axis_off()
        line[0].set_title(label, loc="left", fontsize=8)
        drawn = [(film, shown) for film in films for shown in ((False, True) if outlined else (False,))]
        for place, (film, shown) in zip(line, drawn, strict=False):
            with Image.open(film.file) as image:
                pixels = np.asarray(image)
            place.imshow(pixels, cmap="gray", vmin=0, vmax=255)
            for outline in film.outlines if shown else ():
                across, down = np.array([*outline, outline[0]]).T
                place.plot(across * pixels.shape[1], down * pixels.shape[0], color="gold", linewidth=1)
    figure.suptitle(f"{STAMP}, up to {count} of each label", fontsize=9)
    figure.savefig(file)


@click.command()
@click.option("--cohort", type=click.Path(path_type=Path), default=DEMO, help="Folder with manifest.csv.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The picture to write.")
@click.option("--count", type=click.IntRange(min=1), default=8, show_default=True, help="Films of a label.")
@click.option("--inches", type=float, default=1.25, show_default=True, help="Width of a film.")
@click.option("--outlined", is_flag=True, help="Show every film once more with its outlines.")
def main(cohort: Path, out: Path, *, count: int, inches: float, outlined: bool) -> None:
    """Draw films of every label beside each other, to be looked at."""
    draw_sheet(cohort, out, count, inches=inches, outlined=outlined)


if __name__ == "__main__":
    main()
