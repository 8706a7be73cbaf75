"""Limits beside a release: of that release alone, only where they hold, and the copy that they are about."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import ReleaseError
from engine.model.release import Release, load_release
from engine.model.squeeze import squeezed, squeezed_copy
from engine.model.steadiness import FILE, SteadinessLimit, steadiness_of, write_limits

LIMIT = SteadinessLimit(limit=50, usual=30, false_alarms=0.02, n=200, holds=True)


@pytest.fixture
def apart(release: Release, tmp_path: Path) -> Release:
    """The newest release in a folder of its own, without limits, under a name that no shipped release has."""
    for file in release.path.iterdir():
        if file.is_file() and file.name not in ("manifest.json", FILE):
            os.symlink(file, tmp_path / file.name)
    manifest = (release.path / "manifest.json").read_text("utf-8").replace(f'"name": "{release.name}"', '"name": "r0"')
    (tmp_path / "manifest.json").write_text(manifest, "utf-8")
    return load_release(tmp_path)


def test_limits_are_read_as_written_and_only_where_they_hold(apart: Release) -> None:
    assert steadiness_of(apart, "cxr") is None
    write_limits(apart, {"cxr": LIMIT, "ppg": SteadinessLimit(1, 0, 0.01, 100, holds=False)})
    assert steadiness_of(apart, "cxr") == LIMIT
    assert steadiness_of(apart, "ppg") is None and steadiness_of(apart, "text") is None


def test_limits_of_another_modality_stay(apart: Release) -> None:
    write_limits(apart, {"cxr": LIMIT})
    write_limits(apart, {"ecg": LIMIT})
    assert steadiness_of(apart, "cxr") == steadiness_of(apart, "ecg") == LIMIT


def test_limits_that_were_copied_from_another_release_do_not_count(apart: Release) -> None:
    path = write_limits(apart, {"cxr": LIMIT})
    path.write_text(path.read_text("utf-8").replace(apart.digest, "0" * 64), "utf-8")
    assert steadiness_of(apart, "cxr") is None


def test_a_damaged_file_is_a_sentence(apart: Release) -> None:
    (apart.path / FILE).write_text('{"digest": 3}', "utf-8")
    with pytest.raises(ReleaseError, match=r"steadiness\.json of release .* cannot be read: restore it"):
        steadiness_of(apart, "cxr")


def test_a_rounds_release_is_checked_by_the_limits_of_its_base(release: Release, apart: Release) -> None:
    of_base = steadiness_of(release, "cxr")
    assert of_base is not None
    rounds = Release(apart.path, {**apart.manifest, "name": f"{release.name}.1", "base": release.name})
    assert steadiness_of(rounds, "cxr") == of_base


def test_a_squeezed_copy_takes_a_spike_from_a_trace_and_leaves_an_even_film() -> None:
    trace = torch.zeros(1, 1, 50)
    trace[0, 0, 20] = 5.0
    assert squeezed(trace, "ppg").abs().max() == 0
    ramp = torch.arange(50.0).view(1, 1, 50)
    assert torch.equal(squeezed(ramp, "ecg"), ramp)
    even = torch.full((1, 1, 224, 224), 0.5)
    assert torch.allclose(squeezed(even, "cxr"), even, atol=1e-6)
    dot = torch.zeros(1, 1, 224, 224)
    dot[0, 0, 100, 100] = 1.0
    assert squeezed(dot, "cxr").max() < 0.5 and (squeezed(dot, "cxr") > 0).sum() > 4


@pytest.mark.parametrize(("modality", "shape"), [("cxr", (1, 224, 224)), ("ecg", (12, 1000)), ("ppg", (1, 3))])
def test_a_squeezed_array_is_the_squeezed_tensor(modality: str, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).random(shape, np.float32)
    wanted = squeezed(torch.from_numpy(x)[None], modality)[0].numpy()
    np.testing.assert_allclose(squeezed_copy(x, modality), wanted, rtol=0, atol=2e-5)
