"""A bundle of the small workspace, the device's wheel without anything beside it, and a device with both."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.once import Once

from engine.cli import run
from engine.settings import ROOT

WITHDRAWN = "syn-0002"  # whose consent is withdrawn before the bundle is built
# What the device's wheel brings with it. Whatever else is imported ends the process.
BROUGHT: tuple[str, ...] = ("numpy", "onnxruntime", "click", "edfio", "soundfile", "cffi", "casebind_edge", "engine")
BROUGHT += ("google", "flatbuffers", "packaging", "typing_extensions")
FILMS = ("PIL", "pydicom", "dicognito")  # which its extra `films` brings
ALONE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in BROUGHT and top not in sys.stdlib_module_names and not top.startswith("_"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Refuse())
"""
Device = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def built(once: Once, small_demo: Path) -> Path:
    """A folder with a bundle, its key, and the workspace it was built from, one patient withdrawn."""

    def build(folder: Path) -> None:
        shutil.copytree(small_demo, folder / "ws")
        place = ["--workspace", str(folder / "ws")]
        assert run(["consent", "withdraw", WITHDRAWN, *place]) == 0
        assert run(["edge", "build", "--out", str(folder / "bundle"), "--key", str(folder / "key"), *place]) == 0

    return once.made("edge-bundle", build)


@pytest.fixture(scope="session")
def wheel_folder(once: Once) -> Path:
    """The folder of what the device's wheel installs."""

    def build(folder: Path) -> None:
        words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
        subprocess.run(words, cwd=ROOT / "edge", check=True, capture_output=True, timeout=120)
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(folder / "site")

    return once.made("edge-wheel", build) / "site"


@pytest.fixture(scope="session")
def film_bundle(once: Once, built: Path) -> Path:
    """A folder with a bundle that codes films, of the same workspace under the same key."""

    def build(folder: Path) -> None:
        shutil.copytree(built / "ws", folder / "ws")
        words = ["edge", "build", "--modality", "cxr", "--key", str(built / "key"), "--workspace", str(folder / "ws")]
        assert run([*words, "--out", str(folder / "bundle")]) == 0

    return once.made("edge-film-bundle", build)


@pytest.fixture
def device(built: Path, wheel_folder: Path, tmp_path: Path) -> Device:
    """Run `casebind-edge` as the wheel has it, where nothing but what it brings can be imported."""
    return _device(wheel_folder, tmp_path, built / "bundle", built / "key", BROUGHT)


@pytest.fixture
def film_device(built: Path, film_bundle: Path, wheel_folder: Path, tmp_path: Path) -> Device:
    """The same with a bundle that codes films and with what the extra `films` brings."""
    return _device(wheel_folder, tmp_path, film_bundle / "bundle", built / "key", BROUGHT + FILMS)


def _device(wheel_folder: Path, folder: Path, bundle: Path, key: Path, brought: tuple[str, ...]) -> Device:
    def asked(*words: str, code: str = "") -> subprocess.CompletedProcess[str]:
        main = f"BROUGHT = {brought!r}{ALONE}from casebind_edge.cli import run\nstatus = run({list(words)!r})\n"
        environment = {"PYTHONPATH": str(wheel_folder), "CASEBIND_EDGE_HOME": str(folder / "home")}
        environment |= {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        words_of = [sys.executable, "-c", f"{main}{code}\nsys.exit(status)"]
        return subprocess.run(words_of, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)

    done = asked("install", str(bundle), "--key", str(key))
    assert done.returncode == 0 and "release" in done.stdout, done.stderr
    return asked
