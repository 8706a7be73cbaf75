"""Exported encoders give PyTorch's codes, and a search by them needs no PyTorch; without them PyTorch encodes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.once import Once

from engine.edge.whole_encoders import export_whole
from engine.errors import UsageError
from engine.model import exported
from engine.model.release import Release, load_release
from engine.settings import DEMO

FILES = {"ppg": [str(DEMO / "ppg" / "syn-0001-e1-ppg.csv"), "--fs", "125"]}
FILES["cxr"] = [str(DEMO / "cxr" / "syn-0001-e1-cxr.jpg")]
ASKED = """
import sys
from engine.cli import run
status = run(sys.argv[1:])
print(",".join(sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "pandas", "onnxruntime"})))
sys.exit(status)
"""


@pytest.fixture(scope="session")
def encoders(once: Once, release: Release) -> Path:
    """A folder with the exported encoders of pulse recordings and films."""

    def build(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CASEBIND_ENCODERS", str(folder))
            made = export_whole(release, tuple(FILES))
            assert all(one.made and one.checked == 20 and one.bits_changed == 0 for one in made)
            assert not any(one.made for one in export_whole(release, tuple(FILES)))

    return once.made("whole-encoders", build)


def asked(words: list[str], workspace: Path, encoders: Path) -> tuple[dict, str]:
    """Return what a search in a process of its own prints, and the heavy packages that it imported."""
    said = ["search", *words, "--workspace", str(workspace), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", ASKED, *said],
        env={**os.environ, "CASEBIND_ENCODERS": str(encoders)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answer, imported = done.stdout.splitlines()
    return json.loads(answer), imported


@pytest.mark.parametrize("modality", FILES)
def test_a_search_by_exported_encoders_answers_as_pytorch_does_without_it(
    modality: str, encoders: Path, small_demo: Path, tmp_path: Path
) -> None:
    workspace = shutil.copytree(small_demo, tmp_path / "ws")
    found, imported = asked(FILES[modality], workspace, encoders)
    wanted, by = asked(FILES[modality], workspace, tmp_path / "none")
    assert (imported, by) == ("onnxruntime", "torch")
    assert found["query"]["code"] == wanted["query"]["code"]
    assert found["neighbours"] == wanted["neighbours"] and found["neighbours"]
    assert abs(found["query"]["quality"]["score"] - wanted["query"]["quality"]["score"]) < 1e-3
    assert ("steadiness" in found) == ("steadiness" in wanted)


def test_a_changed_encoder_is_not_used(
    encoders: Path, release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASEBIND_ENCODERS", str(shutil.copytree(encoders, tmp_path / "own")))
    digest = release.encoder("ppg")
    file = exported.encoder_path("ppg", digest)
    assert exported.what_was_checked(file)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert exported.session_for("ppg", digest) is None
    assert not exported.encoder_path("ecg", release.encoder("ecg")).exists()
    assert exported.session_for("ecg", release.encoder("ecg")) is None


def test_what_a_workspace_adapted_stays_in_it(release: Release, tmp_path: Path) -> None:
    own = shutil.copytree(release.path, tmp_path / f"{release.name}.A1", ignore=lambda *_: ["evaluations"])
    manifest = json.loads((own / "manifest.json").read_text("utf-8"))
    (own / "manifest.json").write_text(json.dumps({**manifest, "name": own.name, "base": release.name}), "utf-8")
    with pytest.raises(UsageError, match="was adapted here, and only shipped ones are exported"):
        export_whole(load_release(own), ("ppg",))
