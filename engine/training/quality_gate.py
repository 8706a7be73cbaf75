"""Refit the gate and print what it accepts and refuses.

    python -m engine.training.quality_gate --recordings DIR           print acceptance per data set and every negative
    python -m engine.training.quality_gate --recordings DIR --write   also rewrite film space, limits, provenance

The film space is fitted on `train` films. Limits are chosen by hand between what `valid` recordings show (the quantiles
that this command writes beside each limit) and what the negatives show; `test` is only reported.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import click
import numpy as np

from engine.datasets.open_recordings import Recording, recordings
from engine.intake.quality import film_space, verdict
from engine.intake.quality.judge import judge
from engine.intake.quality.verdict import QualityVerdict
from engine.study import ECG_LEADS, PPG_LEAD, Film, Study, Trace
from engine.training.quality_negatives import picture_negatives, trace_negatives, turned_films

COMMAND = "python -m engine.training.quality_gate --recordings DIR --write"
SEEDS = 5  # repetitions of every negative
TURNED_FILMS = 20  # films that are turned, inverted and cut
QUANTILES = (0.005, 0.5, 0.995)
# modality → (Hz, seconds, leads) in which the negatives are offered
SHAPES = {
    "ecg": ((100.0, 10.0, 12), (500.0, 10.0, 12), (500.0, 10.0, 1), (250.0, 10.0, 1), (125.0, 30.0, 1)),
    "ppg": ((125.0, 10.0, 1), (30.0, 10.0, 1), (64.0, 30.0, 1), (30.0, 60.0, 1), (1000.0, 2.1, 1)),
}


def wilson(accepted: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    if n == 0:
        return 0.0, 1.0
    centre, spread = accepted + z**2 / 2, z * np.sqrt(accepted * (n - accepted) / n + z**2 / 4)
    return float((centre - spread) / (n + z**2)), float((centre + spread) / (n + z**2))


def rate(verdicts: list[QualityVerdict]) -> dict[str, Any]:
    """n, accepted and the 95 % interval."""
    accepted = sum(verdict.accepted for verdict in verdicts)
    return {
        "n": len(verdicts),
        "accepted": accepted,
        "interval_95": [round(x, 3) for x in wilson(accepted, len(verdicts))],
    }


def film_features(entries: list[Recording], keep: Path | None) -> np.ndarray:
    """Trunk features (n, 768) of the films in order; kept in a file between runs where `keep` is given."""
    from engine.model.cxr import prepare
    from engine.model.trunk import film_features as features

    if keep is not None and keep.is_file():
        known = np.load(keep)["features"]
        if len(known) == len(entries):
            return known
    parts = []
    with click.progressbar(range(0, len(entries), 32), label="film features") as starts:
        for start in starts:
            films = [one.study().content for one in entries[start : start + 32]]
            parts.append(features(np.stack([prepare(film) for film in films if isinstance(film, Film)])))
    made = np.concatenate(parts)
    if keep is not None:
        np.savez(keep, features=made)
    return made


def spoilt_features(films: list[Recording]) -> np.ndarray:
    """Trunk features (m, 768) of a few films of each data set, turned, negative and cut."""
    from engine.model.cxr import prepare
    from engine.model.trunk import film_features as features

    found, seen = [], Counter[str]()
    for at in np.random.default_rng(0).permutation(len(films)):
        film = films[at].study().content
        if not isinstance(film, Film) or seen[films[at].dataset] >= TURNED_FILMS:
            continue
        seen[films[at].dataset] += 1
        made = [replace(film, pixels=np.ascontiguousarray(one)) for one in turned_films(film.pixels).values()]
        found.append(features(np.stack([prepare(one) for one in made])))
    return np.concatenate(found)


def one_lead(study: Study, lead: str) -> Study:
    """The study as a wearable would have recorded it: one lead."""
    trace = study.content
    if not isinstance(trace, Trace):
        raise TypeError("only a trace has leads")
    row = trace.leads.index(lead)
    return replace(study, content=Trace(trace.samples[row : row + 1], (lead,), trace.fs, trace.units))


def judge_recordings(
    entries: list[Recording], features: dict[str, np.ndarray]
) -> dict[str, dict[str, list[QualityVerdict]]]:
    """Judge recordings: split → "modality · data set" → verdicts. ECGs are judged by lead I and II alone too."""
    verdicts: dict[str, dict[str, list[QualityVerdict]]] = {"valid": defaultdict(list), "test": defaultdict(list)}
    for one in entries:
        if one.split not in verdicts:
            continue
        study, name = one.study(), f"{one.modality} · {one.dataset}"
        if isinstance(study.content, Trace) and study.content.units == "sd":
            name += ", z-scored"
        verdicts[one.split][name].append(judge(study, features.get(one.study_id)))
        if one.modality == "ecg" and isinstance(study.content, Trace):
            for lead in ("I", "II"):
                if lead in study.content.leads:
                    verdicts[one.split][f"ecg · lead {lead} alone"].append(judge(one_lead(study, lead)))
    return verdicts


def judge_negatives(entries: list[Recording]) -> dict[str, list[QualityVerdict]]:
    """Judge everything that must be refused: "modality · name" → verdicts."""
    verdicts: dict[str, list[QualityVerdict]] = defaultdict(list)
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        for modality, shapes in SHAPES.items():
            for fs, seconds, leads in shapes:
                rows = [trace_negatives(fs, seconds, rng) for _ in range(leads)]
                names = ECG_LEADS[:leads] if modality == "ecg" else (PPG_LEAD,)
                for name in rows[0]:
                    trace = Trace(np.stack([row[name] for row in rows]).astype(np.float32), names, fs, "au")
                    verdicts[f"{modality} · {name}"].append(judge(Study(modality, trace, "")))
        for name, pixels in picture_negatives(rng).items():
            verdicts[f"cxr · {name}"].append(judge(Study("cxr", Film(pixels, 8), "")))
    films = [one for one in entries if one.modality == "cxr" and one.split == "valid"]
    for at in np.random.default_rng(0).permutation(len(films))[:TURNED_FILMS]:
        film = films[at].study().content
        if isinstance(film, Film):
            for name, pixels in turned_films(film.pixels).items():
                verdicts[f"cxr · {name}"].append(judge(Study("cxr", Film(np.ascontiguousarray(pixels), 8), "")))
    return verdicts


def evidence(verdicts: dict[str, list[QualityVerdict]]) -> dict[str, dict[str, dict[str, Any]]]:
    """What valid recordings show for each index: modality → index → n and quantiles (ECG: every lead counts)."""
    values: dict[str, dict[str, list[float]]] = {}
    for name, found in verdicts.items():
        if "alone" in name:
            continue
        part = values.setdefault(name.split(" · ")[0], defaultdict(list))
        for measure in (measure for each in found for measure in each.measures):
            part[measure.name.split(": ")[-1]].append(measure.value)
    return {
        part: {
            index: {"n": len(v), "quantiles_0.5_50_99.5": [round(float(q), 4) for q in np.quantile(v, QUANTILES)]}
            for index, v in indices.items()
        }
        for part, indices in values.items()
    }


def _table(rates: dict[str, dict[str, Any]]) -> None:
    for name, row in sorted(rates.items()):
        low, high = row["interval_95"]
        share = row["accepted"] / row["n"]
        click.echo(
            f"  {name:55s} n {row['n']:5d}  accepted {row['accepted']:5d}  {share:6.1%}  [{low:.1%}, {high:.1%}]"
        )


@click.command()
@click.option("--recordings", "folder", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--write", is_flag=True, help="rewrite the film space, the limits and their provenance")
@click.option("--keep-features", type=click.Path(path_type=Path), help="keep film features in this .npz between runs")
def main(folder: Path, write: bool, keep_features: Path | None) -> None:
    """Fit the film space, judge valid, test and the negatives, print and optionally write."""
    from engine.model.trunk import TRUNK_NAME

    found = recordings(folder)
    films = [one for one in found if one.modality == "cxr"]
    features = film_features(films, keep_features)
    if write:
        train = np.array([one.split == "train" for one in films])
        cohorts = np.array([one.dataset for one in films])
        spoilt = spoilt_features([one for one in films if one.split == "train"])
        film_space.save_space(film_space.fit_space(features[train], cohorts[train], spoilt), TRUNK_NAME)
        film_space.read_space.cache_clear()
    by_split = judge_recordings(found, {one.study_id: row for one, row in zip(films, features, strict=True)})
    rates = {split: {name: rate(v) for name, v in verdicts.items()} for split, verdicts in by_split.items()}
    for split, table in rates.items():
        click.echo(f"{split}: real recordings accepted")
        _table(table)
    refused = {name: rate(v) for name, v in judge_negatives(found).items()}
    click.echo("negatives accepted (none should be)")
    _table(refused)
    if write:
        write_files(rates, refused, evidence(by_split["valid"]))


def write_files(rates: dict[str, Any], refused: dict[str, Any], seen: dict[str, Any]) -> None:
    """Write both files anew: the limits as they stand, and what they rest on."""
    limits = json.loads(verdict.SHIPPED.read_text("utf-8"))
    provenance = json.loads(verdict.PROVENANCE.read_text("utf-8"))
    provenance |= {
        "date": date.today().isoformat(),
        "command": COMMAND,
        "accepted": rates,
        "negatives": refused,
        "valid": {
            part: {name: seen[part][name] for name in named if name in seen.get(part, {})}
            for part, named in limits.items()
        },
    }
    for path, document in ((verdict.SHIPPED, limits), (verdict.PROVENANCE, provenance)):
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
