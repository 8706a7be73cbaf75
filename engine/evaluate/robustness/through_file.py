"""The file path: attacked inputs written as files and read again by the intake and the release's own preparation.

Films become 8-bit PNGs of 224 × 224 pixels, traces become tables of samples in steps of 0.001 (mV, or deviations).
"""

from __future__ import annotations

import io

import numpy as np

from engine.evaluate.robustness.attacks import PreparedInputs
from engine.intake.read import read
from engine.intake.upload import Answers, Upload
from engine.modalities import spec_of
from engine.study import PPG_LEAD, Study


def studies_through_files(modality: str, inputs: PreparedInputs) -> list[Study]:
    """Return the studies that the intake reads from files of these inputs, in their order."""
    write = _film_file if modality == "cxr" else _trace_file
    answers = Answers() if modality == "cxr" else Answers(modality=modality, fs=spec_of(modality).model_fs)
    studies = []
    for i in range(len(inputs.x)):
        upload, units = write(modality, inputs.take([i]))
        studies.append(read([upload], Answers(answers.modality, answers.fs, units)))
    return studies


def _film_file(_: str, inputs: PreparedInputs) -> tuple[Upload, None]:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.round(inputs.x[0, 0].numpy() * 255).astype(np.uint8)).save(out, format="PNG")
    return Upload("film.png", out.getvalue()), None


def _trace_file(modality: str, inputs: PreparedInputs) -> tuple[Upload, str]:
    """Return a table with one row a sample, in millivolts where the amplitudes of all leads are known."""
    x, leads, units = inputs.x[0].numpy().astype(np.float64), spec_of(modality).leads, "sd"
    real = round(float(inputs.others["length"][0]) * x.shape[1])
    rows = np.arange(len(leads))
    if "flags" in inputs.others:
        flags = inputs.others["flags"][0].numpy()
        rows = np.flatnonzero(flags[: len(leads)])
        if flags[len(leads) :][rows].all():
            x, units = x * 10 ** inputs.others["amplitude"][0].numpy()[:, None], "mV"
    names = [leads[row] for row in rows] if modality != "ppg" else [PPG_LEAD]
    lines = [",".join(names)]
    lines += [",".join(f"{value:.3f}" for value in sample) for sample in x[rows, :real].T]
    return Upload("trace.csv", "\n".join(lines).encode()), "au" if modality == "ppg" else units
