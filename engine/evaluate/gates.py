"""`casebind evaluate gates`: does the quality gate hold for people whom no limit has seen?

Every data set is judged by limits that were chosen without it (engine.training.quality_left_out), films also by a film
space that was fitted without it. A recording counts as usable where its pulse rate agrees, within 5 per minute or 10 %,
with the reference rate or with that of a second beat finder; a film is usable as its data set publishes it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.datasets.open_recordings import recordings
from engine.datasets.recording import Recording
from engine.evaluate.gate_films import judged_films
from engine.evaluate.recording_facts import pulse_facts
from engine.intake.quality.judge import choose_window, judge
from engine.intake.quality.rate import rate_of
from engine.metrics.heart_rate import heart_rate
from engine.study import Study, Trace
from engine.training.quality_gate import one_lead, wilson
from engine.training.quality_left_out import FITTED, GateReading, accepted_by, chosen
from engine.training.quality_spoilt import spoilt_traces, taken_for_another

AGES = (0, 20, 40, 60, 80)
RATES = (0, 50, 60, 80, 100, 120)
WITHIN, WITHIN_SHARE = 5.0, 0.1  # per minute, or of the reference
SEED = 21
RULE = "of each data set chosen without it: see engine.training.quality_left_out"


@dataclass(frozen=True)
class GateSample:
    """How many recordings are judged of a data set at most (0: all), and how many of them are spoilt too."""

    most: int = 0
    spoilt: int = 20


def agrees(rate: float, reference: float | None) -> bool:
    """Whether two rates are the same: within 5 per minute or 10 %."""
    return reference is not None and abs(rate - reference) <= max(WITHIN, WITHIN_SHARE * reference)


def has_pulse(trace: Trace, modality: str, reference: float | None) -> bool:
    """Whether the rate found agrees with the reference or with a second finder (ECG: slope; PPG: Elgendi's peaks)."""
    found = rate_of(trace)
    if found is None or modality == "ecg":
        return found is not None  # the two finders of an ECG agree, or no rate is given
    return agrees(found.per_minute, reference) or agrees(found.per_minute, _second_rate(trace))


def _second_rate(trace: Trace) -> float | None:
    import neurokit2

    row = np.nan_to_num(trace.samples[0].astype(np.float64))
    try:
        clean = neurokit2.ppg_clean(row, sampling_rate=trace.fs)
        peaks = neurokit2.ppg_findpeaks(clean, sampling_rate=trace.fs, method="elgendi")["PPG_Peaks"]
    except (ValueError, IndexError, ZeroDivisionError):  # too short for its filter, or without any peak
        return None
    return heart_rate(np.asarray(peaks) / trace.fs) if len(peaks) > 2 else None


def band(value: float | None, edges: Sequence[int]) -> str:
    """Return "20–39", "80 and more", or "unknown"."""
    if value is None:
        return "unknown"
    at = int(np.searchsorted(edges, value, side="right")) - 1
    return f"{edges[at]} and more" if at == len(edges) - 1 else f"{edges[at]}–{edges[at + 1] - 1}"


def groups_of(one: Recording, further: dict[str, str]) -> dict[str, str]:
    """Return what a recording counts under beside its data set."""
    known = {"sex": one.sex or "unknown", "age": band(one.age, AGES), **further}
    return known if one.modality == "cxr" else known | {"rate": band(one.heart_rate, RATES)}


def drawn(listed: Sequence[Recording], setting: GateSample) -> Iterator[tuple[Recording, bool]]:
    """Yield at most `most` recordings of each modality and data set, and whether each is spoilt too."""
    sets: dict[tuple[str, str], list[Recording]] = defaultdict(list)
    for one in listed:
        sets[one.modality, one.dataset].append(one)
    for of_set in sets.values():
        order = np.random.default_rng(SEED).permutation(len(of_set))[: setting.most or None]
        yield from ((of_set[at], place < setting.spoilt) for place, at in enumerate(order))


def judged_traces(folder: Path, setting: GateSample) -> list[GateReading]:
    """Judge ECGs, their lead II alone, pulses, and what is made of some of them."""
    listed, devices = [one for one in recordings(folder) if one.modality != "cxr"], pulse_facts(folder)
    found, rng = [], np.random.default_rng(SEED)
    for one, spoil in drawn(listed, setting):
        study = choose_window(one.study())
        trace = study.searched
        if not isinstance(trace, Trace):
            continue
        groups, usable = groups_of(one, devices.get(one.study_id, {})), has_pulse(trace, one.modality, one.heart_rate)
        real = GateReading(one.modality, one.dataset, "real", groups, usable, judge(study))
        found.append(real)
        if len(trace.leads) > 1:
            alone = one_lead(Study("ecg", trace, ""), "II")
            usable = has_pulse(alone.searched, "ecg", one.heart_rate) if isinstance(alone.searched, Trace) else False
            found.append(replace(real, dataset=f"{one.dataset}, lead II alone", usable=usable, verdict=judge(alone)))
        if spoil and usable:
            found += spoilt_of(real, trace, rng)
    return found


def spoilt_of(real: GateReading, trace: Trace, rng: np.random.Generator) -> list[GateReading]:
    """Judge what must be refused of one recording; what is taken for the other modality counts under that one."""
    made = [
        replace(real, kind=name, verdict=judge(Study(real.modality, spoilt, "")))
        for name, spoilt in spoilt_traces(trace, rng).items()
    ]
    other: Any = "ecg" if real.modality == "ppg" else "ppg"
    verdict = judge(Study(other, taken_for_another(trace), ""))
    return [*made, replace(real, modality=other, kind=f"{real.modality} given as {other}", verdict=verdict)]


def source(one: GateReading) -> str:
    """Return the data set whose people a recording shows, whichever of its leads are judged."""
    return one.dataset.removesuffix(", lead II alone")


def decided(judged: Sequence[GateReading]) -> list[tuple[GateReading, bool]]:
    """Decide every trace by limits that were chosen without its data set."""
    limits = {
        (modality, name): chosen([one for one in judged if source(one) != name], modality)
        for modality in FITTED
        for name in {source(one) for one in judged if one.modality == modality}
    }
    return [(one, accepted_by(one, limits[one.modality, source(one)])) for one in judged]


def row(by: str, group: str, modality: str, kind: str, decisions: Sequence[tuple[GateReading, bool]]) -> dict[str, Any]:
    """Return n, accepted, share and Wilson interval of what is usable (or spoilt), and of all beside it."""
    usable = [accepted for one, accepted in decisions if one.usable]
    every = [accepted for _, accepted in decisions]
    low, high = wilson(sum(usable), len(usable))
    return {
        "modality": modality,
        "by": by,
        "group": group,
        "kind": kind,
        "n": len(usable),
        "accepted": sum(usable),
        "share": round(sum(usable) / len(usable), 4) if usable else None,
        "interval_95": [round(low, 4), round(high, 4)],
        "n_all": len(every),
        "accepted_all": sum(every),
    }


def rows_of(decisions: Sequence[tuple[GateReading, bool]]) -> list[dict[str, Any]]:
    """Count by data set, by every other group of the real recordings, and by how recordings were spoilt."""
    cells: dict[tuple[str, str, str, str], list[tuple[GateReading, bool]]] = defaultdict(list)
    for one, accepted in decisions:
        kind = "real" if one.kind == "real" else "spoilt"
        cells["data set", one.dataset, one.modality, kind].append((one, accepted))
        if kind == "spoilt":
            cells["how it was spoilt", one.kind, one.modality, kind].append((one, accepted))
        else:
            for by, group in one.groups.items():
                cells[by, group, one.modality, kind].append((one, accepted))
    return [row(by, group, modality, kind, found) for (by, group, modality, kind), found in sorted(cells.items())]


def evaluate(folder: Path, cache: Path, setting: GateSample | None = None) -> dict[str, Any]:
    """Return {"limits": how they were chosen, "rows": accepted share by data set and group, real and spoilt}."""
    setting = setting or GateSample()
    decisions = decided(judged_traces(folder, setting))
    films = [(one, of_set) for one, of_set in drawn(recordings(folder, modality="cxr"), setting)]
    decisions += judged_films(films, groups_of, cache)
    return {"limits": RULE, "most": setting.most, "spoilt": setting.spoilt, "rows": rows_of(decisions)}


def as_table(found: dict[str, Any]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| | by | group | | n | accepted | 95 % | of all |", "|---|---|---|---|--:|--:|---|---|"]
    for one in found["rows"]:
        share = "–" if one["share"] is None else f"{100 * one['share']:.1f} %"
        low, high = (100 * value for value in one["interval_95"])
        lines.append(
            f"| {one['modality']} | {one['by']} | {one['group']} | {one['kind']} | {one['n']} | {share} | "
            f"{low:.1f}–{high:.1f} | {one['accepted_all']} of {one['n_all']} |"
        )
    return "\n".join(lines)


def as_json(found: dict[str, Any]) -> str:
    """Return the figures as JSON."""
    return json.dumps(found, indent=1, ensure_ascii=False)
