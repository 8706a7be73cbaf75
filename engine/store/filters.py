"""What may be returned: each filter carries its SQL and its sentence, so the page can always say what is applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from engine.findings.shown import shown
from engine.strings import ENGLISH, language, one_of, speaking, text
from engine.study import Study

# A withdrawn patient, or a study that the quality gate refuses, is never a neighbour, whatever else is asked for.
ACCEPTED_SQL = "s.refused = ''"
CONSENT_SQL = "s.patient_id NOT IN (SELECT w.patient_id FROM withdrawn w WHERE w.scope = 'retrieval')"


class Clause(NamedTuple):
    """One condition on the studies table `s`: SQL with `?` in place of values, the values, and the sentence.

    sentence : in the reader's language
    """

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
        """Say what is applied, e.g. "Only women, aged 40 or more.", in the reader's language; empty when nothing is."""
        parts = [clause.sentence for clause in self.clauses()]
        return text("applied.only", parts=", ".join(parts)) if parts else ""

    @property
    def recorded(self) -> str:
        """Return the sentence for the record, which is in English whoever reads it."""
        with speaking(ENGLISH):
            return self.sentence

    def to_json(self) -> dict[str, Any]:
        """Return the fields that restrict something."""
        return {name: value for name, value in asdict(self).items() if value not in (None, ())}

    def _age(self) -> Clause | None:
        low, high = self.age_min, self.age_max
        if low is None and high is None:
            return None
        if high is None:
            return Clause("s.age >= ?", (low,), text("applied.age_from", low=low))
        if low is None:
            return Clause("s.age <= ?", (high,), text("applied.age_until", high=high))
        return Clause("s.age BETWEEN ? AND ?", (low, high), text("applied.age", low=low, high=high))

    def _sex(self) -> Clause | None:
        if not self.sex:
            return None
        return Clause("s.sex = ?", (self.sex,), one_of("applied", f"sex_{self.sex}", text("applied.sex", sex=self.sex)))

    def _view(self) -> Clause | None:
        if not self.view:
            return None
        return Clause("(s.modality <> 'cxr' OR s.view = ?)", (self.view,), text("applied.view", view=self.view))

    def _cohorts(self) -> Clause | None:
        if not self.cohorts:
            return None
        return Clause(
            "list_contains(?, s.cohort)", (list(self.cohorts),), text("applied.cohorts", names=_either(self.cohorts))
        )

    def _labels(self) -> Clause | None:
        if not self.labels:
            return None
        return Clause(
            "list_has_any(s.labels, ?)",
            (list(self.labels),),
            text("applied.labels", names=_either(_shown(self.labels))),
        )

    def _labels_not(self) -> Clause | None:
        if not self.labels_not:
            return None
        sql = "(len(s.labels) > 0 AND NOT list_has_any(s.labels, ?))"
        return Clause(sql, (list(self.labels_not),), text("applied.labels_not", names=_either(_shown(self.labels_not))))

    def _synthetic(self) -> Clause | None:
        if self.synthetic is None:
            return None
        return Clause(
            "s.synthetic = ?", (self.synthetic,), text("applied.synthetic" if self.synthetic else "applied.recordings")
        )

    def _without(self) -> Clause | None:
        if not self.without_patients:
            return None
        sql = "NOT list_contains(?, s.patient_id)"
        return Clause(sql, (list(self.without_patients),), text("applied.without"))

    def _acquired(self) -> Clause | None:
        first, last = self.acquired_from, self.acquired_to
        if not first and not last:
            return None
        # Compared as text: a date begins with its month and its year.
        since, until = "s.acquired_at >= ?", "substr(s.acquired_at, 1, length(?)) <= ?"
        if not last:
            return Clause(f"({since} AND s.acquired_at <> '')", (first,), text("applied.acquired_from", first=first))
        if not first:
            return Clause(f"({until} AND s.acquired_at <> '')", (last, last), text("applied.acquired_until", last=last))
        return Clause(f"({since} AND {until})", (first, last, last), text("applied.acquired", first=first, last=last))

    def _quality(self) -> Clause | None:
        if self.quality_min is None:
            return None
        return Clause("s.quality_score >= ?", (self.quality_min,), text("applied.quality", least=self.quality_min))

    def _consent(self) -> Clause | None:
        if not self.consent:
            return None
        sql = "s.patient_id NOT IN (SELECT w.patient_id FROM withdrawn w WHERE w.scope = ?)"
        return Clause(
            sql,
            (self.consent,),
            one_of("applied", f"consent_{self.consent}", text("applied.consent", scope=self.consent)),
        )


def _either(names: Sequence[str]) -> str:
    return text("applied.or").join(names)


def _shown(names: Sequence[str]) -> list[str]:
    return [shown(name, language()) for name in names]


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
