"""The documented prior, read from prior.toml: conditions, how common, in whom, with what, and how they show."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("prior.toml")
NORMAL = "normal"
CLEAR = "No Finding"

LabelSet = tuple[float, tuple[str, ...]]
"""Share and labels of one alternative."""


@dataclass(frozen=True)
class Vitals:
    """What a condition adds to a person's own vitals, with its spread; limits replace the usual ones where given."""

    rate: float = 0.0
    rate_sd: float = 0.0
    rate_limits: tuple[float, float] | None = None
    systolic: float = 0.0
    systolic_sd: float = 0.0
    systolic_limits: tuple[float, float] | None = None
    respiration: float = 0.0
    respiration_sd: float = 0.0
    spo2: float = 0.0
    spo2_sd: float = 0.0


@dataclass(frozen=True)
class Course:
    """What a follow-up finds: conditions gone and new, a film instead of the condition's own, shifts of the vitals."""

    name: str
    share: float
    weeks: tuple[float, float]
    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    film: tuple[LabelSet, ...] = ()
    ap: float | None = None
    vitals: Vitals = field(default_factory=Vitals)


@dataclass(frozen=True)
class Condition:
    """One clinical picture; see the head of prior.toml for what each value means."""

    name: str
    population: float
    here: float
    age: tuple[float, float]
    men: float
    odds_per_decade: float
    odds_men: float
    vitals: Vitals
    film: tuple[LabelSet, ...]
    ap: float
    ecg: tuple[str, ...]
    ecg_sometimes: tuple[LabelSet, ...]
    beside: tuple[tuple[float, str], ...]
    follow_up: float
    courses: tuple[Course, ...]

    def odds(self, p: float, decades: float, sex: str) -> float:
        """Return the probability p moved by decades of age and by sex (half of log odds up for men, down for women)."""
        logit = math.log(p / (1 - p)) + decades * math.log(self.odds_per_decade)
        logit += math.copysign(0.5, 1 if sex == "M" else -1) * math.log(self.odds_men)
        return 1 / (1 + math.exp(-logit))


@dataclass(frozen=True)
class Prior:
    """Everything in prior.toml; `tables` holds the rest under the file's own names."""

    conditions: dict[str, Condition]
    exclusive: tuple[frozenset[str], ...]
    tables: dict[str, Any]


@lru_cache(maxsize=2)
def read_prior(painted: bool = False) -> Prior:
    """Return the shipped prior, without the labels under `cohort.left_out` and the conditions that need them.

    painted : without those under `cohort.left_out_painted` instead, for films on which findings are painted
    """
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    if painted:
        tables["cohort"]["left_out"] = tables["cohort"]["left_out_painted"]
    return prior_of(tables)


def prior_of(tables: dict[str, Any]) -> Prior:
    """Return the prior of parsed tables; shares `here` are made to sum to one."""
    left_out = frozenset(tables["cohort"]["left_out"])
    made = [_condition(name, table, left_out) for name, table in tables["condition"].items()]
    kept = [one for one in made if one.film and not (left_out & set(one.ecg))]
    names = {one.name for one in kept}
    total = sum(one.here for one in kept)
    conditions = {one.name: _among(one, names, total) for one in kept}
    return Prior(conditions, tuple(frozenset(group) for group in tables["exclusive"]["groups"]), tables)


def _condition(name: str, table: dict[str, Any], left_out: frozenset[str]) -> Condition:
    odds = table.get("odds", {})
    ecg = table["ecg"]
    return Condition(
        name=name,
        population=table["prevalence"]["population"],
        here=table["prevalence"]["here"],
        age=tuple(table["people"]["age"]),
        men=table["people"]["men"],
        odds_per_decade=odds.get("per_decade", 1.0),
        odds_men=odds.get("men", 1.0),
        vitals=_vitals(table.get("vitals", {})),
        film=_sets(table["film"]["sets"], left_out),
        ap=table["film"]["ap"],
        ecg=tuple(ecg["always"]),
        ecg_sometimes=_sets(ecg.get("sometimes", []), left_out),
        beside=tuple((share, other) for share, other in table.get("beside", {}).get("list", [])),
        follow_up=table["follow_up"]["share"] if "follow_up" in table else 0.0,
        courses=tuple(_course(course, left_out) for course in table.get("course", [])),
    )


def _among(condition: Condition, names: set[str], total: float) -> Condition:
    """Return the condition with its share of `total`, beside and followed by conditions that are drawn at all."""
    beside = tuple(pair for pair in condition.beside if pair[1] in names)
    courses = tuple(course for course in condition.courses if names.issuperset(course.new))
    values = {**condition.__dict__, "here": condition.here / total, "beside": beside, "courses": courses}
    return Condition(**values)


def _vitals(table: dict[str, Any]) -> Vitals:
    known: dict[str, Any] = {name: table[name] for name in Vitals.__dataclass_fields__ if name in table}
    known |= {name: tuple(known[name]) for name in ("rate_limits", "systolic_limits") if name in known}
    return Vitals(**known)


def _course(table: dict[str, Any], left_out: frozenset[str]) -> Course:
    return Course(
        table["name"],
        table["share"],
        (table["weeks"][0], table["weeks"][1]),
        tuple(table.get("gone", ())),
        tuple(table.get("new", ())),
        _sets(table.get("film", []), left_out),
        table.get("ap"),
        _vitals(table),
    )


def _sets(sets: list[list[Any]], left_out: frozenset[str]) -> tuple[LabelSet, ...]:
    """Return (share, labels) of the alternatives that show no label left out."""
    made = ((float(share), tuple(labels)) for share, *labels in sets)
    return tuple(one for one in made if not left_out & set(one[1]))
