"""All checks of one cohort folder: figures by modality, and what follows from them in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import UsageError
from engine.settings import ROOT
from engine.synthetic.checks import (
    bars,
    collect,
    consistency,
    coupled,
    encode,
    film_report,
    films,
    pointing,
    trace_report,
    traces,
    words,
)
from engine.synthetic.checks.group import Group

if TYPE_CHECKING:
    from engine.model.release import Release

BY_EYE = "by_eye.json"  # beside the manifest
Checked = tuple[dict[str, Any], np.ndarray, Group]  # figures, embeddings, features


def evaluate(release: Release, cohort: Path, path: Path, pictures_folder: Path | None, folder: Path) -> dict[str, Any]:
    """Return every figure of a cohort; write pictures of the closest pairs to `shown` (None: none).

    path : the open recordings. folder : where their features are kept.
    Raises UsageError where the cohort cannot be read.
    """
    for place in (pictures_folder or folder, folder):
        outside_repository(place)
    studies = collect.collect(cohort)
    ways = {"cxr": _films, "ecg": _ecgs, "ppg": _ppgs}
    checked = {m: way(release, path, studies[m], pictures_folder, folder) for m, way in ways.items() if studies.get(m)}
    embeddings = {m: z for m, (_, z, _) in checked.items()}
    groups = {m: group for m, (_, _, group) in checked.items()}
    if studies.get("text"):
        embeddings["text"] = release.embed([item.study for item in studies["text"]])
    found: dict[str, Any] = {
        "release": release.name,
        "release_digest": release.digest,
        "studies": {m: len(items) for m, items in studies.items()},
        "patients": len({item.patient for items in studies.values() for item in items}),
        "encounters": len({item.encounter for items in studies.values() for item in items}),
        **{
            m: {**figures, "verdicts": words.verdicts(m, figures["fidelity"])} for m, (figures, _, _) in checked.items()
        },
        "consistency": consistency.check_cohort(release, studies, embeddings)
        | {
            "learnt_on_half": coupled.own_patient(groups["cxr"], groups["ecg"]) if {"cxr", "ecg"} <= set(groups) else {}
        },
        "by_eye": by_eye(cohort),
    }
    return found | {"two_sample": bars.two_sample(found), "passing": list(bars.passing(found))}


def by_eye(cohort: Path) -> dict[str, Any]:
    """Return how many films of each finding showed what they must to whoever looked at them blind, {} if nobody did.

    It is written by hand: {finding: {"shown": k, "of": n}}; UsageError where it is no JSON.
    """
    file = (cohort if cohort.is_dir() else cohort.parent) / BY_EYE
    if not file.is_file():
        return {}
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"The file {file.name} is no JSON: correct what stands in it.") from error
    return found


def outside_repository(folder: Path) -> None:
    """Refuse a folder for real recordings that git would take in: UsageError."""
    inside = folder.resolve()
    if inside.is_relative_to(ROOT) and not inside.is_relative_to(ROOT / "runs"):
        raise UsageError(f"The folder {folder} is part of the repository and would hold real recordings: name another.")


def _films(
    release: Release, path: Path, items: list[collect.CohortStudy], pictures_folder: Path | None, folder: Path
) -> Checked:
    real = films.real_films(release, path, folder)
    pixels = collect.film_pixels(items)
    spaces = films.film_arrays(release, encode.prepared_films(pixels), "synthetic films")
    ours = collect.group_of("cxr", items, spaces)
    figures = film_report.check_films(
        release, path, real, ours, pixels=pixels, pictures_folder=pictures_folder, folder=folder
    )
    figures["pointing"] = pointing.check(items, path)
    return figures, encode.project(release, "cxr", spaces["release"]), ours


def _ecgs(
    release: Release, path: Path, items: list[collect.CohortStudy], pictures_folder: Path | None, folder: Path
) -> Checked:
    real = traces.real_ecgs(release, path, folder)
    spaces = trace_report.synthetic_ecgs(release, [item.trace for item in items])
    ours = collect.group_of("ecg", items, spaces)
    figures = trace_report.check_ecgs(release, real, ours, pictures_folder, folder)
    return figures, encode.project(release, "ecg", spaces["release"]), ours


def _ppgs(
    release: Release, path: Path, items: list[collect.CohortStudy], pictures_folder: Path | None, folder: Path
) -> Checked:
    real = traces.real_ppgs(release, path, folder)
    made = trace_report.synthetic_ppgs(release, [item.trace for item in items])
    ours, short = (collect.group_of("ppg", items, spaces) for spaces in made)
    figures = trace_report.check_ppgs(release, real, ours, short, pictures_folder, folder=folder)
    return figures, encode.project(release, "ppg", made[0]["release"]), ours
