"""A fifth modality joins by one row, is encoded by a release that states it, and is found beside the shipped ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.shipped import SHIPPED
from safetensors.torch import save_file
from torch import nn

from engine.actor import single_user
from engine.errors import ReleaseError, UsageError
from engine.files import sha256_of
from engine.intake.leads import phrase
from engine.intake.quality.judge import judge
from engine.intake.quality.verdict import QualityVerdict
from engine.modalities import MODALITIES, ModalitySpec, register, spec_of, spec_of_trace, unregister
from engine.model.hash_layer import HashLayer
from engine.model.heads import Tower
from engine.model.release import Release, load_release
from engine.retrieval.answer import Options
from engine.retrieval.search import search
from engine.settings import MODELS
from engine.store.records import Cohort, NewStudy, StudyRow
from engine.study import Note, Study, Trace, fingerprint
from engine.workspace.workspace import Workspace, open_workspace

ACTOR = single_user()
FS = 1000.0  # Hz
SILENCE = Study("pcg", Trace(np.zeros((1, 2000), np.float32), ("PCG",), FS, "au"), "silence")
COHORT = Cohort("heart sounds", "CC0 1.0", "a test", True, "a test")


class SoundEncoder(nn.Module):
    """x (b, 1, 8) → features (b, 8)."""

    features = 8

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the inputs themselves."""
        return x[:, 0]


def loudness(trace: Trace) -> dict[str, np.ndarray]:
    """Return the root mean square of eight stretches of the sound: x (1, 8) float32."""
    parts = np.array_split(trace.samples[0].astype(np.float64), 8)
    return {"x": np.array([[np.sqrt(np.mean(part**2)) for part in parts]], np.float32)}


def not_silent(study: Study, _: np.ndarray | None = None) -> QualityVerdict:
    """Accept every sound that is not silence."""
    content = study.searched
    heard = isinstance(content, Trace) and bool(np.abs(content.samples).max() > 0)
    return QualityVerdict(heard, float(heard), () if heard else ("The recording is silent: record it again.",))


PCG = ModalitySpec(
    name="pcg",
    noun="heart sound",
    content=Trace,
    inputs=loudness,
    encoder=SoundEncoder,
    gate=not_silent,
    leads=("PCG",),
    model_fs=FS,
    fs_range=(500.0, 10_000.0),
    shortest_s=1.0,
)


@pytest.fixture
def pcg() -> Iterator[ModalitySpec]:
    """Heart sounds, registered while the test runs."""
    register(PCG)
    yield PCG
    unregister("pcg")


@pytest.fixture
def sounds(pcg: ModalitySpec, tmp_path: Path) -> Release:
    """A release that encodes heart sounds beside the shipped release's four modalities."""
    return write_release(tmp_path / "r9")


def write_release(home: Path) -> Release:
    """Write a release of the shipped one's parts, an untrained encoder of heart sounds and a layer for all five."""
    shipped = json.loads((MODELS / SHIPPED / "manifest.json").read_text())
    names = ("cxr", "ecg", "ppg", "text", "pcg")
    home.mkdir()
    for name in names[:4]:
        (home / f"{name}.safetensors").symlink_to(MODELS / SHIPPED / f"{name}.safetensors")
    torch.manual_seed(0)
    save_file(Tower("pcg").state_dict(), home / "pcg.safetensors")
    save_file(HashLayer(names).state_dict(), home / "hash.safetensors")
    calibration = json.loads((MODELS / SHIPPED / "calibration.json").read_text())
    like_text = {f"{a}>{b}": calibration["pairs"]["text>text"] for a in names for b in names if "pcg" in (a, b)}
    (home / "calibration.json").write_text(json.dumps({**calibration, "pairs": {**calibration["pairs"], **like_text}}))
    parts = {file.name: sha256_of(file) for file in home.iterdir()}
    manifest = {**shipped, "name": home.name, "modalities": names, "parts": parts}
    (home / "manifest.json").write_text(json.dumps(manifest))
    return load_release(home)


def sound(seed: int) -> Study:
    """Return two seconds of a sound that swells somewhere."""
    rng = np.random.default_rng(seed)
    swell = np.repeat(rng.random(8), 250)
    trace = Trace((swell * rng.normal(size=2000))[None].astype(np.float32), ("PCG",), FS, "au")
    return Study("pcg", trace, phrase("made", trace), fingerprint=fingerprint(trace))


def new_study(number: int, study: Study, release: Release) -> NewStudy:
    """Return a study of a patient of its own on its way into a workspace."""
    row = StudyRow(f"s{number}", f"p{number}", f"e{number}", COHORT.name, study.modality, fingerprint=study.fingerprint)
    embedding = release.embed([study])
    return NewStudy(row, f"k{number}", study, embedding[0], release.codes(embedding, study.modality)[0])


def first_of(workspace: Workspace, modality: str) -> str:
    """Return the id of the first study of a modality."""
    return next(row.study_id for row in workspace.rows(actor=ACTOR) if row.modality == modality)


def test_a_registered_modality_is_encoded_stored_and_found(sounds: Release, tmp_path: Path) -> None:
    studies = [sound(seed) for seed in range(6)]
    with open_workspace(tmp_path / "ws", create=True) as workspace:
        batch = [new_study(number, study, sounds) for number, study in enumerate(studies)]
        workspace.add(COHORT, sounds.name, sounds.digest, batch)
        assert workspace.study("s3", actor=ACTOR).content.samples.tobytes() == studies[3].content.samples.tobytes()
        louder = replace(studies[3].content, samples=studies[3].content.samples * 1.001)
        asked = replace(studies[3], content=louder, fingerprint=fingerprint(louder))
        answer = search(workspace, sounds, asked, Options(targets=("pcg", "ecg"), k=3), actor=ACTOR)
        assert (answer.neighbours[0].study_id, answer.neighbours[0].hamming) == ("s3", 0)
        assert {one.modality for one in answer.neighbours} == {"pcg"}
        words = Study("text", Note("a murmur"), "typed text")
        near = search(workspace, sounds, words, Options(k=3, by_meaning=True), actor=ACTOR).neighbours
        assert {one.modality for one in near} == {"pcg"}


def test_its_gate_and_its_phrase_are_those_of_its_row(pcg: ModalitySpec) -> None:
    assert judge(sound(0)).accepted
    assert judge(SILENCE).reasons == ("The recording is silent: record it again.",)
    assert sound(0).recognised == "made, PCG, 1000 Hz, 2 s"
    assert spec_of_trace(SILENCE.content) is pcg


def test_the_shipped_release_answers_beside_it_and_says_what_it_cannot_encode(
    sounds: Release, workspace: Workspace, release: Release
) -> None:
    assert "pcg" in MODALITIES and release.modalities == ("cxr", "ecg", "ppg", "text")
    known = workspace.study(first_of(workspace, "ppg"), actor=ACTOR)
    stored = workspace.codes(release.name, "ppg")
    code = release.codes(release.embed([known]), "ppg")
    again = load_release(MODELS / SHIPPED)  # its hash layer is read with a fifth modality registered
    assert again.digest == release.digest
    assert np.array_equal(again.codes(again.embed([known]), "ppg"), code)
    assert stored.ids.size and search(workspace, again, known, Options(k=2), actor=ACTOR).neighbours
    with pytest.raises(ReleaseError, match=f"Release {SHIPPED} has no encoder for pcg and reads cxr, ecg, ppg, text"):
        search(workspace, again, sound(0), Options(), actor=ACTOR)
    with pytest.raises(ReleaseError, match="no encoder for pcg"):
        search(workspace, again, known, Options(targets=("pcg",)), actor=ACTOR)


def test_r2_parts_in_another_release_embed_alike(sounds: Release, workspace: Workspace, release: Release) -> None:
    known = workspace.study(first_of(workspace, "ecg"), actor=ACTOR)
    assert np.array_equal(sounds.embed([known]), release.embed([known]))
    assert sounds.encoders["ecg"] == release.encoders["ecg"] and set(sounds.encoders) == {*release.encoders, "pcg"}


def test_names_and_leads_are_given_once(pcg: ModalitySpec) -> None:
    with pytest.raises(UsageError, match="already"):
        register(pcg)
    with pytest.raises(UsageError, match="The lead V1 belongs to another modality"):
        register(ModalitySpec("vcg", "vector ECG", Trace, loudness, SoundEncoder, leads=("V1",)))
    with pytest.raises(UsageError, match="There is no modality 'eeg': use cxr, ecg, ppg, text, pcg"):
        spec_of("eeg")


def test_a_modality_that_was_taken_out_is_unknown_again() -> None:
    register(PCG)
    unregister("pcg")
    assert tuple(MODALITIES) == ("cxr", "ecg", "ppg", "text")
    with pytest.raises(UsageError, match="no modality 'pcg'"):
        judge(SILENCE)
