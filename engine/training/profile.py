"""Make a release's own `valid` profile, with which the monitor compares what comes.

    python -m engine.training.profile --recordings DIR [--release DIR]

A data set counts from 50 patients in `valid`, the largest of a modality from 20: windows are unlike few patients by
chance, so that they seem to be like them. One recording of a patient counts.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np

from engine.datasets.open_recordings import Recording, recordings
from engine.intake.quality.judge import choose_window, judge
from engine.model import profile
from engine.model.profile import Known, Profile
from engine.model.release import Release, load_release
from engine.study import Study

COMMAND = "python -m engine.training.profile --recordings DIR"
ENOUGH, LEAST, MOST = 50, 20, 300  # patients of a data set; of the largest one; of any
MODALITIES = ("cxr", "ecg", "ppg")


def known_of(release: Release, listed: list[Recording]) -> Known:
    """Return what the recordings of one data set, one a patient, are like under a release, in random order."""
    verdicts, accepted = [], []
    for one in listed:
        study: Study = choose_window(one.study())
        verdicts.append(judge(study))
        if verdicts[-1].accepted:
            accepted.append((study, verdicts[-1].score))
    order = np.random.default_rng(0).permutation(len(accepted))
    rows = profile.project(release.embed([accepted[at][0] for at in order]))
    scores = np.array([accepted[at][1] for at in order], np.float32)
    return Known(rows, scores, len(verdicts), len(verdicts) - len(accepted))


def profile_of(release: Release, listed: list[Recording]) -> Profile:
    """Return the profile of a release on recordings, by modality and data set."""
    first: dict[tuple[str, str], dict[str, Recording]] = defaultdict(dict)
    for one in listed:
        first[one.modality, one.dataset].setdefault(one.patient_id, one)
    largest = {kind: max((len(p) for (m, _), p in first.items() if m == kind), default=0) for kind in MODALITIES}
    found: dict[str, dict[str, Known]] = {}
    for (modality, dataset), patients in sorted(first.items()):
        if len(patients) >= max(LEAST, min(ENOUGH, largest.get(modality, 0))):
            chosen = [patients[name] for name in sorted(patients)][:MOST]
            found.setdefault(modality, {})[dataset] = known_of(release, chosen)
            click.echo(f"{modality}  {dataset}: {len(chosen)} patients, {found[modality][dataset].refused} refused")
    return found


@click.command()
@click.option("--recordings", "path", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
@click.option("--release", "folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def main(path: Path, folder: Path | None) -> None:
    """Write profile.npz into a release's folder, the newest shipped one's by default."""
    release = load_release(folder)
    about = {"command": COMMAND, "date": f"{datetime.now(UTC):%Y-%m-%d}", "split": "valid", "release": release.name}
    file = profile.save(release.path, profile_of(release, recordings(path, "valid")), about)
    click.echo(f"{file}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
