"""One encounter → files and manifest rows, one function a modality, each study through the gate that queries pass.

Beyond that gate, an ECG's beats must be found where they were put.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import IntakeError, UsageError
from engine.reference import NOTHING_CHECKED, to_text
from engine.study import ECG_LEADS, PPG_LEAD, Modality, Study
from engine.synthetic.chance import RandomStreams
from engine.synthetic.painted import DrawnFilm
from engine.synthetic.patients import Encounter
from engine.synthetic.reports import Sections

if TYPE_CHECKING:
    from engine.synthetic.rhythm import Rhythm

COLUMNS = (
    "file",
    "modality",
    "study_id",
    "patient_id",
    "encounter_id",
    "acquired_at",
    "age",
    "sex",
    "view",
    "labels",
    "report",
    "fs",
    "units",
    "leads",
    "consent",
    "synthetic",
    "label_source",
    "licence",
    "conditions",
    "height_cm",
    "weight_kg",
    "hr",
    "rr",
    "sbp",
    "dbp",
    "spo2",
)
FURTHER = ("spacing_mm", "reference_findings", "checked_labels", "severity")  # of painted films; absent without any
LICENCE = "CC0 1.0 (synthetic, for demonstration only)"
SYNTHETIC_NOTE = "synthetic, for demonstration only"
CONSENT = "retrieval;training"
ECG_FS, PPG_FS = 500.0, 125.0
JPEG_QUALITY = 88
MAX_DRAWS = 72  # of one study, before the cohort is given up as one that the gate will not have
BEAT_TOLERANCE_S, EDGE_S = (
    0.15,
    0.3,
)  # a beat that is found belongs to one that was drawn; near the ends it may be missed
PATIENCE = 3  # refusals of a study before the person gets another body

Row = dict[str, str]
Rngs = Sequence[np.random.Generator]
FilmSampler = Callable[["Encounter", np.random.Generator, np.random.Generator], "DrawnFilm"]
"""The film of an encounter, from the person's generator and the film's own."""
EcgSampler = Callable[["Encounter", "Rhythm", np.random.Generator, np.random.Generator], np.ndarray]
"""(12, 5000) int16 of an encounter, its rhythm, the person's generator and the recording's own."""
PpgSampler = Callable[["Encounter", "Rhythm", np.random.Generator, np.random.Generator], np.ndarray]
"""(1250,) whole numbers, likewise."""


@dataclass(frozen=True)
class Generators:
    """What draws each modality. `write_ecg` writes samples as WFDB under a stem without suffix.

    version : names the fitted generators; a cohort begun with others is not continued
    """

    rhythm: Callable[[Encounter, np.random.Generator], Rhythm]
    film: FilmSampler
    ecg: EcgSampler
    ppg: PpgSampler
    write_ecg: Callable[[np.ndarray, Path], None]
    version: str


@dataclass
class Tally:
    """How many studies of each modality the gate refused, and its last reasons; both go beside the manifest."""

    drawn_again: dict[str, int] = field(default_factory=lambda: {"cxr": 0, "ecg": 0, "ppg": 0})
    reasons: dict[str, int] = field(default_factory=dict)

    def refuse(self, modality: str, reason: str) -> None:
        """Count one refusal under its reason, numbers left out so that equal reasons add up."""
        self.drawn_again[modality] += 1
        words = f"{modality}: {' '.join(word for word in reason.split() if not any(char.isdigit() for char in word))}"
        self.reasons[words] = self.reasons.get(words, 0) + 1


def write_ecg(
    encounter: Encounter,
    rhythm: Rhythm,
    generators: Generators,
    folder: Path,
    streams: RandomStreams,
    *,
    report: str,
    tally: Tally,
) -> Row:
    """Write the 12-lead ECG; return its row. After every PATIENCE refusals another heart is drawn."""
    rng = streams.study_rng(encounter, "ecg", "ecg")
    stem = folder / "ecg" / study_id(encounter, "ecg")
    for draw in range(MAX_DRAWS):
        person = streams.person_rng(encounter, "ecg", draw // PATIENCE)
        generators.write_ecg(generators.ecg(encounter, rhythm, person, rng), stem)
        with stem.with_suffix(".hea").open("a", encoding="ascii") as header:
            header.write(f"# {SYNTHETIC_NOTE}\n")
        names = [f"{stem.name}.hea", *sorted(file.name for file in stem.parent.glob(f"{stem.name}*.dat"))]
        refused = gate_refusal(
            [stem.parent / name for name in names], "ecg", encounter, extra_check=partial(off_beat, rhythm)
        )
        if not refused:
            return row_of(
                encounter,
                "ecg",
                ";".join(f"ecg/{name}" for name in names),
                encounter.ecg,
                fs=f"{ECG_FS:g}",
                units="mV",
                leads=";".join(ECG_LEADS),
                report=report,
            )
        tally.refuse("ecg", refused)
    raise _given_up(encounter, "ecg", refused)


def write_ppg(
    encounter: Encounter,
    rhythm: Rhythm,
    generators: Generators,
    folder: Path,
    streams: RandomStreams,
    *,
    report: str,
    tally: Tally,
) -> Row:
    """Write the PPG as a one-column CSV; return its row."""
    rng = streams.study_rng(encounter, "ppg", "ppg")
    file = folder / "ppg" / f"{study_id(encounter, 'ppg')}.csv"
    for _ in range(MAX_DRAWS):
        values = generators.ppg(encounter, rhythm, streams.person_rng(encounter, "ppg"), rng)
        file.write_text("\n".join([PPG_LEAD, *(str(int(value)) for value in values)]) + "\n", encoding="utf-8")
        refused = gate_refusal([file], "ppg", encounter, fs=PPG_FS, units="au")
        if not refused:
            return row_of(
                encounter,
                "ppg",
                f"ppg/{file.name}",
                encounter.ppg,
                fs=f"{PPG_FS:g}",
                units="au",
                leads=PPG_LEAD,
                report=report,
            )
        tally.refuse("ppg", refused)
    raise _given_up(encounter, "ppg", refused)


def write_films(
    encounters: Sequence[Encounter], generators: Generators, folder: Path, streams: RandomStreams, *, tally: Tally
) -> list[DrawnFilm]:
    """Write one JPEG an encounter; return them.

    Films that the gate refuses are drawn again, from the PATIENCE-th time on with another body, and then with all films
    of the person.
    """
    rngs = [streams.study_rng(one, "film", "cxr") for one in encounters]
    waiting, refused, bodies = list(range(len(encounters))), "", Counter[int]()
    made: dict[int, DrawnFilm] = {}
    for draw in range(1, MAX_DRAWS + 1):
        persons = [streams.person_rng(encounters[i], "cxr", bodies[encounters[i].patient_number]) for i in waiting]
        again = []
        for i, person in zip(waiting, persons, strict=True):
            made[i] = generators.film(encounters[i], person, rngs[i])
            refused = gate_refusal([write_jpeg(made[i].pixels, film_file(encounters[i], folder))], "cxr", encounters[i])
            if refused:
                tally.refuse("cxr", refused)
                again.append(i)
        people = {encounters[i].patient_number for i in again} if draw % PATIENCE == 0 else set()
        bodies.update(people)
        waiting = [i for i, one in enumerate(encounters) if i in again or one.patient_number in people]
        if not waiting:
            break
    if waiting:
        raise _given_up(encounters[waiting[0]], "cxr", refused)
    return [made[i] for i in range(len(encounters))]


def film_row(drawn: DrawnFilm, folder: Path, *, report: str, passing: Collection[str] | None) -> Row:
    """Return the row of a film; passing: the labels that drawn films show by the checks, None where none were made."""
    one, further = drawn.encounter, {}
    if drawn.spacing_mm is not None:
        further["spacing_mm"] = f"{drawn.spacing_mm:g}"
    if drawn.findings:
        further["reference_findings"] = to_text(drawn.findings)
    if passing is not None:
        further["checked_labels"] = ";".join(label for label in one.film if label in passing) or NOTHING_CHECKED
    if one.severity is not None:
        further["severity"] = json.dumps(one.severity.facts())
    row = row_of(one, "cxr", f"cxr/{film_file(one, folder).name}", one.film, view=one.view, report=report)
    return row | further


def write_text(encounter: Encounter, sections: Sections, folder: Path) -> Row:
    """Write the report as plain text; return its row."""
    name = f"text/{study_id(encounter, 'text')}.txt"
    (folder / name).write_text(sections.whole + "\n", encoding="utf-8")
    labels = tuple(dict.fromkeys((*encounter.film, *encounter.ecg, *(encounter.ppg if encounter.has_ppg else ()))))
    return row_of(encounter, "text", name, labels, report=sections.whole)


def film_file(encounter: Encounter, folder: Path) -> Path:
    """Return where the film of an encounter lies under `folder`."""
    return folder / "cxr" / f"{study_id(encounter, 'cxr')}.jpg"


def write_jpeg(pixels: np.ndarray, file: Path) -> Path:
    """Write a film (height, width) uint8 with the word that it is synthetic in its comment; return the file."""
    from PIL import Image

    Image.fromarray(pixels).save(file, quality=JPEG_QUALITY, optimize=True, comment=SYNTHETIC_NOTE.encode())
    return file


def off_beat(rhythm: Rhythm, study: Study) -> str:
    """Return "" or that the beats found in an ECG are not those it was drawn on: a T wave counted, a beat missed."""
    from engine.synthetic.checks.agreement import ecg_peak_times

    trace = study.content
    found = ecg_peak_times(trace)  # type: ignore[arg-type]
    inner = (rhythm.r_s > EDGE_S) & (rhythm.r_s < trace.duration_s - EDGE_S)  # type: ignore[union-attr]
    missed, added = count_unmatched(rhythm.r_s[inner], found), count_unmatched(found, rhythm.r_s)
    return "The beats found in it are not those it was drawn on." if missed or added else ""


def count_unmatched(times: np.ndarray, references: np.ndarray) -> int:
    """Return how many of some times (n,) have none of the others (m,) within NEAR_S."""
    gaps = np.abs(times[:, None] - references[None])
    return int((gaps.min(1, initial=np.inf) > BEAT_TOLERANCE_S).sum())


def gate_refusal(
    files: Sequence[Path],
    modality: Modality,
    encounter: Encounter,
    *,
    fs: float | None = None,
    units: str | None = None,
    extra_check: Callable[[Study], str] = lambda study: "",
) -> str:
    """Read a study as it was written and judge it as any query is, and by `also`; return "" or why it is refused."""
    from dataclasses import replace

    from engine.intake.quality.judge import choose_window, judge
    from engine.intake.upload import Answers
    from engine.workspace.manifest import read_files

    try:
        study = read_files(list(files), modality, Answers(fs=fs, units=units), b"")
    except IntakeError as error:
        return str(error)
    facts = {"age": float(encounter.age), "sex": encounter.sex}
    verdict = judge(replace(choose_window(study), facts={**study.facts, **facts}))
    return extra_check(study) if verdict.accepted else " ".join(verdict.reasons)


def study_id(encounter: Encounter, modality: str) -> str:
    """Return e.g. syn-0007-e1-ecg."""
    return f"{encounter.encounter_id}-{modality}"


def row_of(encounter: Encounter, modality: Modality, file: str, labels: Sequence[str], **more: str) -> Row:
    """Return the manifest row of a study: the encounter's facts, the marks of a synthetic study, and `more`."""
    return {
        "file": file,
        "modality": modality,
        "study_id": study_id(encounter, modality),
        "patient_id": encounter.patient_id,
        "encounter_id": encounter.encounter_id,
        "acquired_at": encounter.acquired_at,
        "age": str(encounter.age),
        "sex": encounter.sex,
        "labels": ";".join(labels),
        "consent": CONSENT,
        "synthetic": "true",
        "label_source": "generated",
        "licence": LICENCE,
        "conditions": ";".join(encounter.conditions),
        "height_cm": f"{encounter.height_cm:.0f}",
        "weight_kg": f"{encounter.weight_kg:.0f}",
        "hr": f"{encounter.rate_bpm:.0f}",
        "rr": f"{encounter.respiration_bpm:.0f}",
        "sbp": f"{encounter.systolic_mmhg:.0f}",
        "dbp": f"{encounter.diastolic_mmhg:.0f}",
        "spo2": f"{encounter.spo2:.0f}",
    } | more


class GivenUp(UsageError):
    """The gate refused every draw of one study."""


def _given_up(encounter: Encounter, modality: str, reason: str) -> GivenUp:
    return GivenUp(
        f"The quality gate refused all {MAX_DRAWS} draws of {study_id(encounter, modality)} ({reason}): "
        "fit its generator better, or leave its labels out in prior.toml."
    )
