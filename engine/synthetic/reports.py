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

from engine.findings import findings_of_label
from engine.reference import ReferenceFinding, of_label
from engine.synthetic.patients import Encounter

FILE = Path(__file__).with_name("reports.toml")
OEDEMA = "Edema"
CLEAR, NORMAL_ECG, FIBRILLATION = "No Finding", "normal ECG", "atrial fibrillation"
SIZE_CHANGE, CTR_CHANGE = 1.25, 1.05  # ratio from which a finding has grown
DENIED = (1, 3)  # as many denials in a film report
OPENED, COMPARED_ECG, BREATH = 0.6, 0.7, 0.4  # shares of reports that say it


@dataclass(frozen=True)
class Sections:
    """The parts of one report; `pulse` is empty where there is no PPG."""

    film: str
    ecg: str
    pulse: str
    whole: str


@dataclass(frozen=True)
class FilmChange:
    """What was painted on an encounter's film, and on the film before it."""

    now: tuple[ReferenceFinding, ...] = ()
    before: tuple[ReferenceFinding, ...] = ()


def write_sections(
    encounter: Encounter, before: Encounter | None, rng: np.random.Generator, painted: FilmChange = FilmChange()
) -> Sections:
    """Return the report of an encounter; `before` is the patient's last encounter, None at the first."""
    film = film_report(encounter, before, rng, painted)
    ecg = ecg_statement(encounter, before, rng)
    pulse = pulse_line(encounter, rng) if encounter.has_ppg else ""
    whole = [_person(encounter, rng) if rng.random() < OPENED else "", film, ecg, pulse]
    return Sections(film, ecg, pulse, " ".join(part for part in whole if part))


def film_report(
    encounter: Encounter, before: Encounter | None, rng: np.random.Generator, painted: FilmChange = FilmChange()
) -> str:
    """Return view, findings, denials, comparison and impression of the film.

    Of a painted finding its own words are said, with side, place and measures.
    """
    words = wordings()["film"]
    found = [label for label in encounter.film if label != CLEAR]
    order = rng.permutation(len(found))
    plain = [_pick(words["findings"][found[i]], rng) for i in order] or [_pick(words["findings"][CLEAR], rng)]
    said = (
        [_shown(found[i], sentence, painted.now) for i, sentence in zip(order, plain, strict=True)] if found else plain
    )
    beside = [one.words for one in painted.now if one.label not in ("", *encounter.film)]  # lines and tubes
    parts = [_pick(words[f"view_{encounter.view}"], rng), *said, *beside, *_denials(found, words["denied"], rng)]
    if before is not None:
        parts.append(_film_compared(found, before, words, rng, painted=painted))
    names = [_sided(_pick(words["impression"]["names"][label], rng), of_label(painted.now, label)) for label in found]
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


def _shown(label: str, plain: str, painted: Sequence[ReferenceFinding]) -> str:
    """Return what is said of a label: the words of its painted finding, or the plain ones with side and place.

    A finding speaks for itself where its kind has the label's own name; a pneumonia is said as one, not as what it is
    painted as.
    """
    own = of_label(painted, label)
    if not own:
        return plain
    if all(findings_of_label(one.kind) & findings_of_label(label) for one in own):
        return " ".join(dict.fromkeys(one.words for one in own))
    places = " and ".join(f"{_side(one)} {one.place}".strip() for one in own)
    return f"{plain.rstrip('.')}, {places}." if places else plain


def _side(one: ReferenceFinding) -> str:
    return "bilateral" if one.side == "both" else one.side


def _sided(name: str, own: Sequence[ReferenceFinding]) -> str:
    """Return a finding's name with its side, e.g. "left pleural effusion"; oedema is of both sides unless said."""
    sides = {one.side for one in own if one.label != OEDEMA} - {""}
    if not sides:
        return name
    return f"{'bilateral' if len(sides) > 1 or 'both' in sides else sides.pop()} {name}"


def change(now: Sequence[ReferenceFinding], before: Sequence[ReferenceFinding]) -> str:
    """Return "larger", "smaller" or "same": how what all the findings of a label measure compares with before."""
    sums = [_total(findings) for findings in (now, before)]
    shared = [name for name in sums[0] if sums[1].get(name)]
    if not shared:
        return "same"
    name = shared[0]
    ratio, needed = sums[0][name] / sums[1][name], CTR_CHANGE if name == "ctr" else SIZE_CHANGE
    return "larger" if ratio >= needed else "smaller" if ratio <= 1 / needed else "same"


def _total(findings: Sequence[ReferenceFinding]) -> dict[str, float]:
    total: dict[str, float] = {}
    for name, value in (pair for one in findings for pair in one.measured):
        total[name] = total.get(name, 0.0) + value
    return total


def _film_compared(
    findings: Sequence[str], before: Encounter, words: dict[str, Any], rng: np.random.Generator, *, painted: FilmChange
) -> str:
    """Return one sentence on what is gone, new, larger, smaller and unchanged since the film before."""
    names, compared = words["impression"]["names"], words["compared"]
    earlier = [label for label in before.film if label != CLEAR]
    changes = [
        ("gone", [label for label in earlier if label not in findings]),
        ("new", [label for label in findings if label not in earlier]),
        ("same", [label for label in findings if label in earlier]),
    ]
    said = []
    for kind, label in ((kind, label) for kind, labels in changes for label in labels):
        plain = _pick(compared[kind], rng)
        changed = change(of_label(painted.now, label), of_label(painted.before, label)) if kind == "same" else kind
        said.append((plain if changed == kind else compared[changed][0]).format(names[label][0]))
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
