"""The gate that every query passes: what was measured, against which limit, and what to do about it.

>>> study = choose_window(study)      # long traces: the ten seconds that are searched
>>> verdict = judge(study)            # accepted, score, reasons in sentences, every measure

Limits are in thresholds.json and what they rest on in thresholds_provenance.json, which
`python -m engine.training.quality_gate` writes. `gate_digest` changes with every limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.intake.quality.thresholds import gate_digest
from engine.intake.quality.verdict import Measure, QualityVerdict
from engine.modalities import resolve, spec_of
from engine.study import Study

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Measure", "QualityVerdict", "choose_window", "gate_digest", "judge"]


def choose_window(study: Study) -> Study:
    """Return the study with `window_s` set to the best 10 s of a longer trace; otherwise the study itself."""
    from engine.intake.quality.windows import choose_window as choose

    return choose(study)


def judge(study: Study, features: np.ndarray | None = None) -> QualityVerdict:
    """Judge what of the study is searched; a long trace without a window is judged by its best one.

    features : (768,) of engine.model.trunk.features where known already, so that they are not computed twice
    A modality without a gate, such as a typed finding, has nothing to be measured and is accepted.
    """
    gate = spec_of(study.modality).gate
    if gate is None:
        return QualityVerdict(True, 1.0)
    verdict: QualityVerdict = resolve(gate)(study if study.window_s is not None else choose_window(study), features)
    return verdict
