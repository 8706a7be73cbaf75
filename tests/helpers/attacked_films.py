"""A synthetic film as a PNG, and the same film of which every pixel was changed by at most two grey levels of 255."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from helpers.once import Once
from PIL import Image

from engine import settings
from engine.evaluate.robustness.attacks import Budget, Encoder, attacked
from engine.evaluate.robustness.sample import inputs_of
from engine.intake.paths import read_paths
from engine.model.release import Release, load_release
from engine.model.squeeze import moves_of
from engine.model.steadiness import FILE, SteadinessLimit, write_limits
from engine.study import Study


def film() -> Study:
    """Return the film as it is shipped."""
    return read_paths([sorted((settings.DEMO / "cxr").glob("*.jpg"))[0]])


def attacked_films(once: Once, release: Release) -> Path:
    """Return a folder with clean.png and attacked.png, made once."""

    def make(folder: Path) -> None:
        inputs, encoder = inputs_of(release, [film()]), Encoder(release, "cxr")
        changed = attacked(encoder, inputs, ~encoder.bits(inputs), Budget(2 / 255, 5, 1))
        for name, x in (("clean", inputs.x), ("attacked", changed)):
            made = io.BytesIO()
            Image.fromarray(np.round(x[0, 0].numpy() * 255).astype(np.uint8)).save(made, format="PNG")
            (folder / f"{name}.png").write_bytes(made.getvalue())

    return once.made("attacked-film", make)


def release_with_limit(once: Once, release: Release, home: Path) -> Release:
    """Return a copy of a release, in a folder of its own, whose limit for films lies between the two."""
    made = home / release.name
    made.mkdir()
    for file in release.path.iterdir():
        if file.is_file():
            (made / file.name).symlink_to(file)
    (made / FILE).unlink(missing_ok=True)
    studies = [read_paths([attacked_films(once, release) / f"{name}.png"]) for name in ("clean", "attacked")]
    clean, attacked = (one.turn for one in moves_of(release, studies, release.embed(studies)))
    assert attacked > 1.5 * clean
    copy = load_release(made)
    write_limits(copy, {"cxr": SteadinessLimit((clean + attacked) / 2, 0, 0.0, 2, holds=True)})
    return copy
