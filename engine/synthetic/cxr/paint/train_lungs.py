"""Learn to outline lungs: python -m engine.synthetic.cxr.paint.train_lungs --recordings DIR.

outlines.toml has the lungs of adult `train` films without findings, drawn by eye: corners of the outline in fractions
of width and height. Every step sees films bent, moved and exposed anew. `--left-out` holds some of them back and prints
the overlap with what was drawn on them.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import click
import numpy as np
import torch
from PIL import Image, ImageDraw
from scipy import ndimage
from scipy.interpolate import make_interp_spline
from torch.nn import functional as F

from engine.synthetic.cxr.paint.lungs import FILE, SIDE, LungNet, outline, seen

OUTLINES = Path(__file__).with_name("outlines.toml")
READ = 256  # pixels of a film as it is read
BATCH, RATE = 8, 4e-3
Lessons = tuple[np.ndarray, np.ndarray]  # films (n, READ, READ), masks (n, 2, READ, READ)


def closed_curve(corners: np.ndarray, n: int = 160) -> np.ndarray:
    """Return a closed curve (n, 2) through corners (m, 2): between a periodic spline and the polygon."""
    ring = np.r_[corners, corners[:1]]
    at = np.r_[0, np.cumsum(np.sqrt(np.hypot(*np.diff(ring, axis=0).T)))]
    where = np.linspace(0, at[-1], n, endpoint=False)
    straight = np.stack([np.interp(where, at, ring[:, i]) for i in range(2)], 1)
    return np.asarray(0.65 * make_interp_spline(at, ring, k=3, bc_type="periodic")(where) + 0.35 * straight)


def drawn_masks(corners: dict[str, list[list[float]]]) -> np.ndarray:
    """Return the masks (2, READ, READ) of an entry of outlines.toml, right and left."""
    masks = []
    for side in ("right", "left"):
        canvas = Image.new("L", (4 * READ, 4 * READ))
        curve = closed_curve(np.array(corners[side])) * 4 * READ
        ImageDraw.Draw(canvas).polygon([(float(x), float(y)) for x, y in curve], fill=255)
        masks.append(np.asarray(canvas.resize((READ, READ), Image.Resampling.BOX), np.float32) / 255)
    return np.stack(masks)


def read_film(path: Path) -> np.ndarray:
    """Return a film as (READ, READ) float32 in 0 … 1."""
    with Image.open(path) as image:
        return np.asarray(image.convert("L").resize((READ, READ), Image.Resampling.BICUBIC), np.float32) / 255


def drawn_lessons(recordings: Path, names: list[str]) -> Lessons:
    """Return films and masks of studies named in outlines.toml."""
    drawn = tomllib.loads(OUTLINES.read_text())
    films = [read_film(recordings / "cxr" / "images" / f"{name.replace('-', '_', 1)}.jpg") for name in names]
    return np.stack(films), np.stack([drawn_masks(drawn[name]) for name in names])


def changed(film: np.ndarray, masks: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return a lesson turned, scaled, moved, bent and exposed anew: (2, SIDE, SIDE) each."""
    angle, scale = rng.normal(0, 0.08), np.exp(rng.normal(0, 0.1, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * scale
    centre = np.array([READ, READ])[:, None, None] / 2
    grid = np.indices((SIDE, SIDE)) * (READ / SIDE)
    bend = np.stack([ndimage.zoom(rng.normal(0, 2.5, (5, 5)), SIDE / 5, order=3) for _ in range(2)])
    at = np.einsum("ij,jhw->ihw", turn, grid - centre) + centre + rng.normal(0, 10, (2, 1, 1)) + bend
    soft = ndimage.gaussian_filter(film, rng.uniform(0.5, 1.5))
    view = ndimage.map_coordinates(soft, at, order=1, mode="constant", cval=float(rng.uniform(0, 0.2)))
    view = np.clip(view, 0, 1) ** np.exp(rng.normal(0, 0.35))
    view = view + rng.normal(0, rng.uniform(0, 0.03), view.shape)
    truth = np.stack([ndimage.map_coordinates(mask, at, order=1) for mask in masks])
    return seen(np.clip(view, 0, 1).astype(np.float32)), truth.astype(np.float32)


def learn(lessons: Lessons, steps: int, seed: int = 0) -> LungNet:
    """Fit a net."""
    torch.manual_seed(seed)
    rng, net = np.random.default_rng(seed), LungNet()
    adam = torch.optim.AdamW(net.parameters(), RATE, weight_decay=1e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(adam, RATE, total_steps=steps)
    for step in range(steps):
        pairs = [changed(lessons[0][i], lessons[1][i], rng) for i in rng.integers(len(lessons[0]), size=BATCH)]
        x, y = (torch.from_numpy(np.stack(part)) for part in zip(*pairs, strict=True))
        logits = net(x)
        chances = torch.sigmoid(logits)
        overlap = 2 * (chances * y).sum((2, 3)) / (chances + y).sum((2, 3)).clamp(min=1)
        loss = F.binary_cross_entropy_with_logits(logits, y) + 0.5 * (1 - overlap).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        plan.step()
        if step % 50 == 0:
            click.echo(f"{step}: {float(loss.detach()):.3f}")
    return net.eval()


def dice(net: LungNet, lessons: Lessons) -> np.ndarray:
    """Return the overlap (n, 2) of outlined and drawn lungs, right and left."""
    rows = []
    for film, truth in zip(*lessons, strict=True):
        found = outline(film, net).chances > 0.5
        rows.append(2 * (found * truth).sum((1, 2)) / (found.sum((1, 2)) + truth.sum((1, 2))))
    return np.array(rows)


@click.command()
@click.option("--recordings", type=click.Path(path_type=Path), required=True, help="The open recordings.")
@click.option("--out", type=click.Path(path_type=Path), default=FILE, show_default=True)
@click.option("--left-out", type=int, default=0, show_default=True, help="Drawn films to leave out and to report.")
@click.option("--steps", type=int, default=500, show_default=True)
def main(recordings: Path, out: Path, left_out: int, steps: int) -> None:
    """Learn, report the overlap on the films left out, and write the network."""
    from safetensors.torch import save_file

    names = sorted(tomllib.loads(OUTLINES.read_text()))
    unseen = names[:: max(len(names) // left_out, 1)][:left_out] if left_out else []
    net = learn(drawn_lessons(recordings, [name for name in names if name not in unseen]), steps)
    if unseen:
        found = dice(net, drawn_lessons(recordings, unseen))
        click.echo(f"Dice of {len(unseen)} films left out: mean {found.mean():.3f}, lowest {found.min():.3f}")
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in net.state_dict().items()}, out)


if __name__ == "__main__":
    main()
