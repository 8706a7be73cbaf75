"""What an attack did: bits flipped, neighbours kept, the target's place, and whether the check at query time saw it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.evaluate.robustness.attacks import Encoder, PreparedInputs
from engine.evaluate.robustness.defences import Defence, squeezed
from engine.evaluate.robustness.sample import AttackSample, Collection
from engine.findings import sharing
from engine.metrics.classifying import auroc
from engine.metrics.ranking import chance, precision_at, ranked_relevance
from engine.metrics.resampling import Estimate, measured, measured_mean
from engine.metrics.rows import ResultRow, distinct
from engine.model.squeeze import moves
from engine.model.steadiness import SteadinessLimit

FIRST = 5  # neighbours looked at
FALSE_ALARMS = 0.02  # of clean recordings, which the limit is chosen for
KEPT = 0.8  # of the first neighbours: an attack that leaves more does no harm worth a warning
TOLD_APART = 0.98  # AUROC from which the check is used at query time
SQUEEZE_MOVES, FLAGGED, AUROC = "squeezed copy moves", "flagged", "AUROC of the check"


@dataclass(frozen=True, eq=False)
class Judge:
    """One release on one sample: turns attacked recordings into rows."""

    encoder: Encoder
    within: Collection
    sample: AttackSample

    @property
    def patients(self) -> np.ndarray:
        """Pseudonyms of the attacked recordings (n,)."""
        return self.within.patients[self.sample.places]

    @cached_property
    def allowed(self) -> np.ndarray:
        """Which studies are no study of a query's own patient (n, collection) bool."""
        return self.patients[:, None] != self.within.patients[None]

    @cached_property
    def relevant(self) -> np.ndarray:
        """Which studies share a finding with a query (n, collection) bool."""
        return sharing(self.within.has_finding[self.sample.places], self.within.has_finding)

    @cached_property
    def limit(self) -> float:
        """The operating point: the least turn that at most FALSE_ALARMS of the clean recordings exceed."""
        return round(float(np.quantile(self.within.turns, 1 - FALSE_ALARMS, method="higher")), 4)

    @cached_property
    def clean(self) -> np.ndarray:
        """Codes of the recordings as they are, as bits (n, 256)."""
        return self.within.bits[self.sample.places]

    @cached_property
    def wanted(self) -> dict[bool, np.ndarray]:
        """Bits that an untargeted (False) and a targeted attack (True) drive codes to, (n, 256)."""
        return {False: ~self.clean, True: self.within.bits[self.sample.targets]}

    def first(self, bits: np.ndarray) -> np.ndarray:
        """Return the nearest studies' places by codes (n, 256): (n, FIRST)."""
        far = (bits[:, None] != self.within.bits[None]).sum(-1)
        return np.argsort(np.where(self.allowed, far, 1000), axis=1, kind="stable")[:, :FIRST]

    def precise(self, bits: np.ndarray) -> np.ndarray:
        """Return P@5 of codes (n, 256), per query (n,)."""
        near = -(bits[:, None] != self.within.bits[None]).sum(-1)
        return precision_at(ranked_relevance(near, self.relevant, self.allowed, FIRST), FIRST)

    def clean_row(self, task: str, defence: Defence | None = None, seed: int = 0) -> ResultRow:
        """Return what the recordings as they are find, by themselves or by a defence's code."""
        bits = self.clean if defence is None else self._answered(self.sample.inputs, defence, seed)
        name = "clean" if defence is None else f"clean, answered by {defence.name}"
        figures = {f"P@{FIRST}": self.mean(self.precise(bits))}
        return ResultRow(task, name, figures, distinct(self.patients), self.chance)

    def row(
        self,
        task: str,
        method: str,
        inputs: PreparedInputs,
        *,
        targeted: bool,
        defence: Defence | None = None,
        seed: int = 0,
    ) -> ResultRow:
        """Return what attacked recordings find, beside what the same way of answering finds for clean ones."""
        before = self.clean if defence is None else self._answered(self.sample.inputs, defence, seed)
        bits = self._answered(inputs, defence or Defence("itself"), seed)
        first = self.first(bits)
        kept = [np.isin(a, b).mean() for a, b in zip(first, self.first(before), strict=True)]
        figures = {
            "bits flipped": self.mean((bits != before).sum(1)),
            f"P@{FIRST}": self.mean(self.precise(bits)),
            f"first {FIRST} kept": self.mean(np.array(kept)),
        }
        if targeted:
            figures["target first"] = self.mean(first[:, 0] == self.sample.targets)
        if defence is None:
            figures |= self._check(inputs)
        return ResultRow(task, method, figures, distinct(self.patients), self.chance)

    def operating_point(self, rows: list[ResultRow]) -> SteadinessLimit:
        """Return the limit, used where every attack of `rows` that matters is told apart from clean recordings.

        An attack matters that loses one of the first five neighbours, or more.
        """
        matter = [row for row in rows if AUROC in row.figures and row.figures[f"first {FIRST} kept"].value <= KEPT]
        holds = bool(matter) and all(row.figures[AUROC].value >= TOLD_APART for row in matter)
        above = round(float((self.within.turns > self.limit).mean()), 4)
        usual = int(np.median(self.within.moved))
        return SteadinessLimit(self.limit, usual, above, len(self.within.recordings), holds)

    def false_alarms(self) -> Estimate:
        """Return the share of clean recordings that are flagged."""
        return measured_mean((self.within.turns > self.limit).astype(float), self.within.patients)

    def apart(self, measures: np.ndarray, of_clean: np.ndarray, patients: np.ndarray) -> Estimate:
        """Return the AUROC of measures of attacked (n,) against clean recordings (m,) of these patients (m,)."""
        scores = np.concatenate([measures, of_clean]).astype(float)
        labels = np.arange(len(scores)) < len(measures)
        named = np.concatenate([self.patients, patients])
        return measured(lambda w: auroc(scores, labels, w), named)

    def _answered(self, inputs: PreparedInputs, defence: Defence, seed: int) -> np.ndarray:
        return self.encoder.bits(inputs, defence.view, defence.draws, seed)

    def _check(self, inputs: PreparedInputs) -> dict[str, Estimate]:
        of_copy = self.encoder.values(inputs, squeezed(self.encoder.modality))
        moved, turns = moves(self.encoder.values(inputs), of_copy)
        return {
            SQUEEZE_MOVES: self.mean(moved),
            FLAGGED: self.mean(turns > self.limit),
            AUROC: self.apart(turns, self.within.turns, self.within.patients),
        }

    def mean(self, values: np.ndarray) -> Estimate:
        """Return the mean of values of the attacked recordings (n,) with its interval by patient."""
        return measured_mean(values.astype(float), self.patients)

    @cached_property
    def chance(self) -> dict[str, float]:
        """What no knowledge finds: mean share of relevant studies."""
        return {f"P@{FIRST}": float(chance(self.relevant, self.allowed).mean())}
