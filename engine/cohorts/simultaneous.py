"""Windows of recordings made at the same time, cut anywhere in them: what teaches PPG and ECG to recognise each other.

The grid windows of engine.cohorts.prepared meet each moment once; a 60 s recording has many more to show.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.cohorts.prepared import WINDOW_S
from engine.cohorts.recording import Recording
from engine.encoders import ecg, ppg
from engine.study import Trace

FILE = "simultaneous.npz"
CUTS = 12  # windows per recording: one at its start, the others anywhere
PREPARE = {"ppg": ppg.prepare, "ecg": ecg.prepare}


@dataclass(frozen=True)
class Simultaneous:
    """inputs[modality][name][i] belong to window i; patients, encounters and splits (n,) str, starts (n,) s."""

    inputs: dict[str, dict[str, np.ndarray]]
    patients: np.ndarray
    encounters: np.ndarray
    splits: np.ndarray
    starts: np.ndarray


def couples(recordings: Iterable[Recording]) -> Iterator[tuple[Recording, Recording]]:
    """Yield (PPG, ECG) of every encounter that has both."""
    by_encounter: dict[str, dict[str, Recording]] = defaultdict(dict)
    for one in recordings:
        if one.modality in PREPARE:
            by_encounter[one.encounter_id][one.modality] = one
    yield from ((both["ppg"], both["ecg"]) for both in by_encounter.values() if len(both) == len(PREPARE))


def cuts(pulse: Trace, heart: Trace, rng: np.random.Generator) -> np.ndarray:
    """Return where to cut two simultaneous traces, seconds; none where they are shorter than a window."""
    room = min(pulse.duration_s, heart.duration_s) - WINDOW_S
    return np.concatenate([[0.0], rng.uniform(0, room, CUTS - 1)]) if room >= 0 else np.empty(0)


def build(recordings: Iterable[Recording], cache: Path, seed: int = 0) -> None:
    """Write simultaneous.npz to the cache; nothing where no encounter has both traces."""
    rng = np.random.default_rng(seed)
    made: dict[str, list[np.ndarray]] = defaultdict(list)
    for both in couples(recordings):
        content = [one.study().content for one in both]
        pulse, heart = (one for one in content if isinstance(one, Trace))
        for start in cuts(pulse, heart, rng):
            for one, trace in zip(both, (pulse, heart), strict=True):
                inputs = PREPARE[one.modality](trace.between(start, start + WINDOW_S))
                for name, array in inputs.items():
                    made[f"{one.modality}.{name}"].append(array.astype(np.float16))
            known = {"patients": both[0].patient_id, "encounters": both[0].encounter_id, "splits": both[0].split}
            for name, value in {**known, "starts": start}.items():
                made[name].append(np.array(value))
    if made:
        np.savez(cache / FILE, **{name: np.stack(arrays) for name, arrays in made.items()})  # type: ignore[arg-type]


def load(cache: Path) -> Simultaneous | None:
    """Read the windows back; None where the cache has none."""
    if not (cache / FILE).is_file():
        return None
    with np.load(cache / FILE) as archive:
        arrays = {name: archive[name] for name in archive.files}
    inputs = {m: {n.split(".", 1)[1]: a for n, a in arrays.items() if n.startswith(f"{m}.")} for m in PREPARE}
    return Simultaneous(inputs, arrays["patients"], arrays["encounters"], arrays["splits"], arrays["starts"])
