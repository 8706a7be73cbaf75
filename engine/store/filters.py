"""What may be returned: each filter carries its SQL and its sentence, so the page can always say what is applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from engine.study import Study

# A withdrawn patient, or a study that the quality gate refuses, is never a neighbour, whatever else is asked for.
ACCEPTED_SQL = "s.refused = ''"
CONSENT_SQL = "s.patient_id NOT IN (SELECT w.patient_id FROM withdrawn w WHERE w.scope = 'retrieval')"

SCOPE_WORDS = {"retrieval": "patients who let others find them", "training": "patients who let the model learn"}
SEX_WORDS = {"F": "women", "M": "men"}


class Clause(NamedTuple):
    """One condition on the studies table `s`: SQL with `?` in place of values, the values, and the sentence."""

    sql: str
    values: tuple[Any, ...]
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Filters:
    """The user's restrictions; empty fields restrict nothing.

    age_min, age_max : years, both inclusive; studies without an age are left out as soon as one is given
    sex              : "F" or "M"
    view             : of films, e.g. "PA"; other modalities are not touched by it
    cohorts          : names, any of them
    labels           : any of them
    synthetic        : True only synthetic studies, False only recordings
    without_patients : patient ids that must not be returned
    acquired_from, acquired_to : ISO dates or their beginnings, both inclusive, e.g. "2019" to "2020-06"; studies
                       without a date are left out as soon as one is given
    quality_min      : of the quality gate, 0..1
    labels_not       : none of them; studies without labels are left out as soon as one is given
    consent          : a scope beyond retrieval that no patient must have withdrawn, e.g. "training"
    """

    age_min: float | None = None
    age_max: float | None = None
    sex: str | None = None
    view: str | None = None
    cohorts: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    synthetic: bool | None = None
    without_patients: tuple[str, ...] = ()
    acquired_from: str | None = None
    acquired_to: str | None = None
    quality_min: float | None = None
    consent: str | None = None
    labels_not: tuple[str, ...] = ()

    @property
    def by_label(self) -> bool:
        """Whether the labels of what is returned were chosen, so that they tell nothing of the query any more."""
        return bool(self.labels or self.labels_not)

    def clauses(self) -> list[Clause]:
        """Return the conditions that are in force, in the order in which they are read out."""
        candidates = (
            self._age(),
            self._sex(),
            self._view(),
            self._cohorts(),
            self._labels(),
            self._synthetic(),
            self._without(),
            self._acquired(),
            self._quality(),
            self._consent(),
            self._labels_not(),
        )
        return [clause for clause in candidates if clause is not None]

    @property
    def sentence(self) -> str:
        """Say what is applied, e.g. "Only women, aged 40 or more."; empty when nothing is."""
        parts = [clause.sentence for clause in self.clauses()]
        return f"Only {', '.join(parts)}." if parts else ""

    def to_json(self) -> dict[str, Any]:
        """Return the fields that restrict something."""
        return {name: value for name, value in asdict(self).items() if value not in (None, ())}

    def _age(self) -> Clause | None:
        low, high = self.age_min, self.age_max
        if low is None and high is None:
            return None
        if high is None:
            return Clause("s.age >= ?", (low,), f"aged {low:g} or more")
        if low is None:
            return Clause("s.age <= ?", (high,), f"aged {high:g} or less")
        return Clause("s.age BETWEEN ? AND ?", (low, high), f"aged {low:g} to {high:g}")

    def _sex(self) -> Clause | None:
        if not self.sex:
            return None
        return Clause("s.sex = ?", (self.sex,), SEX_WORDS.get(self.sex, f"sex {self.sex}"))

    def _view(self) -> Clause | None:
        if not self.view:
            return None
        return Clause("(s.modality <> 'cxr' OR s.view = ?)", (self.view,), f"films in {self.view} view")

    def _cohorts(self) -> Clause | None:
        if not self.cohorts:
            return None
        return Clause("list_contains(?, s.cohort)", (list(self.cohorts),), f"from {' or '.join(self.cohorts)}")

    def _labels(self) -> Clause | None:
        if not self.labels:
            return None
        return Clause("list_has_any(s.labels, ?)", (list(self.labels),), f"labelled as {' or '.join(self.labels)}")

    def _labels_not(self) -> Clause | None:
        if not self.labels_not:
            return None
        sql = "(len(s.labels) > 0 AND NOT list_has_any(s.labels, ?))"
        return Clause(sql, (list(self.labels_not),), f"labelled, but not as {' or '.join(self.labels_not)}")

    def _synthetic(self) -> Clause | None:
        if self.synthetic is None:
            return None
        return Clause("s.synthetic = ?", (self.synthetic,), "synthetic studies" if self.synthetic else "recordings")

    def _without(self) -> Clause | None:
        if not self.without_patients:
            return None
        sql = "NOT list_contains(?, s.patient_id)"
        return Clause(sql, (list(self.without_patients),), "patients other than those left out")

    def _acquired(self) -> Clause | None:
        first, last = self.acquired_from, self.acquired_to
        if not first and not last:
            return None
        # Compared as text: a date begins with its month and its year.
        since, until = "s.acquired_at >= ?", "substr(s.acquired_at, 1, length(?)) <= ?"
        if not last:
            return Clause(f"({since} AND s.acquired_at <> '')", (first,), f"acquired from {first}")
        if not first:
            return Clause(f"({until} AND s.acquired_at <> '')", (last, last), f"acquired until {last}")
        return Clause(f"({since} AND {until})", (first, last, last), f"acquired from {first} to {last}")

    def _quality(self) -> Clause | None:
        if self.quality_min is None:
            return None
        return Clause("s.quality_score >= ?", (self.quality_min,), f"of quality {self.quality_min:g} or better")

    def _consent(self) -> Clause | None:
        if not self.consent:
            return None
        sql = "s.patient_id NOT IN (SELECT w.patient_id FROM withdrawn w WHERE w.scope = ?)"
        return Clause(sql, (self.consent,), SCOPE_WORDS.get(self.consent, f"with consent to {self.consent}"))


def exclude_own_patient(study: Study, patient_id: str | None) -> Clause:
    """Exclude the query's own patient, known by the file's identifier, by equal content, or by id.

    Equal words are no identity: a typed "normal" is not the patient whose report says "normal".
    """
    sql = (
        "s.patient_id NOT IN (SELECT o.patient_id FROM studies o"
        " WHERE o.patient_key = ? OR o.patient_id = ? OR (o.fingerprint = ? AND o.fingerprint <> ''))"
    )
    fingerprint = "" if study.modality == "text" else study.fingerprint
    return Clause(sql, (study.patient_key, patient_id, fingerprint), "patients other than the query's own")


def sharing_labels(groups: Sequence[Sequence[str]], exactly: int) -> Clause:
    """Return the condition that a study has a label of exactly so many of some groups of labels."""
    met = " + ".join("list_has_any(s.labels, ?)::INTEGER" for _ in groups)
    return Clause(f"({met}) = ?", (*(list(group) for group in groups), exactly), "")


def without_labels(labels: Sequence[str], *, labelled: bool) -> Clause:
    """Return the condition that a study has none of some labels, and with `labelled` that it has another one."""
    free = Clause("NOT list_has_any(s.labels, ?::VARCHAR[])", (list(labels),), "")
    return both(Clause("len(s.labels) > 0", (), ""), free) if labelled else free


def both(first: Clause, second: Clause) -> Clause:
    """Return the condition that two conditions are met."""
    sentence = ", ".join(one for one in (first.sentence, second.sentence) if one)
    return Clause(f"(({first.sql}) AND ({second.sql}))", first.values + second.values, sentence)


def all_of(clauses: list[Clause]) -> Clause:
    """Return the condition that every clause is met, without a sentence."""
    sql = " AND ".join(clause.sql for clause in clauses)
    return Clause(f"({sql})", tuple(value for clause in clauses for value in clause.values), "")
