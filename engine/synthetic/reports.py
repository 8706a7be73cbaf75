"""Short invented reports, composed of the wordings in reports.toml: a film report, an ECG statement, a line on pulse.

A finding is said only where its label stands; what is absent may be denied; a follow-up is compared with the encounter
before it. Numbers are the encounter's own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from engine.synthetic.patients import Encounter

FILE = Path(__file__).with_name("reports.toml")
CLEAR, NORMAL_ECG, FIBRILLATION = "No Finding", "normal ECG", "atrial fibrillation"
DENIED = (1, 3)  # as many denials in a film report
OPENED, COMPARED_ECG, BREATH = 0.6, 0.7, 0.4  # shares of reports that say it


@dataclass(frozen=True)
class Sections:
    """The parts of one report; `pulse` is empty where there is no PPG."""

    film: str
    ecg: str
    pulse: str
    whole: str


def write_sections(encounter: Encounter, before: Encounter | None, rng: np.random.Generator) -> Sections:
    """Return the report of an encounter; `before` is the patient's last encounter, None at the first."""
    film = film_report(encounter, before, rng)
    ecg = ecg_statement(encounter, before, rng)
    pulse = pulse_line(encounter, rng) if encounter.has_ppg else ""
    whole = [_person(encounter, rng) if rng.random() < OPENED else "", film, ecg, pulse]
    return Sections(film, ecg, pulse, " ".join(part for part in whole if part))


def film_report(encounter: Encounter, before: Encounter | None, rng: np.random.Generator) -> str:
    """Return view, findings, denials, comparison and impression of the film."""
    words = wordings()["film"]
    found = [label for label in encounter.film if label != CLEAR]
    order = rng.permutation(len(found))
    said = [_pick(words["findings"][found[i]], rng) for i in order] or [_pick(words["findings"][CLEAR], rng)]
    parts = [_pick(words[f"view_{encounter.view}"], rng), *said, *_denials(found, words["denied"], rng)]
    if before is not None:
        parts.append(_film_compared(found, before, words, rng))
    names = [_pick(words["impression"]["names"][label], rng) for label in found]
    concluded = _joined(names) if names else _pick(words["impression"]["none"], rng)
    return " ".join([*parts, _pick(words["impression"]["start"], rng).format(concluded)])


def ecg_statement(encounter: Encounter, before: Encounter | None, rng: np.random.Generator) -> str:
    """Return rate, rhythm, morphology, comparison and conclusion of the ECG."""
    words = wordings()["ecg"]
    rhythms = [label for label in encounter.ecg if label in words["rhythm"]]
    others = [label for label in encounter.ecg if label in words["statements"]]
    parts = [_pick(words["opening"], rng), _pick(words["rate"], rng).format(rate=f"{encounter.rate_bpm:.0f}")]
    parts += [_pick(words["rhythm"][label], rng) for label in rhythms]
    parts += [_pick(words["statements"][label], rng) for label in others]
    if NORMAL_ECG in encounter.ecg:
        parts.append(_pick(words["calm"], rng))
    if before is not None and rng.random() < COMPARED_ECG:
        parts.append(_ecg_compared(encounter, before, words, rng))
    names = [_pick(words["names"][label], rng) for label in (*others, *rhythms) if label in words["names"]]
    if NORMAL_ECG in encounter.ecg:
        names = [_pick(words["normal"], rng), *names]
    concluded = [_pick(words["conclusion"], rng).format(_joined(names))] if names else []
    return " ".join([*parts, *concluded])


def pulse_line(encounter: Encounter, rng: np.random.Generator) -> str:
    """Return pulse, blood pressure and saturation, the stage of the pressure, and whether the pulse is irregular."""
    words = wordings()["ppg"]
    numbers = {
        "rate": encounter.rate_bpm,
        "systolic": encounter.systolic_mmhg,
        "diastolic": encounter.diastolic_mmhg,
        "spo2": encounter.spo2,
        "respiration": encounter.respiration_bpm,
    }
    said = {name: f"{value:.0f}" for name, value in numbers.items()}
    parts = [_pick(words["pulse"], rng).format(**said)]
    if rng.random() < BREATH:
        parts.append(_pick(words["breath"], rng).format(**said))
    parts += [_pick(words["stages"][label], rng) for label in encounter.ppg if label in words["stages"]]
    if FIBRILLATION in encounter.ppg:
        parts.append(_pick(words["irregular"], rng))
    return " ".join(parts)


@lru_cache(maxsize=1)
def wordings() -> dict[str, Any]:
    """Return reports.toml."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def _person(encounter: Encounter, rng: np.random.Generator) -> str:
    words = wordings()["person"]
    line = _pick(words["opening"], rng).format(age=encounter.age, person=_pick(words[encounter.sex], rng))
    return line[0].upper() + line[1:]


def _denials(findings: Sequence[str], denied: Sequence[dict[str, Any]], rng: np.random.Generator) -> list[str]:
    """Return a few sentences on what is not there."""
    able = [entry for entry in denied if not set(entry["absent"]) & set(findings)]
    count = min(len(able), int(rng.integers(*DENIED, endpoint=True)))
    return [_pick(able[i]["words"], rng) for i in sorted(rng.choice(len(able), count, replace=False))]


def _film_compared(findings: Sequence[str], before: Encounter, words: dict[str, Any], rng: np.random.Generator) -> str:
    """Return one sentence on what is gone, new and unchanged since the film before."""
    names, compared = words["impression"]["names"], words["compared"]
    earlier = [label for label in before.film if label != CLEAR]
    changes = [
        ("gone", [label for label in earlier if label not in findings]),
        ("new", [label for label in findings if label not in earlier]),
        ("same", [label for label in findings if label in earlier]),
    ]
    said = [_pick(compared[kind], rng).format(names[label][0]) for kind, labels in changes for label in labels]
    start = _pick(compared["start"], rng).format(date=before.acquired_at[:10])
    return f"{start} {', '.join(said) or _pick(compared['nothing'], rng)}."


def _ecg_compared(encounter: Encounter, before: Encounter, words: dict[str, Any], rng: np.random.Generator) -> str:
    """Return a sentence on the first statement that is gone or new since the ECG before, or that nothing changed."""
    names, date = words["names"], before.acquired_at[:10]
    gone = [label for label in before.ecg if label not in encounter.ecg and label in names]
    new = [label for label in encounter.ecg if label not in before.ecg and label in names]
    kind, label = ("gone", gone[0]) if gone else ("new", new[0]) if new else ("same", "")
    line = _pick(words["compared"][kind], rng).format(names[label][0] if label else "", date=date)
    return line[0].upper() + line[1:]


def _joined(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _pick(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]
