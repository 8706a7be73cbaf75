"""The film generator's parts: the linear flow against sums by hand, both trainings, and what a drawing keeps."""

from __future__ import annotations

import csv
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.errors import UsageError
from engine.settings import DEMO
from engine.synthetic.cxr.codec import Codec
from engine.synthetic.cxr.condition import LABELS, MOVES, UNCONDITIONAL, WIDTH, condition, drop_labels
from engine.synthetic.cxr.films import SIDE
from engine.synthetic.cxr.flow import SIZE, Flow
from engine.synthetic.cxr.gaussian import GaussianPart
from engine.synthetic.cxr.sample import SamplingOptions, draw_films, integrate, starting_noise, times
from engine.synthetic.cxr.train import load_codec, load_flow, train_films
from engine.synthetic.cxr.train_codec import CodecPlan, train_codec
from engine.synthetic.cxr.train_flow import FlowPlan, train_flow
from engine.synthetic.draw import draw_patients
from engine.synthetic.patients import rng_for
from engine.training.encoders.loop import Log


def shipped_films(n: int) -> torch.Tensor:
    """Return n films of the shipped cohort, (n, 1, 224, 224) in 0 … 1."""
    files = sorted((DEMO / "cxr").glob("*.jpg"))[:n]
    return torch.from_numpy(np.stack([np.asarray(Image.open(file)) for file in files])).float()[:, None] / 255


def told(n: int, label: str = "No Finding") -> torch.Tensor:
    return torch.from_numpy(np.stack([condition((label,), "PA", 50, "F")] * n))


def test_a_condition_holds_labels_view_age_and_sex() -> None:
    row = condition(("Cardiomegaly", "Edema"), "AP", 70, "M")
    held = {LABELS[i] for i in np.flatnonzero(row[: len(LABELS)])}
    assert held == {"Cardiomegaly", "Edema"}
    assert row[UNCONDITIONAL + 1 : UNCONDITIONAL + 4].tolist() == [1, 1, 1]
    assert row[-MOVES:].tolist() == [0] * MOVES
    hidden = drop_labels(row[None])[0]
    assert hidden[:UNCONDITIONAL].sum() == 0
    assert hidden[UNCONDITIONAL] == 1
    assert np.array_equal(hidden[UNCONDITIONAL + 1 :], row[UNCONDITIONAL + 1 :])


def test_the_linear_velocity_is_that_of_a_gaussian_by_hand() -> None:
    """Two numbers, mean 0, variances 4 and 1; at t = 0.5 and x_t = (1, 1): E[ε − x | x_t] = (−1.2, 0)."""
    part = GaussianPart(2, 1)
    part.axes[0] = torch.tensor([1.0, 0.0])
    part.spread[0], part.rest.data = 4.0, torch.tensor(1.0)
    found = part.velocity(torch.ones(1, 2), torch.full((1, 1), 0.5), torch.zeros(1, WIDTH))
    assert found[0].tolist() == pytest.approx([-1.2, 0.0], abs=1e-6)


def test_an_untrained_flow_draws_the_gaussian_of_what_it_was_fitted_on() -> None:
    rng = torch.Generator().manual_seed(0)
    axis = torch.nn.functional.normalize(torch.randn(1, SIZE, generator=rng), dim=1)
    data = 2.0 + 8.0 * torch.randn(600, 1, generator=rng) * axis + 0.5 * torch.randn(600, SIZE, generator=rng)
    flow = Flow(64, 64, 1)
    flow.gaussian.fit(data, told(600))
    noise = torch.randn(24, 4, 28, 28, generator=rng)
    drawn = integrate(flow, noise, told(24), SamplingOptions(steps=36, guidance=1.0)).flatten(1)
    assert drawn.mean().item() == pytest.approx(2.0, abs=0.05)
    assert (drawn @ axis.T).std().item() == pytest.approx(8.0, rel=0.35)
    assert (drawn - drawn.mean(0)).std().item() == pytest.approx(math.sqrt(0.25 + 64 / SIZE), rel=0.1)


def test_labels_move_the_mean_and_guidance_moves_it_further() -> None:
    rng = torch.Generator().manual_seed(0)
    labels = torch.cat([told(300), told(300, "Cardiomegaly")])
    data = 0.3 * torch.randn(600, SIZE, generator=rng)
    data[300:, :100] += 1.0
    flow = Flow(64, 64, 1)
    flow.gaussian.fit(data, labels)
    noise = torch.randn(8, 4, 28, 28, generator=rng)

    def drawn(label: str, guidance: float) -> float:
        latents = integrate(flow, noise, told(8, label), SamplingOptions(steps=8, guidance=guidance))
        return latents.flatten(1)[:, :100].mean().item()

    plain, big, bigger = drawn("No Finding", 1.0), drawn("Cardiomegaly", 1.0), drawn("Cardiomegaly", 2.0)
    assert plain < 0.2 < 0.7 < big < bigger


def test_times_fall_from_one_to_zero_and_stay_longer_near_noise() -> None:
    even, bent = times(10, 1.0), times(10, 3.0)
    assert even.tolist() == pytest.approx(np.linspace(1, 0, 11).tolist(), abs=1e-6)
    assert (bent[0].item(), bent[-1].item()) == (1, 0)
    assert (bent.diff() < 0).all()
    assert (bent[1:-1] > even[1:-1]).all()


def test_films_of_one_person_start_from_one_body() -> None:
    def noise(person: int, film: int) -> np.ndarray:
        rngs = [np.random.default_rng([film, 9])]
        return starting_noise([np.random.default_rng(person)], rngs, 0.8).numpy().ravel()

    first = noise(1, 1)
    assert np.corrcoef(first, noise(1, 2))[0, 1] == pytest.approx(0.64, abs=0.05)
    assert np.corrcoef(first, noise(2, 2))[0, 1] == pytest.approx(0.0, abs=0.07)
    assert first.std() == pytest.approx(1, abs=0.05)


def test_training_the_codec_brings_films_back_better(tmp_path: Path) -> None:
    films, log = shipped_films(12), Log(tmp_path / "log.jsonl")
    plan = CodecPlan(steps=30, batch=4, crop=56, discriminator_start=0.8)
    codec = train_codec(films, plan, log, tmp_path / "codec.pt")
    with torch.no_grad():
        latents = codec.encode(films)
        error = (codec.decode(latents) - films).abs().mean()
        before = (Codec().decode(latents) - films).abs().mean()
    assert latents.shape == (12, 4, SIDE // 8, SIDE // 8)
    assert latents.mean((0, 2, 3)).abs().max() < 0.05
    assert latents.std((0, 2, 3)).numpy() == pytest.approx(np.ones(4), abs=0.05)
    assert error < 0.6 * before


def test_training_the_flow_goes_below_the_gaussian_part(tmp_path: Path) -> None:
    """A square that lies anywhere, which no Gaussian can say."""
    rng = torch.Generator().manual_seed(1)
    latents = torch.zeros(600, 4, 28, 28)
    for i, (y, x) in enumerate(torch.randint(20, (600, 2), generator=rng).tolist()):
        latents[i, :, y : y + 8, x : x + 8] = 3.0
    plan = FlowPlan(steps=120, batch=8, rate=3e-3, log_every=60, label_dropout=0.0, ema_decay=0.9, size=(64, 64, 1))
    flow = train_flow(latents, told(600), plan, Log(tmp_path / "log.jsonl"), tmp_path / "flow.pt")
    fresh = latents[:16]
    noise, t = torch.randn(fresh.shape, generator=rng), torch.full((16,), 0.5)
    mixed = 0.5 * (fresh + noise)
    with torch.no_grad():
        linear = flow.gaussian.velocity(mixed.flatten(1), t[:, None], told(16)).view_as(mixed)
        error = [((v - (noise - fresh)) ** 2).mean().item() for v in (linear, flow(mixed, t, told(16)))]
    assert error[1] < 0.95 * error[0]


@pytest.fixture(scope="module")
def few_films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films of the shipped cohort in the published layout."""
    folder = tmp_path_factory.mktemp("recordings")
    (folder / "cxr").mkdir()
    rows = []
    for i, file in enumerate(sorted((DEMO / "cxr").glob("*.jpg"))[:12]):
        shutil.copy(file, folder / "cxr")
        labels = ("Cardiomegaly", "No Finding")[i % 2]
        facts = {"dataset": "nih-cxr14", "split": "train", "view": "PA", "age": 40 + i, "sex": "F"}
        rows.append({"file": file.name, "patient_id": f"p{i}", **facts, "labels": labels, "labels_raw": labels})
    with (folder / "cxr" / "cxr.csv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def test_a_fitted_generator_draws_the_same_films_for_the_same_encounters(few_films: Path, tmp_path: Path) -> None:
    train_films(few_films, tmp_path, 0.001, CodecPlan(batch=2), FlowPlan(batch=2))
    generator = load_codec(tmp_path), load_flow(tmp_path)
    encounters = [patient.encounters[0] for patient in draw_patients(3, 5)]

    def films(seed: int) -> np.ndarray:
        rngs = [[rng_for(seed, one.patient_number, at, "film") for one in encounters] for at in (0, 1)]
        return draw_films(*generator, encounters, *rngs, how=SamplingOptions(steps=2))

    first = films(5)
    assert first.shape == (3, SIDE, SIDE)
    assert first.dtype == np.uint8
    assert first.std() > 5
    assert np.array_equal(first, films(5))
    assert not np.array_equal(first, films(6))


def test_without_a_fitted_generator_the_user_is_told_how_to_fit_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="casebind train generator films"):
        load_codec(tmp_path)
