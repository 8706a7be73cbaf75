"""The open recordings as populations whose groups are compared, and what the quality gate says of each recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.datasets.open_recordings import Recording, recordings
from engine.evaluate import fairness
from engine.evaluate.cache import cached_arrays, key
from engine.evaluate.evaluation_sides import EDGES, embed_texts, first_windows
from engine.evaluate.fairness import Population, Refusals
from engine.evaluate.recording_facts import pulse_facts, report_languages
from engine.evaluate.tables import EvaluationTable, table
from engine.intake.quality.verdict import gate_digest
from engine.metrics.fairness import FEWEST, age_band
from engine.model.release import Release

SEX, AGE, VIEW, DATASET, SENSOR, SKIN, LANGUAGE = (
    *("sex", "age", "view", "data set", "sensor", "skin tone"),
    "language of report",
)
WITHIN = (SEX, AGE, VIEW, SENSOR, SKIN, LANGUAGE)  # a data set
SMALLEST = 20  # patients of a data set whose groups are listed at all
PART = 64  # recordings judged between two looks at the disk
Facts = dict[str, dict[str, str]]  # fact → recording → value


def evaluate(release: Release, path: Path, split: str, cache: Path) -> dict[str, Any]:
    """Return the figures of every group of the open recordings of one split, as JSON."""
    known = known_facts(path)
    sections: list[dict[str, Any]] = []
    small: list[dict[str, Any]] = []
    for modality in EDGES:
        whole = first_windows(table(release, path, modality, split, cache=cache))
        verdicts = _refused(path, modality, split, cache)
        rule = fairness.pair_rule(release, modality, modality)
        for source, facts in (("", (DATASET, SENSOR, SKIN)), *((name, WITHIN) for name in _sources(whole))):
            part = whole.take(whole.datasets == source) if source else whole
            refusals = _refusals(verdicts, source, known)
            if source and _people(part.patients) < SMALLEST:
                small.append({"query": modality, "source": source, "patients": _people(part.patients)})
                continue
            of = _population(release, part, source, known)
            sections += fairness.sections(of, rule, facts, refusals)
    sections += _reports(release, path, split, cache, known)
    return {
        "release": release.name,
        "split": split,
        "bits": fairness.BITS,
        "operating_point": fairness.POINT,
        "sections": sections,
        "looked_at": fairness.looked_at(sections),
        "few": few_people(path, split, known),
        "small": small,
        "unknown": ["device of films and ECGs"],
        "notes": list(fairness.NOTES),
    }


def known_facts(path: Path) -> Facts:
    """Return what the tables say beyond the recordings: fact → recording → value."""
    pulses = pulse_facts(path)
    return {
        SENSOR: {name: facts["sensor"] for name, facts in pulses.items() if "sensor" in facts},
        SKIN: {name: facts["skin tone"] for name, facts in pulses.items() if "skin tone" in facts},
        LANGUAGE: report_languages(path),
    }


def facts_of(listed: Sequence[Recording], known: Facts) -> dict[str, list[str]]:
    """Return what is known of recordings, "" where nothing is: fact → (n,) str."""
    stated = {
        SEX: [one.sex for one in listed],
        AGE: [age_band(one.age) for one in listed],
        VIEW: [one.view for one in listed],
        DATASET: [one.dataset for one in listed],
    }
    return stated | {name: [of.get(one.study_id, "") for one in listed] for name, of in known.items()}


def _sources(whole: EvaluationTable) -> list[str]:
    return sorted(set(whole.datasets.tolist()))


def _people(patients: np.ndarray) -> int:
    return len(np.unique(patients))


def _population(release: Release, part: EvaluationTable, source: str, known: Facts) -> Population:
    """Return the recordings with a known finding as they ask one another."""
    labelled = part.take(np.flatnonzero(part.has_finding.any(1)))
    codes = release.codes(labelled.z, part.modality)
    facts = facts_of(labelled.recordings, known)
    return Population(
        part.modality, part.modality, source, codes, codes, labelled.has_finding, labelled.patients, facts
    )


def _reports(release: Release, path: Path, split: str, cache: Path, known: Facts) -> Iterator[dict[str, Any]]:
    """Yield what reports of each language find: a report asks for the ECGs of others."""
    whole = first_windows(table(release, path, "ecg", split, cache=cache))
    kept = [bool(one.report) and one.study_id in known[LANGUAGE] for one in whole.recordings]
    said = whole.take(np.flatnonzero(np.array(kept, bool) & whole.has_finding.any(1)))
    for source in _sources(said):
        part = said.take(said.datasets == source)
        if _people(part.patients) < SMALLEST:
            continue
        texts = embed_texts(release, [one.report for one in part.recordings], cache)
        asking, answering = release.codes(texts, "text"), release.codes(part.z, "ecg")
        facts = {LANGUAGE: [known[LANGUAGE][one.study_id] for one in part.recordings]}
        of = Population("text", "ecg", source, asking, answering, part.has_finding, part.patients, facts)
        yield from fairness.sections(of, fairness.pair_rule(release, "text", "ecg"), (LANGUAGE,), None)


def _refusals(verdicts: Sequence[tuple[Recording, bool]], source: str, known: Facts) -> Refusals:
    mine = [(one, refused) for one, refused in verdicts if source in ("", one.dataset)]
    listed = [one for one, _ in mine]
    patients = np.array([one.patient_id for one in listed])
    return Refusals(patients, np.array([refused for _, refused in mine], bool), facts_of(listed, known))


def _refused(path: Path, modality: str, split: str, cache: Path) -> list[tuple[Recording, bool]]:
    """Return whether the gate refuses each recording of a split; parts are kept, so that a stopped run goes on."""
    from tqdm import tqdm

    listed = recordings(path, split, modality)
    limits = gate_digest()
    found: list[bool] = []
    for start in tqdm(range(0, len(listed), PART), f"judge {modality}", disable=None):
        part = listed[start : start + PART]
        named = key("refused", modality, limits, *(one.study_id for one in part))
        made = cached_arrays(cache / f"refused-{modality}-{split}-{named}.npz", lambda part=part: _judged(part))  # type: ignore[misc]
        found += made["refused"].tolist()
    return list(zip(listed, found, strict=True))


def _judged(part: Sequence[Recording]) -> dict[str, np.ndarray]:
    from engine.intake.quality.judge import judge

    return {"refused": np.array([not judge(one.study()).accepted for one in part], bool)}


def few_people(path: Path, split: str, known: Facts) -> list[dict[str, Any]]:
    """Return the facts of which too few people are known to say anything, with how many there are in every split."""
    out = []
    everyone = recordings(path)
    facts = facts_of(everyone, known)
    for by in (SKIN,):
        people = {one.patient_id for one, value in zip(everyone, facts[by], strict=True) if value}
        here = {one.patient_id for one, value in zip(everyone, facts[by], strict=True) if value and one.split == split}
        if len(here) < 2 * FEWEST:
            out.append({"by": by, "patients": len(people), "here": len(here)})
    return out
