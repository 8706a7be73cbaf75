"""A contact sheet of a cohort's films, a row per label: python -m engine.synthetic.sheet --out FILE.png."""

from __future__ import annotations

import csv
from pathlib import Path

import click
import numpy as np

from engine.errors import UsageError
from engine.settings import DEMO

STAMP = "SYNTHETIC films"


def films_by_label(cohort: Path, count: int, seed: int = 0) -> dict[str, list[Path]]:
    """Return up to `count` film files of each label, chosen at random; UsageError where the cohort cannot be read."""
    try:
        with (cohort / "manifest.csv").open(newline="", encoding="utf-8") as handle:
            rows = [row for row in csv.DictReader(handle) if row["modality"] == "cxr"]
    except (OSError, KeyError) as error:
        raise UsageError(f"There is no cohort with films at {cohort}: name the folder of its manifest.csv.") from error
    found: dict[str, list[Path]] = {}
    for row in np.random.default_rng(seed).permutation(np.array(rows, object)):
        for label in row["labels"].split(";"):
            found.setdefault(label, []).append(cohort / row["file"])
    return {label: files[:count] for label, files in sorted(found.items(), key=lambda item: -len(item[1]))}


def draw_sheet(cohort: Path, file: Path, count: int = 8) -> None:
    """Write the contact sheet as a picture."""
    from matplotlib.figure import Figure
    from PIL import Image

    rows = films_by_label(cohort, count)
    figure = Figure(figsize=(1.25 * count, 1.4 * len(rows) + 0.4), dpi=110, layout="constrained")
    axes = figure.subplots(len(rows), count, squeeze=False)
    for line, (label, files) in zip(axes, rows.items(), strict=True):
        for place in line:
            place.set_axis_off()
        line[0].set_title(label, loc="left", fontsize=8)
        for place, film in zip(line, files, strict=False):
            with Image.open(film) as image:
                place.imshow(np.asarray(image), cmap="gray", vmin=0, vmax=255)
    figure.suptitle(f"{STAMP}, up to {count} of each label", fontsize=9)
    figure.savefig(file)


@click.command()
@click.option("--cohort", type=click.Path(path_type=Path), default=DEMO, help="Folder with manifest.csv.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The picture to write.")
def main(cohort: Path, out: Path) -> None:
    """Draw films of every label beside each other, to be looked at."""
    draw_sheet(cohort, out)


if __name__ == "__main__":
    main()
