"""A round's release: whole or not at all, its own map before the hash layer, the encoders of its base."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.shipped import SHIPPED

from engine.errors import ReleaseError, WorkspaceError
from engine.learning import round_release
from engine.learning.fit import FittedRound
from engine.model.release import Release, base_of, installed, load_release


@pytest.fixture(scope="module")
def base() -> Release:
    return load_release()


def learnt(base: Release, seed: int = 0, far: float = 0.02) -> FittedRound:
    """Maps a little off the identity, under the hash layer as it is."""
    rng, state = np.random.default_rng(seed), base.layer().state_dict()
    heads = {m: (np.eye(256) + far * rng.normal(size=(256, 256))).astype(np.float32) for m in base.modalities}
    return FittedRound(heads, state["weight"].numpy(), state["threshold"].numpy(), [])


def written(workspace: Path, base: Release, fitted: FittedRound, name: str | None = None) -> Release:
    tables = json.loads((load_release().path / "calibration.json").read_text())
    name = name or round_release.next_name(workspace, base.base)
    return round_release.write(workspace, base, name, fitted, calibration=tables, about={"ratings": 3})


def vectors(n: int = 40) -> np.ndarray:
    z = np.random.default_rng(1).normal(size=(n, 256)).astype(np.float32)
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def test_codes_are_those_of_the_mapped_embeddings(base: Release, tmp_path: Path):
    fitted = learnt(base)
    made, z = written(tmp_path, base, fitted), vectors()
    by_hand = z @ fitted.heads["ecg"].T
    by_hand /= np.linalg.norm(by_hand, axis=1, keepdims=True)
    np.testing.assert_allclose(made.mapped(z, "ecg"), by_hand, atol=1e-6)
    np.testing.assert_array_equal(made.codes(z, "ecg"), base.codes(by_hand, "ecg"))
    assert (made.codes(z, "ecg") != base.codes(z, "ecg")).any()


def test_identity_maps_leave_every_code_as_it_was(base: Release, tmp_path: Path):
    made, z = written(tmp_path, base, learnt(base, far=0.0)), vectors()
    for modality in base.modalities:
        np.testing.assert_array_equal(made.codes(z, modality), base.codes(z, modality))


def test_encoders_are_the_bases_and_the_digest_is_its_own(base: Release, tmp_path: Path):
    made = written(tmp_path, base, learnt(base))
    assert (made.name, made.base) == (f"{SHIPPED}.1", SHIPPED) and base_of(f"{SHIPPED}.1") == SHIPPED
    assert made.encoders == base.encoders and made.digest != base.digest
    assert sorted(path.name for path in made.path.iterdir()) == [
        "calibration.json",
        "hash.safetensors",
        "heads.safetensors",
        "manifest.json",
    ]
    found = installed(made.name, made.digest, round_release.releases_folder(tmp_path))
    assert found is not None and found.path == made.path
    assert installed(made.name, made.digest + "0", round_release.releases_folder(tmp_path)) is None


def test_a_round_on_a_round_keeps_the_shipped_base_and_says_where_it_began(base: Release, tmp_path: Path):
    first = written(tmp_path, base, learnt(base))
    second = written(tmp_path, first, learnt(base, seed=2))
    assert (second.name, second.base) == (f"{SHIPPED}.2", SHIPPED)
    assert (
        second.manifest["round"]["from"] == f"{SHIPPED}.1" and second.manifest["round"]["from_digest"] == first.digest
    )
    assert [one.name for one in round_release.round_releases(tmp_path)] == [f"{SHIPPED}.1", f"{SHIPPED}.2"]
    assert (second.codes(vectors(), "cxr") != first.codes(vectors(), "cxr")).any()


def test_a_name_is_given_once_even_when_its_release_is_gone(base: Release, tmp_path: Path):
    made = written(tmp_path, base, learnt(base))
    for file in made.path.iterdir():
        file.unlink()
    made.path.rmdir()
    assert round_release.next_name(tmp_path, SHIPPED) == f"{SHIPPED}.2"


def test_a_taken_name_is_refused_and_what_was_there_stays(base: Release, tmp_path: Path):
    made = written(tmp_path, base, learnt(base))
    before = (made.path / "heads.safetensors").read_bytes()
    with pytest.raises(WorkspaceError, match=rf"{SHIPPED}\.1"):
        written(tmp_path, base, learnt(base, seed=5), name=f"{SHIPPED}.1")
    assert (made.path / "heads.safetensors").read_bytes() == before
    assert [path.name for path in made.path.parent.iterdir() if path.name.startswith(".")] == []


def test_a_damaged_map_is_refused(base: Release, tmp_path: Path):
    made = written(tmp_path, base, learnt(base))
    file = made.path / "heads.safetensors"
    file.write_bytes(file.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(ReleaseError, match=r"heads\.safetensors"):
        load_release(made.path).codes(vectors(), "ecg")
