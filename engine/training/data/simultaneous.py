"""Windows of recordings made at the same time, cut anywhere in them: what teaches PPG and ECG to recognise each other.

The grid windows of engine.training.data.prepared meet each moment once; a 60 s recording has many more to show. Most windows
are longer or shorter than ten seconds and are played at the speed that makes them ten: a patient then comes with many
rates, so that who it is says little about the rate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.training.data.prepared import WINDOW_S
from engine.datasets.recording import Recording
from engine.metrics.heart_rate import MIN_BEATS, heart_rate, peaks_of
from engine.model import ecg, ppg
from engine.study import Trace

FILE = "simultaneous.npz"
CUTS = 16  # windows per recording: the first as it is, the others anywhere in it
AS_IS = 4  # of them at their own speed
SPEEDS = (0.62, 1.7)  # of the others, spread evenly over the logarithm
PREPARE = {"ppg": ppg.prepare, "ecg": ecg.prepare}


@dataclass(frozen=True)
class SimultaneousWindows:
    """inputs[modality][name][i] belong to window i; patients, encounters and splits (n,) str, starts (n,) s.

    rates  : (n,) beats per minute by the ECG's R peaks, NaN where none are found
    speeds : (n,) 1 for windows as they were recorded
    """

    inputs: dict[str, dict[str, np.ndarray]]
    patients: np.ndarray
    encounters: np.ndarray
    splits: np.ndarray
    starts: np.ndarray
    rates: np.ndarray
    speeds: np.ndarray


def mean_rate(trace: Trace) -> float:
    """Return the mean heart rate of an ECG over its R peaks, beats per minute; NaN with fewer than four."""
    return heart_rate(peaks_of(trace), trace.fs, statistic="mean", min_beats=MIN_BEATS)


def couples(recordings: Iterable[Recording]) -> Iterator[tuple[Recording, Recording]]:
    """Yield (PPG, ECG) of every encounter that has both."""
    by_encounter: dict[str, dict[str, Recording]] = defaultdict(dict)
    for one in recordings:
        if one.modality in PREPARE:
            by_encounter[one.encounter_id][one.modality] = one
    yield from ((both["ppg"], both["ecg"]) for both in by_encounter.values() if len(both) == len(PREPARE))


def cuts(pulse: Trace, heart: Trace, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Return (start in s, speed) of windows in two simultaneous traces; none where they are shorter than a window."""
    length = min(pulse.duration_s, heart.duration_s)
    if length < WINDOW_S:
        return []
    slow, fast = np.log(SPEEDS)
    speeds = np.exp(rng.uniform(slow, fast, CUTS))
    speeds[:AS_IS] = 1
    speeds = np.minimum(speeds, length / WINDOW_S)
    starts = rng.uniform(0, 1, CUTS) * (length - WINDOW_S * speeds)
    starts[0] = 0
    return [(float(start), float(speed)) for start, speed in zip(starts, speeds, strict=True)]


def time_stretched(trace: Trace, start: float, speed: float) -> Trace:
    """Return the window of ten seconds that begins at `start` when the trace is played at a speed."""
    return replace(trace.between(start, start + WINDOW_S * speed), fs=trace.fs * speed)


def build(recordings: Iterable[Recording], cache: Path, seed: int = 0) -> None:
    """Write simultaneous.npz to the cache; nothing where no encounter has both traces."""
    rng = np.random.default_rng(seed)
    made: dict[str, list[np.ndarray]] = defaultdict(list)
    for both in couples(recordings):
        content = [one.study().content for one in both]
        pulse, heart = (one for one in content if isinstance(one, Trace))
        for start, speed in cuts(pulse, heart, rng):
            for one, trace in zip(both, (pulse, heart), strict=True):
                inputs = PREPARE[one.modality](time_stretched(trace, start, speed))
                for name, array in inputs.items():
                    made[f"{one.modality}.{name}"].append(array.astype(np.float16))
            made["rates"].append(np.array(speed * mean_rate(heart.between(start, start + WINDOW_S * speed))))
            known = {"patients": both[0].patient_id, "encounters": both[0].encounter_id, "splits": both[0].split}
            for name, value in {**known, "starts": start, "speeds": speed}.items():
                made[name].append(np.array(value))
    if made:
        np.savez(cache / FILE, **{name: np.stack(arrays) for name, arrays in made.items()})  # type: ignore[arg-type]


def load(cache: Path) -> SimultaneousWindows | None:
    """Read the windows back; None where the cache has none."""
    if not (cache / FILE).is_file():
        return None
    with np.load(cache / FILE) as archive:
        arrays = {name: archive[name] for name in archive.files}
    inputs = {m: {n.split(".", 1)[1]: a for n, a in arrays.items() if n.startswith(f"{m}.")} for m in PREPARE}
    return SimultaneousWindows(inputs, **{name: array for name, array in arrays.items() if "." not in name})
