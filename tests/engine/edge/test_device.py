"""A device judges, codes and searches what it keeps, without PyTorch, as the hospital does with its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from casebind_edge.device import install, open_device
from casebind_edge.search import missing_sentences, nearest
from helpers.devices import answer, written

from engine.edge.coding import code_of, layer_arrays
from engine.edge.onnx_export import export
from engine.errors import IntakeError, UsageError
from engine.intake.paths import read_paths
from engine.intake.quality.judge import choose_window, judge
from engine.intake.upload import Answers
from engine.model.packing import distances
from engine.model.release import Release
from engine.model.session import session_of
from engine.settings import DEMO
from engine.workspace.workspace import open_workspace

Device = Callable[..., subprocess.CompletedProcess[str]]
ECG = DEMO / "ecg" / "syn-0001-e1-ecg.hea"
PPG = DEMO / "ppg" / "syn-0001-e1-ppg.csv"


def bytes_of(said: dict) -> np.ndarray:
    return np.frombuffer(bytes.fromhex(said["query"]["code"]["hex"]), np.uint8)


def test_an_ecg_has_one_code_in_every_format_and_nearly_the_hospital_s(
    device: Device, release: Release, tmp_path: Path
) -> None:
    study = choose_window(read_paths([ECG]))
    full = release.codes(release.embed([study]), "ecg")[0]
    for name, file in {**written(study.trace, tmp_path), "wfdb, compressed": ECG}.items():
        said = answer(device("search", str(file), "--json"))
        changed = int(np.unpackbits(bytes_of(said) ^ full).sum())
        assert (said["query"]["modality"], said["release"]) == ("ecg", f"{release.name}+int8"), name
        assert changed <= 12, (name, changed)  # 3 in the median; the formats round by their own steps
        assert said["neighbours"][0]["rank"] == 1 and said["missing"][-1].startswith("Offline: ")


def test_a_pulse_s_neighbours_are_the_nearest_of_the_kept_codes_one_a_patient(device: Device, built: Path) -> None:
    said = answer(device("search", str(PPG), "--fs", "125", "-k", "4", "--json"))
    cards = json.loads((built / "bundle" / "cards.json").read_text(encoding="utf-8"))
    away = distances(bytes_of(said)[None], np.load(built / "bundle" / "codes.npy"), 256)[0]
    for modality in ("cxr", "ecg", "ppg"):
        own = sorted(
            (int(away[i]), c["study_id"], c["patient"]) for i, c in enumerate(cards) if c["modality"] == modality
        )
        wanted: dict[int, tuple[int, str]] = {}
        for hamming, study_id, patient in own:
            wanted.setdefault(patient, (hamming, study_id))
        found = [(one["hamming"], one["study_id"]) for one in said["neighbours"] if one["modality"] == modality]
        assert found == list(wanted.values())[:4] and found
    itself = next(one for one in said["neighbours"] if one["modality"] == "ppg")
    assert itself["study_id"] == PPG.stem and itself["hamming"] <= 8


def test_nothing_but_what_the_wheel_brings_is_imported(device: Device) -> None:
    code = "print(sorted({name.partition('.')[0] for name in sys.modules} & {'torch', 'scipy', 'pandas', 'duckdb'}))"
    done = device("search", str(PPG), "--fs", "125", code=code)
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "[]", done.stderr
    assert "labelled as" in done.stdout and "not for diagnosis" in done.stdout


def test_refusals_and_errors_are_the_hospital_s(device: Device, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).standard_normal(1250)
    file = tmp_path / "noise.csv"
    file.write_text("PPG\n" + "\n".join(f"{x:.5f}" for x in noise), encoding="utf-8")
    reasons = judge(choose_window(read_paths([file], _at(125)))).reasons
    done = device("search", str(file), "--fs", "125")
    assert done.returncode == 3 and done.stderr.strip() == " ".join(reasons) and reasons
    for name, data in {"empty.csv": b"", "cut.edf": b"0       " + b"x" * 90, "film.pdf": b"%PDF-1.4"}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(IntakeError) as hospital:
            read_paths([tmp_path / name])
        done = device("search", str(tmp_path / name))
        assert (done.returncode, done.stderr.strip()) == (2, str(hospital.value))
    assert device("search", str(PPG)).stderr.strip().endswith("(answer with --fs)")


def test_a_format_whose_package_is_not_there_is_named(device: Device, tmp_path: Path) -> None:
    done = device("search", str(next((DEMO / "cxr").glob("*.jpg"))))
    assert done.returncode == 2 and "JPEG is read with the package pillow" in done.stderr


def test_a_withdrawn_patient_is_not_kept_and_no_report_is(built: Path) -> None:
    text = (built / "bundle" / "cards.json").read_text(encoding="utf-8")
    cards = json.loads(text)
    assert {c["modality"] for c in cards} == {"cxr", "ecg", "ppg"} and "syn-0002" not in text
    assert not {"report", "patient_id", "patient_key", "encounter_id", "acquired_at"} & set(cards[0])


def test_expired_cards_are_not_shown_and_counted(built: Path, tmp_path: Path) -> None:
    install(built / "bundle", built / "key", tmp_path)
    device = open_device(tmp_path)
    made = datetime.fromisoformat(device.manifest["made_at"])
    code = np.load(built / "bundle" / "codes.npy")[0]
    assert len(nearest(replace(device, now=made + timedelta(days=6)), code, "ppg", 3)[0]) == 9
    for now in (made + timedelta(days=8), made - timedelta(days=2)):  # late, and by a clock that is wrong
        late = replace(device, now=now)
        assert nearest(late, code, "ppg", 3) == ([], {})
        n = len(device.cards)
        assert missing_sentences(late)[0].startswith(f"{n} of {n} kept cases have expired")


def test_a_bundle_is_taken_whole_signed_and_unchanged(built: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    install(built / "bundle", built / "key", home)
    other = shutil.copytree(built / "bundle", tmp_path / "other")
    cards = (other / "cards.json").read_text(encoding="utf-8").replace("cardiomegaly", "x").replace("2", "3")
    (other / "cards.json").write_text(cards, encoding="utf-8")
    with pytest.raises(UsageError, match=r"The part cards\.json of the bundle .* is missing or changed"):
        install(other, None, home)
    (tmp_path / "key").write_text("00" * 32, encoding="ascii")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(UsageError, match="is not signed with this device's key"):
        install(built / "bundle", tmp_path / "key", tmp_path / "second")
    assert open_device(home).manifest["device"] == "device"
    (home / "bundle" / "ppg.onnx").write_bytes(b"")
    with pytest.raises(UsageError, match=r"The part ppg\.onnx"):
        open_device(home)


def test_a_modality_without_encoder_is_said(built: Path, tmp_path: Path) -> None:
    install(built / "bundle", built / "key", tmp_path)
    device = open_device(tmp_path)
    lacking = replace(device, manifest={**device.manifest, "encoders": {"ppg": {}}})
    with pytest.raises(UsageError, match=r"no encoder for ecg \(it has ppg\)"):
        lacking.encoder("ecg")


def test_unexported_weights_are_the_release_s_own(release: Release, tmp_path: Path) -> None:
    export(release, "ppg", tmp_path / "ppg.onnx", "float32")
    study = read_paths([PPG], _at(125))
    embedding = session_of(tmp_path / "ppg.onnx").embedding(release.inputs(study))
    np.testing.assert_allclose(embedding, release.embed([study])[0], atol=1e-5)
    code = code_of(embedding, layer_arrays(release), "ppg")
    assert np.unpackbits(code ^ release.codes(release.embed([study]), "ppg")[0]).sum() <= 1


def test_the_build_says_what_it_made_and_is_in_the_audit(built: Path, tmp_path: Path) -> None:
    with open_workspace(shutil.copytree(built / "ws", tmp_path / "ws")) as place:
        row = next(row for row in place.audit_rows(20) if row.kind == "export")
    assert row.filters == "bundle for the device device" and len(row.returned) > 50
    manifest = json.loads((built / "bundle" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["encoders"]["ppg"]["bits_changed"]["median"] <= 4
    assert manifest["encoders"]["ecg"]["bits_changed"]["median"] <= 4
    assert sum(manifest["studies"].values()) == len(json.loads((built / "bundle" / "cards.json").read_text("utf-8")))


def _at(fs: float) -> Answers:
    return Answers(fs=fs)
