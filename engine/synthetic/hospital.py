"""A hospital to try Casebind on: visits with film, ECG, pulse wave and report, some without a visit number.

A visit's studies agree beyond its labels where couplings are on (engine.synthetic.couplings). `both` writes two
hospitals with the same films, one of them the control whose traces follow another draw of the severities.

    DIR/on/manifest.csv, cxr/, ecg/, ppg/, text/        DIR/off/ likewise

Most studies carry their visit's number. Of the others, film and ECG lie hours apart, or days (VISITS). A trace of which
the quality gate refuses every draw is left out.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine.errors import UsageError
from engine.files import write_whole
from engine.synthetic import cohort, write
from engine.synthetic.chance import RandomStreams
from engine.synthetic.cohort import CohortPlan, ProgressPrinter
from engine.synthetic.couplings import CouplingMode
from engine.synthetic.draw import draw_patients
from engine.synthetic.painted import DrawnFilm
from engine.synthetic.patients import Encounter, Patient
from engine.synthetic.write import Generators, Row, Tally

PREFIX, DEMO_PREFIX = "sim-", "syn-"
Arms = Literal["on", "off", "both"]
# Share of visits, whether their studies carry the visit's number, and how many hours the ECG comes after the film
VISITS = ((0.7, True, (0.0, 6.0)), (0.2, False, (0.5, 20.0)), (0.1, False, (26.0, 60.0)))
PARTS, CONFIG = "parts", "config.json"


@dataclass(frozen=True)
class HospitalPlan:
    """What is drawn. arms : couplings on, off (the control), or both with the same films"""

    patients: int
    seed: int
    arms: Arms = "on"

    @property
    def modes(self) -> tuple[CouplingMode, ...]:
        """The couplings that are written, a folder each."""
        return ("on", "off") if self.arms == "both" else (self.arms,)


def write_hospital(
    folder: Path, generators: Generators, plan: HospitalPlan, on_progress: ProgressPrinter = lambda line: None
) -> list[Path]:
    """Write the hospital under folder, a folder for each kind of coupling; return the manifests.

    A drawing that was stopped goes on where it stopped. UsageError where the folder holds another one.
    """
    _begin(folder, generators, plan)
    drawn = {mode: draw_patients(plan.patients, plan.seed, couplings=mode, painted=True) for mode in plan.modes}
    for first in range(0, plan.patients, cohort.BATCH):
        part = folder / PARTS / f"{first:05d}.json"
        if not part.is_file():
            batch = {mode: patients[first : first + cohort.BATCH] for mode, patients in drawn.items()}
            write_whole(part, json.dumps(_write_batch(batch, generators, folder, plan)))
        on_progress(f"{min(first + cohort.BATCH, plan.patients)} of {plan.patients} patients")
    parts = [json.loads(part.read_text("utf-8")) for part in sorted((folder / PARTS).glob("*.json"))]
    return [
        cohort.write_manifest([row for part in parts for row in part[mode]], folder / mode / cohort.MANIFEST)
        for mode in plan.modes
    ]


def _begin(folder: Path, generators: Generators, plan: HospitalPlan) -> None:
    wanted = {"patients": plan.patients, "seed": plan.seed, "arms": plan.arms, "generators": generators.version}
    file = folder / CONFIG
    if not file.is_file() and folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} holds other files: name a new folder for the hospital.")
    if file.is_file() and json.loads(file.read_text("utf-8")) != wanted:
        raise UsageError(f"{folder} holds a hospital that was drawn otherwise: name a new folder, or remove it.")
    (folder / PARTS).mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(wanted))


def _write_batch(
    batch: Mapping[CouplingMode, Sequence[Patient]], generators: Generators, folder: Path, plan: HospitalPlan
) -> dict[str, list[Row]]:
    """Write some patients: their films once, all else once for each kind of coupling; return mode → rows."""
    tally, streams, first = Tally(), RandomStreams(plan.seed), folder / plan.modes[0]
    for mode, name in product(plan.modes, cohort.FOLDERS):
        (folder / mode / name).mkdir(parents=True, exist_ok=True)
    painted = [one for patient in batch[plan.modes[0]] for one in patient.encounters]
    films = write.write_films(painted, generators, first, streams, tally=tally)
    out = {}
    for mode, patients in batch.items():
        home, encounters = folder / mode, [one for patient in patients for one in patient.encounters]
        shown = {one.encounter_id: _same_film(film, one) for one, film in zip(encounters, films, strict=True)}
        for one in encounters if home != first else ():
            shutil.copyfile(write.film_file(one, first), write.film_file(one, home))
        rows = cohort.write_rest(
            patients, shown, generators, home, streams, plan=CohortPlan(mode, leaves_out=True), tally=tally
        )
        moments = {one.encounter_id: _moments(one, plan.seed) for one in encounters}
        out[str(mode)] = [_as_recorded(row, moments[row["encounter_id"]]) for row in rows]
    return out


def _same_film(film: DrawnFilm, encounter: Encounter) -> DrawnFilm:
    """Return a film as that of the same visit of the other hospital: what it shows stays, what traces follow not."""
    painted = film.encounter
    return replace(film, encounter=replace(encounter, severity=painted.severity, view=painted.view))


@dataclass(frozen=True)
class _Moments:
    """When a visit's film was taken, how many hours later its traces, and whether they carry its number."""

    film: datetime
    later: timedelta
    numbered: bool


def _moments(encounter: Encounter, seed: int) -> _Moments:
    rng = np.random.default_rng([seed, encounter.patient_number, encounter.number, 24])
    shares = [share for share, _, _ in VISITS]
    _, numbered, hours = VISITS[int(rng.choice(len(VISITS), p=shares))]
    return _Moments(datetime.fromisoformat(encounter.acquired_at), timedelta(hours=rng.uniform(*hours)), numbered)


def _as_recorded(row: Row, moments: _Moments) -> Row:
    """Return a row as the hospital's systems would export it: its own ids, its time, its visit where it is known."""
    ids: dict[str, Any] = {name: row[name].replace(DEMO_PREFIX, PREFIX) for name in ("study_id", "patient_id")}
    at = moments.film + (moments.later if row["modality"] in ("ecg", "ppg") else timedelta())
    visit = row["encounter_id"].replace(DEMO_PREFIX, PREFIX) if moments.numbered else ""
    return {**row, **ids, "encounter_id": visit, "acquired_at": at.isoformat(timespec="minutes")}
