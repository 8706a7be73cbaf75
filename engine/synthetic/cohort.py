"""The whole cohort: patients drawn, written a few at a time beside the target, put in place when all are there.

A drawing that is stopped goes on where it stopped when it is asked for the same seed, patients, prior and generators.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.errors import UsageError
from engine.files import write_whole
from engine.plain_text import csv_text
from engine.reference import ReferenceFinding
from engine.synthetic import prior, reports, write
from engine.synthetic.chance import RandomStreams
from engine.synthetic.couplings import CouplingMode
from engine.synthetic.draw import draw_patients
from engine.synthetic.painted import DrawnFilm, as_shown
from engine.synthetic.patients import Encounter, Patient, rng_for
from engine.synthetic.write import COLUMNS, FURTHER, Generators, Row, Tally

FOLDERS = ("cxr", "ecg", "ppg", "text")
BATCH = 8  # patients written between two marks of progress
CONFIG, MANIFEST, RECORD = "config.json", "manifest.csv", "drawing.json"
ProgressPrinter = Callable[[str], None]


@dataclass(frozen=True)
class CohortPlan:
    """How a cohort is drawn.

    couplings : "on": severities are drawn, painted on the film and shape the traces; "off": the control, whose traces
                follow another draw of the severities
    passing   : film labels that drawn films show by the checks, which quizzes ask for; None where none were made
    leaves_out: whether a trace of which the gate refuses every draw is left out; else the drawing ends there
    """

    couplings: CouplingMode = "on"
    passing: tuple[str, ...] | None = None
    leaves_out: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return what is set."""
        stated = {"couplings": self.couplings, "passing": self.passing}
        return {name: value for name, value in stated.items() if value is not None}


def write_cohort(
    folder: Path,
    generators: Generators,
    *,
    n: int,
    streams: RandomStreams,
    plan: CohortPlan | None = None,
    on_progress: ProgressPrinter = lambda line: None,
) -> Path:
    """Write n patients under folder; return its manifest.csv.

    Study folders and manifest of `folder` are replaced at the end in one go; other files there stay. UsageError where
    the gate refuses every draw of a study.
    """
    plan = plan or CohortPlan()
    patients = draw_patients(n, streams.seed, couplings=plan.couplings, painted=True)
    draft = folder.absolute().with_name(f".{folder.name}-drawing")
    _open_draft(
        draft,
        {
            "seed": streams.seed,
            "again": dict(streams.redraws),
            "patients": n,
            "generators": generators.version,
            "texts": _texts(),
            **plan.as_dict(),
        },
    )
    started = time.monotonic()
    for first in range(0, len(patients), BATCH):
        part = draft / "parts" / f"{first:05d}.json"
        if part.is_file():
            continue
        made = write_patients(patients[first : first + BATCH], generators, draft, streams, plan)
        write_whole(part, json.dumps(made))
        done = min(first + BATCH, len(patients))
        since = f"{time.monotonic() - started:.0f} s"
        on_progress(f"{done} of {len(patients)} patients, {since}; drawn again: {made['drawn_again']}")
    return _finish(draft, folder, patients, streams, plan)


def write_patients(
    patients: Sequence[Patient], generators: Generators, folder: Path, streams: RandomStreams, plan: CohortPlan
) -> dict[str, Any]:
    """Write some patients under folder, films first; return {"rows", "drawn_again", "reasons"}."""
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    tally = Tally()
    encounters = [one for patient in patients for one in patient.encounters]
    films = {
        drawn.encounter.encounter_id: drawn
        for drawn in write.write_films(encounters, generators, folder, streams, tally=tally)
    }
    rows = write_rest(patients, films, generators, folder, streams, plan=plan, tally=tally)
    return {"rows": rows, "drawn_again": tally.drawn_again, "reasons": tally.reasons}


def write_rest(
    patients: Sequence[Patient],
    films: Mapping[str, DrawnFilm],
    generators: Generators,
    folder: Path,
    streams: RandomStreams,
    *,
    plan: CohortPlan,
    tally: Tally,
) -> list[Row]:
    """Write traces and reports of patients whose films (encounter id → film) are written; return all their rows."""
    rows: list[Row] = []
    for one, sections in (pair for patient in patients for pair in report_patient(patient, streams.seed, films)):
        drawn = films[one.encounter_id]
        shown = as_shown(drawn, coupled=plan.couplings == "on")
        rows += _write_traces(shown, sections, generators, folder, streams=streams, plan=plan, tally=tally)
        rows.append(write.write_text(one, sections, folder))
        rows.append(write.film_row(drawn, folder, report=sections.film, passing=plan.passing))
    return rows


def report_patient(
    patient: Patient, seed: int, films: Mapping[str, DrawnFilm] = MappingProxyType({})
) -> list[tuple[Encounter, reports.Sections]]:
    """Return every encounter with its report, each compared with the one before.

    films : encounter id → its film, with the findings that were painted
    """
    made = []
    before: Encounter | None = None
    painted: tuple[ReferenceFinding, ...] = ()
    for one in patient.encounters:
        rng = rng_for(seed, patient.number, one.number, "report")
        found = films[one.encounter_id].findings if one.encounter_id in films else ()
        made.append((one, reports.write_sections(one, before, rng, reports.FilmChange(found, painted))))
        before, painted = one, found
    return made


def _write_traces(
    encounter: Encounter,
    sections: reports.Sections,
    generators: Generators,
    folder: Path,
    *,
    streams: RandomStreams,
    plan: CohortPlan,
    tally: Tally,
) -> list[Row]:
    """Write the ECG and, where there is one, the PPG of the same ten seconds."""
    rhythm = generators.rhythm(encounter, streams.study_rng(encounter, "rhythm", "rhythm"))
    wanted = [(write.write_ecg, sections.ecg)] + [(write.write_ppg, sections.pulse)] * encounter.has_ppg
    rows = []
    for way, report in wanted:
        try:
            rows.append(way(encounter, rhythm, generators, folder, streams, report=report, tally=tally))
        except write.GivenUp:
            if not plan.leaves_out:
                raise
    return rows


def _open_draft(draft: Path, config: dict[str, Any]) -> None:
    """Make the draft's folder; one that was begun with another configuration is thrown away."""
    file = draft / CONFIG
    if file.is_file() and json.loads(file.read_text(encoding="utf-8")) == config:
        return
    if draft.exists():
        shutil.rmtree(draft)
    (draft / "parts").mkdir(parents=True)
    write_whole(file, json.dumps(config))


def _finish(draft: Path, folder: Path, patients: Sequence[Patient], streams: RandomStreams, plan: CohortPlan) -> Path:
    """Write the manifest and what was drawn again, and move everything to `folder`."""
    parts = [json.loads(part.read_text(encoding="utf-8")) for part in sorted((draft / "parts").glob("*.json"))]
    rows = [row for part in parts for row in part["rows"]]
    manifest = write_manifest(rows, draft / MANIFEST)
    write_whole(draft / RECORD, json.dumps(_record(parts, rows, patients, streams) | plan.as_dict(), indent=1) + "\n")
    folder.mkdir(parents=True, exist_ok=True)
    for name in FOLDERS:
        if (draft / name).is_dir():
            shutil.rmtree(folder / name, ignore_errors=True)
            (draft / name).rename(folder / name)
    for name in (RECORD, MANIFEST):
        (draft / name).replace(folder / name)
    shutil.rmtree(draft)
    return folder / manifest.name


def _record(
    parts: Sequence[dict[str, Any]], rows: Sequence[Row], patients: Sequence[Patient], streams: RandomStreams
) -> Any:
    """Return what the drawing did: its seed, its size, and what the gate had drawn again, for which reasons.

    `again` are the studies that an earlier drawing put aside because they came too near a real recording.
    """
    reasons: dict[str, int] = {}
    for reason, count in (pair for part in parts for pair in part["reasons"].items()):
        reasons[reason] = reasons.get(reason, 0) + count
    names = {row["modality"] for row in rows}
    return {
        "seed": streams.seed,
        "patients": len(patients),
        "encounters": sum(len(patient.encounters) for patient in patients),
        "studies": {name: sum(row["modality"] == name for row in rows) for name in sorted(names)},
        "drawn_again": {name: sum(part["drawn_again"][name] for part in parts) for name in ("cxr", "ecg", "ppg")},
        "again": dict(streams.redraws),
        "reasons": dict(sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))),
    }


def write_manifest(rows: Sequence[Row], path: Path) -> Path:
    """Write manifest.csv, sorted by study; return its path."""
    if not rows:
        raise UsageError("No patient was drawn, so there is no manifest to write: ask for one patient or more.")
    columns = (*COLUMNS, *(name for name in FURTHER if any(row.get(name) for row in rows)))
    cells = [[row.get(name, "") for name in columns] for row in sorted(rows, key=lambda row: row["study_id"])]
    path.write_text(csv_text(columns, cells, line_end="\n"), encoding="utf-8", newline="")
    return path


def passing_in(record: Path | None) -> tuple[str, ...] | None:
    """Return the film labels that passed, by a record of the checks or of a drawing; None without one."""
    if record is None:
        return None
    try:
        return tuple(str(label) for label in json.loads(record.read_text(encoding="utf-8"))["passing"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{record} is no record of the checks of a cohort with its passing labels: {error}."
        ) from error


def _texts() -> str:
    """Return one sha256 over the prior and the wordings: other ones make another cohort."""
    digest = hashlib.sha256(prior.FILE.read_bytes() + reports.FILE.read_bytes())
    return digest.hexdigest()
