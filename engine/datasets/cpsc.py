"""ICBEB / CPSC2018: 12-lead ECGs of 6 to 60 s with one to three of nine classes, in both of its published layouts.

The challenge's own: REFERENCE.csv and A0001.mat (a structure ECG with sex, age and data in mV at 500 Hz), in this
folder or in TrainingSet1 … TrainingSet3. PhysioNet's: A0001.hea and A0001.mat (WFDB), in this folder or in g1 … g7.
No patient is named and no split of the published part: a recording is its own patient and its split is fixed by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.datasets.recording import Recording
from engine.datasets.toolbox import SEXES, header_facts, label_maps, number, present, recording, rows
from engine.errors import IntakeError
from engine.study import ECG_LEADS, Study, Trace

FS_HZ = 500.0
LABELS = ("First_label", "Second_label", "Third_label")


def ecgs(folder: Path) -> Iterator[Recording]:
    """Yield every recording, in the order of its name."""
    if (folder / "REFERENCE.csv").is_file():
        yield from _of_reference(folder)
    else:
        for header in sorted([*folder.glob("A*.hea"), *folder.glob("g*/A*.hea")], key=lambda file: file.stem):
            yield _of_header(header)


def _of_reference(folder: Path) -> Iterator[Recording]:
    files = {file.stem: file for file in [*folder.glob("TrainingSet*/*.mat"), *folder.glob("*.mat")]}
    for row in rows(folder, "REFERENCE.csv", ("Recording", *LABELS)):
        name = row["Recording"]
        codes = [row[label].split(".")[0] for label in LABELS]
        yield _recording(name, {"file": files.get(name, folder / f"{name}.mat")}, codes, load=_of_structure)


def _of_header(header: Path) -> Recording:
    said = header_facts(header)
    source = {"files": [header, header.with_suffix(".mat")]}
    facts = {"age": number(said.get("Age", "")), "sex": SEXES.get(said.get("Sex", "").lower(), "")}
    return _recording(header.stem, source, said.get("Dx", "").split(","), **facts)


def _recording(name: str, source: dict[str, Any], codes: list[str], **overrides: Any) -> Recording:
    known = label_maps()["cpsc"]
    labels = tuple(known[code] for code in codes if code in known)
    return recording("CPSC2018", "ecg", f"cpsc2018_{name}", f"cpsc2018_{name}", source, labels=labels, **overrides)


def _of_structure(entry: Recording, _: bytes) -> Study:
    """Read the challenge's MATLAB structure: sex, age and twelve leads in mV."""
    from scipy.io import loadmat

    (file,) = present([entry.source["file"]])
    try:
        found = loadmat(file, squeeze_me=True)["ECG"]
        samples, age = np.asarray(found["data"].item(), np.float32), number(str(found["age"].item()))
        sex = SEXES.get(str(found["sex"].item()).lower(), "")
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise IntakeError(f"The file {file.name} holds no ECG structure: download it again.") from error
    if samples.ndim != 2 or samples.shape[0] != len(ECG_LEADS):
        raise IntakeError(f"The file {file.name} does not hold twelve leads: download it again.")
    return replace(entry.of_trace(Trace(samples, ECG_LEADS, FS_HZ, "mV")), facts={"age": age, "sex": sex})
