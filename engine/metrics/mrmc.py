"""Multi-reader multi-case analysis: does one arm do better than the other, beyond these readers and cases?

Figures of merit are the area under the ROC curve, sensitivity and specificity; each is a mean over cases, so its
covariances over readers and arms come from the cases: DeLong, DeLong and Clarke-Pearson (Biometrics 1988), or the
jackknife. The test is that of Obuchowski and Rockette (Communications in Statistics 1995) with the degrees of freedom
of Hillis (Statistics in Medicine 2007; Academic Radiology 2014): readers and cases are random, every reader reads every
case in both arms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

Covariances = Literal["jackknife", "delong"]
COVARIANCES: tuple[Covariances, ...] = ("jackknife", "delong")
ARMS = 2


@dataclass(frozen=True, eq=False)
class CaseParts:
    """A figure of merit as means over cases: (figures, cases) float64 of the cases of either kind.

    The figure is the mean of `first`. `second` has the same mean over the other cases; None where they play no part.
    """

    first: np.ndarray
    second: np.ndarray | None = None

    @property
    def values(self) -> np.ndarray:
        """The figures, (figures,)."""
        return self.first.mean(axis=1)


@dataclass(frozen=True)
class Interval:
    """An estimate with its standard error, interval and degrees of freedom; infinite ones for a normal deviate."""

    value: float
    se: float
    df: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference(Interval):
    """A difference, second arm less first, with the p-value of none (two-sided); NaN where nothing varies."""

    p: float = float("nan")


@dataclass(frozen=True)
class OrComponents:
    """Mean squares of arm (t), reader (r) and both (tr), and the mean covariances: of one figure (var), of one reader
    in two arms (cov1), of two readers in one arm (cov2), of two readers in two arms (cov3).
    """

    ms_t: float
    ms_r: float
    ms_tr: float
    var: float
    cov1: float
    cov2: float
    cov3: float


@dataclass(frozen=True)
class OrResult:
    """What Obuchowski and Rockette's method finds.

    random_readers : the difference for readers and cases like these; None with one reader
    fixed_readers  : for these readers and cases like these
    arms           : each arm's mean figure, from its own data alone; empty with one reader
    """

    components: OrComponents
    random_readers: Difference | None
    fixed_readers: Difference
    arms: tuple[Interval, ...]

    @property
    def primary(self) -> Difference:
        """The difference that counts: for readers like these, where there are several."""
        return self.random_readers or self.fixed_readers


def auc_parts(ratings: np.ndarray, truth: np.ndarray) -> CaseParts:
    """Return the parts of the areas under the ROC curve, ties counted half.

    ratings : (figures, cases), higher for more likely present    truth : (cases,) bool
    """
    present, absent = ratings[:, truth], ratings[:, ~truth]
    above = np.sign(present[:, :, None] - absent[:, None, :]) / 2 + 0.5
    return CaseParts(above.mean(axis=2), above.mean(axis=1))


def sensitivity_parts(decisions: np.ndarray, truth: np.ndarray) -> CaseParts:
    """Return the parts of sensitivities. decisions : (figures, cases) bool; truth : (cases,) bool"""
    return CaseParts(decisions[:, truth].astype(np.float64))


def specificity_parts(decisions: np.ndarray, truth: np.ndarray) -> CaseParts:
    """Return the parts of specificities. decisions : (figures, cases) bool; truth : (cases,) bool"""
    return CaseParts(1.0 - decisions[:, ~truth])


def delong_covariance(parts: CaseParts) -> np.ndarray:
    """Return the covariance of the figures over cases, (figures, figures)."""
    kinds = [parts.first] if parts.second is None else [parts.first, parts.second]
    total = np.zeros((len(parts.first), len(parts.first)))
    for one in kinds:
        total += np.atleast_2d(np.cov(one)) / one.shape[1]
    return total


def jackknife_covariance(parts: CaseParts, cases: int) -> np.ndarray:
    """Return the covariance of the figures, (figures, figures), from leaving out each of all `cases` cases in turn."""
    values = parts.values[:, None]
    kinds = [parts.first] if parts.second is None else [parts.first, parts.second]
    without = np.concatenate([(one.shape[1] * values - one) / (one.shape[1] - 1) for one in kinds], axis=1)
    if without.shape[1] < cases:  # a case that plays no part leaves the figure as it is
        without = np.concatenate([without, np.repeat(values, cases - without.shape[1], axis=1)], axis=1)
    centred = without - without.mean(axis=1, keepdims=True)
    return np.asarray((cases - 1) / cases * centred @ centred.T)


def covariance_of(parts: CaseParts, cases: int, how: Covariances) -> np.ndarray:
    """Return the covariance of the figures by either way."""
    return delong_covariance(parts) if how == "delong" else jackknife_covariance(parts, cases)


def obuchowski_rockette(values: np.ndarray, covariance: np.ndarray, alpha: float = 0.05) -> OrResult:
    """Return the test of no difference between two arms.

    values     : (2, readers) figures
    covariance : (2 * readers, 2 * readers) of them over cases, arm by arm
    alpha      : 1 less the level of the intervals
    """
    readers = values.shape[1]
    found = _components(values, covariance)
    fixed_mean = max(found.var - found.cov1 + (readers - 1) * max(found.cov2 - found.cov3, 0.0), 0.0)
    difference = float(values[1].mean() - values[0].mean())
    fixed = _difference(difference, float(np.sqrt(2 * fixed_mean / readers)), np.inf, alpha)
    if readers < 2:
        return OrResult(found, None, fixed, ())
    mean = found.ms_tr + readers * max(found.cov2 - found.cov3, 0.0)
    df = _hillis(mean, found.ms_tr, readers)
    random = _difference(difference, float(np.sqrt(2 * mean / readers)), df, alpha)
    arms = tuple(_arm(values[arm], _block(covariance, readers, arm, arm), alpha) for arm in range(ARMS))
    return OrResult(found, random, fixed, arms)


def crossed_difference(differences: np.ndarray, alpha: float = 0.05) -> Difference:
    """Return the mean of paired differences for readers and cases like these, both random and crossed.

    differences : (readers, cases), one reading each; mean squares with Satterthwaite's degrees of freedom
    """
    readers, cases = differences.shape
    mean = float(differences.mean())
    if readers < 2:
        return _difference(mean, float(differences.std(ddof=1) / np.sqrt(cases)), cases - 1.0, alpha)
    by_reader, by_case = differences.mean(axis=1), differences.mean(axis=0)
    ms_r = cases * float(by_reader.var(ddof=1))
    ms_c = readers * float(by_case.var(ddof=1))
    left = differences - by_reader[:, None] - by_case[None] + mean
    df_e = (readers - 1) * (cases - 1)
    ms_e = float((left**2).sum() / df_e)
    total = ms_r + ms_c - ms_e
    if total <= max(ms_r, ms_c):  # neither readers nor cases vary more than chance: the larger alone
        total, df = (ms_r, readers - 1.0) if ms_r >= ms_c else (ms_c, cases - 1.0)
    else:
        df = total**2 / (ms_r**2 / (readers - 1) + ms_c**2 / (cases - 1) + ms_e**2 / df_e)
    return _difference(mean, float(np.sqrt(total / (readers * cases))), df, alpha)


def _components(values: np.ndarray, covariance: np.ndarray) -> OrComponents:
    readers = values.shape[1]
    by_arm, by_reader, mean = values.mean(axis=1), values.mean(axis=0), float(values.mean())
    left = values - by_arm[:, None] - by_reader[None] + mean
    several = readers > 1
    within = [_block(covariance, readers, arm, arm) for arm in range(ARMS)]
    between = _block(covariance, readers, 0, 1)
    others = ~np.eye(readers, dtype=bool)
    return OrComponents(
        ms_t=readers * float(((by_arm - mean) ** 2).sum()),
        ms_r=ARMS * float(by_reader.var(ddof=1)) if several else 0.0,
        ms_tr=float((left**2).sum()) / (readers - 1) if several else 0.0,
        var=float(np.mean([np.diag(one).mean() for one in within])),
        cov1=float(np.diag(between).mean()),
        cov2=float(np.mean([one[others].mean() for one in within])) if several else 0.0,
        cov3=float(between[others].mean()) if several else 0.0,
    )


def _block(covariance: np.ndarray, readers: int, first: int, second: int) -> np.ndarray:
    return covariance[first * readers : (first + 1) * readers, second * readers : (second + 1) * readers]


def _arm(values: np.ndarray, covariance: np.ndarray, alpha: float) -> Interval:
    readers = len(values)
    ms_r = float(values.var(ddof=1))
    cov2 = float(covariance[~np.eye(readers, dtype=bool)].mean())
    mean = ms_r + readers * max(cov2, 0.0)
    se, df = float(np.sqrt(mean / readers)), _hillis(mean, ms_r, readers)
    reach = _reach(se, df, alpha)
    value = float(values.mean())
    return Interval(value, se, df, value - reach, value + reach)


def _hillis(mean: float, mean_square: float, readers: int) -> float:
    """Return Hillis' degrees of freedom; infinite where readers do not vary."""
    return mean**2 * (readers - 1) / mean_square**2 if mean_square > 0 else float("inf")


def _reach(se: float, df: float, alpha: float) -> float:
    return float(se * (stats.norm.isf(alpha / 2) if np.isinf(df) else stats.t.isf(alpha / 2, df)))


def _difference(value: float, se: float, df: float, alpha: float) -> Difference:
    if se <= 0:
        return Difference(value, 0.0, df, value, value, float("nan") if value else 1.0)
    ratio = abs(value) / se
    p = 2 * float(stats.norm.sf(ratio) if np.isinf(df) else stats.t.sf(ratio, df))
    reach = _reach(se, df, alpha)
    return Difference(value, se, df, value - reach, value + reach, p)
