"""Counter-examples: the nearest cases that are labelled, but not as the query is, or as what lies nearest to it.

Which labels are meant, in this order:

labels  : those of a study of the collection that is the query
chosen  : of a query that is the mean of several cases, the findings that at least HALF of the labelled ones have
words   : the findings that a typed query affirms; words that only deny ("no effusion") are left to the next rule
nearest : of a query without labels, the finding that the nearest cases most often have: each labelled case votes with
          the share of pairs at its distance that share a finding, so near cases and reliable kinds count for more;
          where none may be claimed, with the share of random pairs that are further apart.
          Every finding with at least HALF of the labelled cases' weight is meant, or the first one where none has

Labels that mean the same finding (engine/findings/families.toml) are one; a label that means none of them stands for
itself. "Normal" is a finding like others: an abnormal case is a counter-example to a normal query and the other way
round; one labelled both normal and something else is neither. What says where a patient lies or what lies in the
film (critical care, devices), and a label that means no finding ("sinus rhythm"), is not meant while a finding is. A
case without labels is no counter-example.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.actor import Actor
from engine.findings import findings_of_label, phrase, recognise, vocabulary
from engine.retrieval.answer import Answer
from engine.workspace.workspace import Workspace

HALF = 0.5
CIRCUMSTANCES = frozenset({"critical_care", "devices"})


@dataclass(frozen=True)
class QueryFindings:
    """The finding families to differ from, and where they come from.

    basis    : "labels", "chosen", "words" or "nearest"
    families : names of families.toml, or a label in lower case that means none of them
    labels   : for "labels", the query's own as they are published
    votes    : for "chosen" and "nearest", labelled cases that have one of them, out of `labelled`
    """

    basis: str
    families: tuple[str, ...]
    labels: tuple[str, ...] = ()
    votes: int = 0
    labelled: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Return the families as a person reads them."""
        return tuple(phrase(one) if one in vocabulary() else one for one in self.families)


@dataclass(frozen=True, eq=False)
class Counterexamples:
    """What the counter-examples differ from, and their answer; None where nothing says what to differ from."""

    findings: QueryFindings
    answer: Answer | None


def families(labels: Iterable[str]) -> frozenset[str]:
    """Return the families of some labels: the findings that they mean, or themselves in lower case."""
    return frozenset().union(*(findings_of_label(one) or {one.strip().lower()} for one in labels))


def query_findings(workspace: Workspace, answer: Answer, *, actor: Actor) -> QueryFindings:
    """Return what the counter-examples to a query differ from; no families where nothing is labelled."""
    study = answer.study
    if study.facts.get("like"):
        rows = workspace.rows(list(study.facts["like"]), actor=actor)
        return _by_votes("chosen", [(families(row.labels), 1.0) for row in rows if row.labels])
    labels = _own_labels(workspace, answer, actor)
    if labels:
        return QueryFindings("labels", _telling(families(labels)), labels)
    named = _named(study.content.text) if study.modality == "text" else frozenset()  # type: ignore[union-attr]
    if named:
        return QueryFindings("words", _telling(named))
    return _by_votes("nearest", [(families(one.labels), one.further_share) for one in answer.neighbours if one.labels])


def labels_to_exclude(workspace: Workspace, findings: QueryFindings, *, actor: Actor) -> tuple[str, ...]:
    """Return every label of the workspace that belongs to a family that is meant."""
    wanted = set(findings.families)
    return tuple(label for label in sorted(workspace.labels(actor=actor)) if families([label]) & wanted)


def _own_labels(workspace: Workspace, answer: Answer, actor: Actor) -> tuple[str, ...]:
    """Return the labels of the study of the workspace that is the query, or part of it; none for an uploaded one."""
    study_id = answer.study.facts.get("part_of", answer.query_id)
    return next((row.labels for row in workspace.rows([study_id], actor=actor)), ())


def _named(words: str) -> frozenset[str]:
    """Return the families of the findings that a typed query affirms."""
    return families(one.finding for one in recognise(words) if not one.negated)


def _by_votes(basis: str, votes: Sequence[tuple[frozenset[str], float]]) -> QueryFindings:
    """Return what labelled cases most often have, each with its families and its weight."""
    most = _most(votes)
    return QueryFindings(basis, most, votes=sum(bool(held & set(most)) for held, _ in votes), labelled=len(votes))


def _most(votes: Sequence[tuple[frozenset[str], float]]) -> tuple[str, ...]:
    """Return the families with at least half of the weight, or the first one; equal weights by name."""
    total, sums = sum(weight for _, weight in votes), defaultdict[str, float](float)
    for held, weight in votes:
        for one in _telling(held):
            sums[one] += weight
    order = sorted(sums, key=lambda one: (-sums[one], one))
    return tuple(one for one in order if sums[one] >= HALF * total) or tuple(order[:1])


def _telling(family_names: Iterable[str]) -> tuple[str, ...]:
    """Return families by name: the findings, and circumstances or other labels only where there is no finding."""
    names = sorted(family_names)
    return tuple(one for one in names if one in vocabulary() and one not in CIRCUMSTANCES) or tuple(names)
