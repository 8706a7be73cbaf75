"""The shipped release: it loads, is what its manifest says, and puts every modality into one space of codes."""

import json
import shutil

import numpy as np
import pytest
import torch

from engine.datasets import open_recordings
from engine.errors import ReleaseError, UsageError
from engine.evaluate.release import by_finding, gallery
from engine.modalities import MODALITIES
from engine.model.release import load_release, releases
from engine.study import ECG_LEADS, Film, Note, Study, Trace


@pytest.fixture(scope="module")
def release():
    return load_release()


def one_of_each() -> list[Study]:
    rng = np.random.default_rng(0)
    time = np.arange(5000) / 500
    beat = np.exp(-(((time % 0.8) - 0.3) ** 2) / 0.0004)
    leads = np.stack([beat * (0.3 + 0.1 * i) for i in range(12)]).astype(np.float32)
    pulse = np.exp(-(((time[::4] % 0.8) - 0.3) ** 2) / 0.02)[None].astype(np.float32)
    return [
        Study("text", Note("pleural effusion"), "text"),
        Study("ecg", Trace(leads, ECG_LEADS, 500.0, "mV"), "ecg"),
        Study("cxr", Film((rng.random((300, 280)) * 255).astype(np.uint8), 8), "film"),
        Study("ppg", Trace(pulse, ("PPG",), 125.0, "au"), "ppg"),
    ]


def test_embeddings_have_length_one_and_keep_the_order_given(release):
    studies = one_of_each()
    z = release.embed(studies)
    assert z.shape == (4, 256) and z.dtype == np.float32
    assert np.allclose(np.linalg.norm(z, axis=1), 1, atol=1e-5)
    assert np.allclose(release.embed(studies[::-1])[::-1], z, atol=1e-5)


def test_a_study_is_embedded_alike_alone_and_through_its_inputs(release):
    for study in one_of_each():
        inputs = {k: torch.from_numpy(np.asarray(v)[None]) for k, v in release.inputs(study).items()}
        with torch.no_grad():
            alone = release.module(study.modality)(**inputs).numpy()
        assert np.allclose(alone, release.embed([study]), atol=1e-4)


def test_similarity_can_be_differentiated_with_respect_to_the_input(release):
    for study in one_of_each():
        inputs = {k: torch.from_numpy(np.asarray(v)[None]) for k, v in release.inputs(study).items()}
        inputs["x"].requires_grad_(True)
        release.module(study.modality)(**inputs)[0, 0].backward()
        assert inputs["x"].grad.abs().sum() > 0


def test_codes_are_packed_bits_and_repeat(release):
    z = release.embed(one_of_each())
    codes = release.codes(z, "ecg")
    assert codes.shape == (4, 32) and codes.dtype == np.uint8
    assert (codes == release.codes(z, "ecg")).all() and len(np.unique(codes, axis=0)) == 4


@pytest.mark.parametrize("bits", [64, 128, 256])
def test_calibration_falls_with_distance_for_every_pair(release, bits):
    for query in MODALITIES:
        for target in MODALITIES:
            further = [release.further_share(query, target, bits, d) for d in range(bits + 1)]
            relevance = [release.relevance(query, target, bits, d) for d in range(bits + 1)]
            assert further == sorted(further, reverse=True) and relevance == sorted(relevance, reverse=True)
            radii = [release.radius(query, target, bits, at) for at in ("precise", "balanced", "broad")]
            assert radii == sorted(radii) and 0 < release.close_limit(query, target, bits) < bits


def test_an_unknown_operating_point_is_one_sentence(release):
    with pytest.raises(UsageError, match="operating point"):
        release.radius("ecg", "cxr", 64, "sharp")


def test_a_changed_part_is_refused(tmp_path):
    copy = tmp_path / "r1"
    shutil.copytree(releases()[-1], copy)
    data = bytearray((copy / "ecg.safetensors").read_bytes())
    data[-1] ^= 1
    (copy / "ecg.safetensors").write_bytes(data)
    with pytest.raises(ReleaseError, match=r"ecg\.safetensors"):
        load_release(copy).embed([one_of_each()[1]])


def test_a_release_trained_on_another_trunk_is_refused(tmp_path):
    copy = tmp_path / "r1"
    shutil.copytree(releases()[-1], copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["trunk"]["sha256"] = "0" * 64
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ReleaseError, match="trunk"):
        load_release(copy).embed([one_of_each()[2]])


def test_a_text_encoder_that_the_head_does_not_know_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("CASEBIND_TEXT_MODEL", str(tmp_path / "biobert"))
    with pytest.raises(ReleaseError, match="biobert"):
        load_release().embed([one_of_each()[0]])


def test_a_missing_or_foreign_manifest_is_one_sentence(tmp_path):
    with pytest.raises(ReleaseError, match="manifest"):
        load_release(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 99, "name": "r9", "parts": {}}))
    with pytest.raises(ReleaseError, match="format 99"):
        load_release(tmp_path)


def test_figures_do_not_change_the_digest_but_parts_do(release, tmp_path):
    manifest = dict(release.manifest, figures={"rows": []})
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert load_release(tmp_path).digest == release.digest
    manifest["parts"] = {**manifest["parts"], "hash.safetensors": "0" * 64}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert load_release(tmp_path).digest != release.digest


def test_the_manifest_names_data_licences_limits_and_figures(release):
    manifest = release.manifest
    assert {"cxr.safetensors", "ecg.safetensors", "ppg.safetensors", "text.safetensors", "hash.safetensors"} < set(
        manifest["parts"]
    )
    assert all(entry["attribution"] and entry["studies"] for entry in manifest["data"])
    assert manifest["limits"] and manifest["figures"]["split"] == "test"
    rows = manifest["figures"]["rows"]
    assert {"p_at_5", "chance_p_at_5"} <= set(rows[0]) and rows[0]["p_at_5"]["n"] > 0


@pytest.mark.parametrize(("modality", "dataset"), [("cxr", "kermany-paediatric"), ("ecg", "PTB-XL")])
def test_neighbours_share_findings_more_often_than_chance(release, recordings, modality, dataset):
    listed = [r for r in open_recordings.recordings(recordings, "test", modality) if r.dataset == dataset][:90]
    found = gallery(release, listed)
    for row in by_finding("check", found, found):
        assert row["p_at_5"]["low"] > row["chance_p_at_5"], row
