"""Cross-modal consistency of a cohort: rates, limb leads, reports, and whether intended pairs find one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import ReleaseError
from engine.metrics.heart_rate import heart_rate
from engine.model.packing import distances
from engine.synthetic.checks import agreement, retrieval
from engine.synthetic.checks.collect import CohortStudy, texts

if TYPE_CHECKING:
    from engine.model.release import Release

NORMAL = ("no finding", "normal ecg", "sinus rhythm")  # what a report need not name in these words
Studies = dict[str, list[CohortStudy]]


def rates(studies: Studies) -> dict[str, Any]:
    """Return the agreement of heart rates: ECG with PPG over the same beats, and ECG with the manifest's."""
    ecgs, ppgs = ({item.encounter: item for item in studies.get(m, [])} for m in ("ecg", "ppg"))
    peaks = {encounter: agreement.ecg_peak_times(item.trace) for encounter, item in ecgs.items()}
    both = sorted(set(ecgs) & set(ppgs))
    pairs = [agreement.rates_over_same_beats(peaks[e], agreement.ppg_peak_times(ppgs[e].trace)) for e in both]
    found = {"ecg and ppg": agreement.rate_figures([p[0] for p in pairs], [p[1] for p in pairs], both)}
    spread = [pair[2] for pair in pairs if not np.isnan(pair[2])]
    found["ecg and ppg"]["transit_spread_ms"] = round(1000 * float(np.median(spread)), 1) if spread else None
    stated = [e for e, item in ecgs.items() if item.rate is not None]
    found["ecg and manifest"] = agreement.rate_figures(
        [heart_rate(peaks[e], statistic="mean") for e in stated], [ecgs[e].rate or np.nan for e in stated], stated
    )
    return found


def limbs(studies: Studies) -> dict[str, Any]:
    """Return the largest departure from Einthoven and Goldberger over all 12-lead ECGs, in stored units."""
    stored = {item.id: _stored(item) for item in studies.get("ecg", [])}
    known = {name: agreement.limb_residual(samples) for name, samples in stored.items() if samples is not None}
    apart = sorted(name for name, gap in known.items() if gap > 0)
    worst = max(known.values(), default=None)
    return {"n": len(known), "exact": len(known) - len(apart), "worst_units": worst, "apart": apart}


def _stored(item: CohortStudy) -> np.ndarray | None:
    headers = [file for file in item.files if file.suffix == ".hea"]
    return agreement.stored_samples(headers[0]) if headers else None


def wording(studies: Studies) -> dict[str, Any]:
    """Return the share of a film's and an ECG's abnormal labels that the encounter's report names.

    A study's own report counts, or the encounter's text where it has none. Chance: the same labels sought in the
    report of the next encounter.
    """
    notes = studies.get("text", [])
    texts_of = dict(zip([item.encounter for item in notes], texts(notes), strict=True))
    return {m: _named({i.encounter: i for i in studies.get(m, [])}, texts_of) for m in ("cxr", "ecg")}


def _named(items: dict[str, CohortStudy], texts_of: dict[str, str]) -> dict[str, Any]:
    reports = {e: item.report or texts_of.get(e, "") for e, item in items.items()}
    order = sorted(e for e, report in reports.items() if report)
    following = dict(zip(order, order[1:] + order[:1], strict=True))
    asked = [(e, label) for e in order for label in items[e].labels if label.lower() not in NORMAL]
    named = [agreement.names(reports[e], label) for e, label in asked]
    luck = [agreement.names(reports[following[e]], label) for e, label in asked]
    unnamed = sorted({label for (_, label), yes in zip(asked, named, strict=True) if not yes})
    return {"n": len(asked), "named": sum(named), "chance": sum(luck), "unnamed": unnamed}


def own_study_retrieval(release: Release, studies: Studies, embeddings: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return, per pair of modalities, how well an encounter's own study is found, by embeddings and 256-bit codes.

    embeddings : modality → (n, 256), in the order of the studies.
    """
    codes = {m: release.codes(z, m) for m, z in embeddings.items()}
    rows: dict[str, Any] = {}
    for a, b in retrieval.MODALITY_PAIRS:
        if not (studies.get(a) and studies.get(b)):
            continue
        scores = {"float": embeddings[a] @ embeddings[b].T, "256 bits": -distances(codes[a], codes[b], 256)}
        who = [i.encounter for i in studies[a]], [i.encounter for i in studies[b]], [i.patient for i in studies[a]]
        rows[f"{a}→{b}"] = {name: retrieval.own_study(s.astype(np.float32), *who) for name, s in scores.items()}
    return rows


def check_cohort(release: Release, studies: Studies, embeddings: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return every figure that needs whole encounters."""
    if missing := set(embeddings) - set(release.modalities):
        raise ReleaseError(f"Release {release.name} has no encoder for {', '.join(sorted(missing))}: take another.")
    return {
        "rates": rates(studies),
        "limb_leads": limbs(studies),
        "reports": wording(studies),
        "own_study": own_study_retrieval(release, studies, embeddings),
    }
