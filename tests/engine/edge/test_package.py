"""The device's wheel holds what its command imports of the engine, no more and no less."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

OWN = ("cli", "device", "search", "outbox", "sync", "watch")
READERS = ("table_trace", "edf_trace", "wfdb_trace", "wearable_table", "wristband_trace")  # of what needs no package
FILM_READERS = ("picture_film", "dicom", "dicom_film", "dicom_trace")  # of the extra `films`, imported when one is read
MODALITIES = tuple(f"{place}.{one}" for place in ("model", "intake.quality") for one in ("ecg", "ppg"))
MODALITIES += ("model.cxr", "intake.quality.film", "intake.quality.film_space")
NAMES = [f"casebind_edge.{one}" for one in OWN] + [f"engine.{one}" for one in MODALITIES]
NAMES += [f"engine.intake.{one}" for one in READERS + FILM_READERS]
IMPORTED = f"""
import importlib, sys
for name in {NAMES!r}:
    importlib.import_module(name)
print("\\n".join(m.__file__ for name, m in list(sys.modules.items()) if name.partition(".")[0] == "engine"))
"""


def test_the_wheel_holds_what_the_command_imports(wheel_folder: Path) -> None:
    words = [sys.executable, "-c", IMPORTED]
    done = subprocess.run(
        words, env={"PYTHONPATH": str(wheel_folder)}, cwd=wheel_folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert {Path(line) for line in done.stdout.splitlines()} == set((wheel_folder / "engine").rglob("*.py"))
