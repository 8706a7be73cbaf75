"""Every check of ECGs and PPGs against the open recordings, but for those that need a whole encounter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.evaluate import cache
from engine.evaluate.views import encoder_digest
from engine.study import ECG_LEADS, PPG_LEAD, Trace
from engine.synthetic.checks import copies, fidelity, pairs, pictures, traces, words
from engine.synthetic.checks.films import cached_reader
from engine.synthetic.checks.group import Group, make_group

if TYPE_CHECKING:
    from engine.model.release import Release

# name → (data sets that teach and test, feature space of both sides)
ECG_READINGS = {
    "ECG, PTB-XL pooled": ((traces.MILLIVOLT, traces.SCORED), "release"),
    "ECG, PTB-XL in mV": ((traces.MILLIVOLT,), "release"),
    "ECG, PTB-XL z-scored (voltage hidden)": ((traces.SCORED,), "shape"),
}
NOISE = 60  # traces of the bad baseline


def check_ecgs(
    release: Release, real: Group, ours: Group, pictures_folder: Path | None, folder: Path = cache.CACHE
) -> dict[str, Any]:
    """Return fidelity, realism and memorisation of a group of synthetic ECGs."""
    found: dict[str, Any] = {"fidelity": {}, "realism": {}}
    for name, (sets, space) in ECG_READINGS.items():
        train, valid, test = (real.of_split(split, sets) for split in ("train", "valid", "test"))
        reader = cached_reader(train, valid, space, folder)
        found["fidelity"][name] = fidelity.fidelity(reader, test, ours, space)
    noise = _noise_group(release, "ecg")
    for name, sets, space in (
        ("ECG, PTB-XL in mV", (traces.MILLIVOLT,), "release"),
        ("ECG, PTB-XL all (voltage hidden)", (traces.MILLIVOLT, traces.SCORED), "shape"),
    ):
        train, test = real.of_split("train", sets), real.of_split("test", sets)
        rows = pairs.overall(train, test, ours, space, ("white noise", noise))
        found["realism"][name] = rows + pairs.by_label(train, ours, space)
    searched = copies.search(
        real.of_split("train"),
        real.of_split("test"),
        ours,
        copies.ECG_SIMILARITIES,
        folder=folder,
        release=encoder_digest(release, "ecg"),
    )
    _draw(searched, real.of_split("train"), ours, "ecg", pictures_folder)
    return {**found, "memorisation": copies.figures(searched)}


def check_ppgs(
    release: Release,
    real: Group,
    ours: Group,
    short: Group,
    pictures_folder: Path | None,
    *,
    folder: Path = cache.CACHE,
) -> dict[str, Any]:
    """Return the same of synthetic PPGs; `short` holds their first PULSE_S, to be held against PPG-BP's recordings."""
    pulses = {split: real.of_split(split, [traces.PULSES]) for split in ("train", "valid", "test")}
    reader = cached_reader(pulses["train"], pulses["valid"], "release", folder)
    name = f"PPG, PPG-BP ({traces.PULSE_S:g} s)"
    found: dict[str, Any] = {"fidelity": {name: fidelity.fidelity(reader, pulses["test"], short, "release")}}
    intensive = {split: real.of_split(split, [traces.INTENSIVE]) for split in ("train", "test")}
    brief, noise = (_noise_group(release, "ppg", seconds) for seconds in (traces.PULSE_S, 10.0))
    found["realism"] = {
        name: pairs.overall(pulses["train"], pulses["test"], short, "release", ("white noise", brief))
        + pairs.by_label(pulses["train"], short, "release"),
        "PPG, BIDMC (10 s, intensive care)": pairs.overall(
            intensive["train"], intensive["test"], ours, "release", ("white noise", noise)
        ),
    }
    long = real.take(real.spaces["length"] * 10 >= traces.LONG_S)
    found["memorisation"] = {}
    for kind, whole, mine in (("10 s", long, ours), (f"{traces.PULSE_S:g} s", real.of_dataset(traces.PULSES), short)):
        searched = copies.search(
            whole.of_split("train"),
            whole.of_split("test"),
            mine,
            copies.PPG_SIMILARITIES,
            folder=folder,
            release=encoder_digest(release, "ppg"),
        )
        _draw(searched, whole.of_split("train"), mine, f"ppg-{kind.replace(' ', '')}", pictures_folder)
        found["memorisation"] |= {f"{space}, {kind}": figures for space, figures in copies.figures(searched).items()}
    return found


def ecg_report(
    made: Sequence[Trace], labels: Sequence[Iterable[str]], path: Path, pictures_folder: Path | None = None
) -> dict[str, Any]:
    """Check drawn ECGs (12-lead traces in mV) with their PTB-XL statements; as film_report, from arrays."""
    from engine.model.release import load_release

    release = load_release()
    ours = _drawn("ecg", labels, synthetic_ecgs(release, made))
    found = check_ecgs(release, traces.real_ecgs(release, path), ours, pictures_folder)
    return {**found, "text": words.modality_report("ECGs", found)}


def ppg_report(
    made: Sequence[Trace], labels: Sequence[Iterable[str]], path: Path, pictures_folder: Path | None = None
) -> dict[str, Any]:
    """Check drawn PPGs (one lead) with their labels; as film_report, from arrays."""
    from engine.model.release import load_release

    release = load_release()
    whole, brief = synthetic_ppgs(release, made)
    held = [traces.ppg_labels(tuple(one)) for one in labels]
    ours, short = _drawn("ppg", held, whole), _drawn("ppg", held, brief)
    found = check_ppgs(release, traces.real_ppgs(release, path), ours, short, pictures_folder)
    return {**found, "text": words.modality_report("PPGs", found)}


def _drawn(modality: str, labels: Sequence[Iterable[str]], spaces: dict[str, np.ndarray]) -> Group:
    names = [f"{modality}-{i:04d}" for i in range(len(labels))]
    rows = [(name, name, name, "synthetic", "synthetic", held) for name, held in zip(names, labels, strict=True)]
    return make_group(modality, rows, spaces)


def _noise_group(release: Release, modality: str, seconds: float = 10.0) -> Group:
    leads, fs = (ECG_LEADS, 100.0) if modality == "ecg" else ((PPG_LEAD,), 125.0)
    made = traces.noise_traces(NOISE, leads, fs, seconds)
    names = np.array([f"noise-{i}" for i in range(NOISE)])
    arrays = traces.ecg_arrays(release, made, "noise") if modality == "ecg" else traces.ppg_arrays(release, made)
    return Group(modality, names, names, names, names, names, (frozenset(),) * NOISE, arrays)


def _draw(
    searched: dict[str, copies.CopySearch], train: Group, ours: Group, name: str, pictures_folder: Path | None
) -> None:
    """Write the closest ten pairs of every space; whole traces for features, else what was compared."""
    if pictures_folder is None:
        return
    for space, found in searched.items():
        index = pictures.closest(found.distances)
        there = found.nearest[index]
        drawn = space if space in ("beat", "wave") else "wave"
        sides = list(zip(ours.spaces[drawn][index], train.spaces[drawn][there], strict=True))
        names = [
            (f"{ours.ids[i]}  {found.distances[i]:.3f}", f"{train.ids[j]} ({train.datasets[j]})")
            for i, j in zip(index, there, strict=True)
        ]
        title = f"{name}, {space}, limit {found.figures['limit']:.3f}"
        pictures.save(pictures_folder / f"closest-{name}-{space}.png", title, sides, names, pictures.lines)


def synthetic_ecgs(release: Release, made: Sequence[Trace]) -> dict[str, np.ndarray]:
    """Return the spaces of synthetic ECGs."""
    return traces.ecg_arrays(release, made, "synthetic ECGs")


def synthetic_ppgs(release: Release, made: Sequence[Trace]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the spaces of synthetic PPGs' first 10 s, and of their first PULSE_S."""
    whole = traces.ppg_arrays(release, [traces.first_seconds(t, 10.0) for t in made])
    return whole, traces.ppg_arrays(release, [traces.first_seconds(t, traces.PULSE_S) for t in made])
