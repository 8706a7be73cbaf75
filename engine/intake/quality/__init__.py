"""The gate that every query passes: what was measured, against which limit, and what to do about it.

>>> study = choose_window(study)      # long traces: the ten seconds that are searched
>>> verdict = judge(study)            # accepted, score, reasons in sentences, every measure

Limits and their provenance are in thresholds.json, refitted by `python -m engine.training.quality_gate`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.intake.quality.verdict import Measure, QualityVerdict
from engine.study import Film, Study, Trace

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Measure", "QualityVerdict", "choose_window", "judge"]


def choose_window(study: Study) -> Study:
    """Return the study with `window_s` set to the best 10 s of a longer trace; otherwise the study itself."""
    from engine.intake.quality.windows import choose_window as choose

    return choose(study)


def judge(study: Study, features: np.ndarray | None = None) -> QualityVerdict:
    """Judge what of the study is searched; a long trace without a window is judged by its best one.

    features : (768,) of engine.model.trunk.features where known already, so that they are not computed twice
    A typed finding has nothing to be measured and is accepted.
    """
    content = (study if study.window_s is not None else choose_window(study)).searched
    if isinstance(content, Film):
        from engine.intake.quality.film import judge_film

        return judge_film(content, study.facts, features)
    if isinstance(content, Trace):
        if study.modality == "ecg":
            from engine.intake.quality.ecg import judge_ecg

            return judge_ecg(content)
        from engine.intake.quality.ppg import judge_ppg

        return judge_ppg(content)
    return QualityVerdict(True, 1.0)
