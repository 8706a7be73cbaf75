"""ECGs and PPGs: real and synthetic groups with encoder features and the shapes by which copies are found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.datasets.open_recordings import Recording, recordings
from engine.evaluate import cache
from engine.evaluate.views import encoder_digest
from engine.study import ECG_LEADS, Trace
from engine.synthetic.checks import beats, encode
from engine.synthetic.checks.group import Group, make_group
from engine.training.data.prepared import windows

if TYPE_CHECKING:
    from engine.model.release import Release

MILLIVOLT, SCORED = "PTB-XL mV", "PTB-XL z-scored"  # one data set, told apart since voltage is in only one of them
PULSES, INTENSIVE = "PPG-BP (Liang 2018)", "BIDMC PPG and Respiration"
PULSE_S = 2.1  # length of a PPG-BP recording
LONG_S = 8.0  # shortest PPG that is compared as a whole trace
RAISED = "hypertension, stage 1 or 2"
ECG_STEP, PPG_STEP = 2, 4  # samples averaged before whole traces are compared: 50 and 31 Hz


def ecg_arrays(release: Release, traces: Sequence[Trace], name: str) -> dict[str, np.ndarray]:
    """ECGs → "release" features, "shape" features with the voltage hidden, typical "beat" and whole "wave"."""
    from tqdm import tqdm

    inputs = encode.trace_inputs("ecg", traces)
    x = inputs["x"]
    hidden = {**inputs, "amplitude": np.zeros_like(inputs["amplitude"]), "flags": inputs["flags"].copy()}
    hidden["flags"][:, 12:] = 0
    leads = list(beats.INDEPENDENT)
    listed = tqdm(x, f"{name}: beats", mininterval=10, disable=len(x) < encode.QUIET)
    return {
        "release": encode.trace_features(release, "ecg", inputs),
        "shape": encode.trace_features(release, "ecg", hidden),
        "beat": np.stack([beats.typical(one[leads], beats.r_peaks(one, 100.0), 100.0) for one in listed]),
        "wave": beats.coarse(x[:, leads], ECG_STEP),
    }


def ppg_arrays(release: Release, traces: Sequence[Trace]) -> dict[str, np.ndarray]:
    """PPGs of at most 10 s → "release" features, typical "beat", whole "wave" and its "length" as a share of 10 s."""
    inputs = encode.trace_inputs("ppg", traces)
    x = inputs["x"]
    return {
        "release": encode.trace_features(release, "ppg", inputs),
        "beat": np.stack([beats.typical(one, beats.systolic_peaks(one[0], 125.0), 125.0, min_beats=1) for one in x]),
        "wave": beats.coarse(x, PPG_STEP),
        "length": inputs["length"],
    }


def real_ecgs(release: Release, path: Path, folder: Path = cache.CACHE) -> Group:
    """Return every open 12-lead ECG; encoded once per release and kept in `folder`."""
    listed = [r for r in recordings(path, modality="ecg") if "lead" not in r.source]
    ids = "\n".join(f"{r.study_id} {r.split}" for r in listed)

    def compute() -> dict[str, np.ndarray]:
        return ecg_arrays(release, [_trace(r) for r in listed], "real ECGs")

    spaces = cache.cached_arrays(folder / f"real-ecg-{cache.key(encoder_digest(release, 'ecg'), ids)}.npz", compute)
    rows = [(r.study_id, r.patient_id, r.encounter_id, _ecg_set(r), r.split, r.labels) for r in listed]
    return make_group("ecg", rows, spaces)


def real_ppgs(release: Release, path: Path, folder: Path = cache.CACHE) -> Group:
    """Return every open PPG, longer ones as 10 s windows; encoded once per release and kept in `folder`."""
    listed = recordings(path, modality="ppg")
    cut = [(r, n, window) for r in listed for n, window in enumerate(windows(_trace(r)))]
    ids = "\n".join(f"{r.study_id} {n} {r.split}" for r, n, _ in cut)

    def compute() -> dict[str, np.ndarray]:
        return ppg_arrays(release, [window for _, _, window in cut])

    spaces = cache.cached_arrays(folder / f"real-ppg-{cache.key(encoder_digest(release, 'ppg'), ids)}.npz", compute)
    rows = [
        (f"{r.study_id}#{n}", r.patient_id, r.encounter_id, r.dataset, r.split, ppg_labels(r.labels)) for r, n, _ in cut
    ]
    return make_group("ppg", rows, spaces)


def ppg_labels(labels: Sequence[str]) -> set[str]:
    """Return the labels, and RAISED where a stage of hypertension is among them: single stages are few."""
    raised = any(label.endswith("hypertension") and label.startswith("Stage") for label in labels)
    return {*labels, RAISED} if raised else set(labels)


def first_seconds(trace: Trace, seconds: float) -> Trace:
    """Return the beginning of a trace, as long as a PPG-BP recording."""
    return trace.between(0.0, min(seconds, trace.duration_s))


def _trace(recording: Recording) -> Trace:
    content = recording.study().content
    if not isinstance(content, Trace):
        raise TypeError(f"{recording.study_id} is no trace")
    return content


def _ecg_set(recording: Recording) -> str:
    if recording.dataset != "PTB-XL":
        return recording.dataset
    return MILLIVOLT if recording.source["units"] == "mV" else SCORED


def noise_traces(n: int, leads: tuple[str, ...], fs: float, seconds: float, seed: int = 0) -> list[Trace]:
    """Return n traces of white noise of 0.3 units deviation: the bad baseline."""
    rng, units = np.random.default_rng(seed), "mV" if leads == ECG_LEADS else "au"
    shape = (len(leads), round(fs * seconds))
    return [Trace(rng.normal(0, 0.3, shape).astype(np.float32), leads, fs, units) for _ in range(n)]  # type: ignore[arg-type]
