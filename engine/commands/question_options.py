"""The command line options that say how to search: as one Options, and the filters among them as one Filters."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from engine.errors import UsageError
from engine.modalities import MODALITIES
from engine.study import Modality

Command = TypeVar("Command", bound=Callable[..., Any])

FILTERS = {  # field of Filters → its option
    "cohorts": click.option("--cohort", "cohorts", multiple=True, help="Only this cohort; may be repeated."),
    "labels": click.option("--label", "labels", multiple=True, help="Only studies labelled so; may be repeated."),
    "age_min": click.option("--age-min", type=float, help="Only patients of at least this age in years."),
    "age_max": click.option("--age-max", type=float, help="Only patients of at most this age in years."),
    "sex": click.option("--sex", type=click.Choice(["F", "M"]), help="Only patients of this sex."),
    "view": click.option("--view", help="Only films in this view, e.g. PA."),
    "acquired_from": click.option(
        "--from", "acquired_from", metavar="DATE", help="Only studies acquired from this year, month or day on."
    ),
    "acquired_to": click.option(
        "--until", "acquired_to", metavar="DATE", help="Only studies acquired until the end of this year, month or day."
    ),
    "quality_min": click.option(
        "--quality", "quality_min", type=float, help="Only studies of at least this quality, 0 to 1."
    ),
    "consent": click.option(
        "--consent", metavar="SCOPE", help="Only patients whose consent to this stands too, e.g. training."
    ),
    "without_patients": click.option(
        "--without-patient", "without_patients", multiple=True, help="Not this patient; may be repeated."
    ),
    "synthetic": click.option(
        "--synthetic/--recorded", default=None, help="Only synthetic studies, or only recordings."
    ),
}
CODES = {  # how codes are compared
    "into": click.option(
        "--into",
        multiple=True,
        default=[",".join(MODALITIES)],
        metavar="M[,M]",
        help="Target modalities; may be repeated.",
        show_default=True,
    ),
    "k": click.option("--k", default=10, help="Neighbours per modality.", show_default=True),
    "bits": click.option(
        "--bits", type=click.Choice(["64", "128", "256"]), default="256", help="Code length.", show_default=True
    ),
    "at": click.option(
        "--at", type=click.Choice(["precise", "balanced", "broad"]), help="Only neighbours within this radius."
    ),
    "rerank": click.option(
        "--rerank",
        type=click.Choice(["none", "asymmetric", "embedding"]),
        default="none",
        show_default=True,
        help="Order a larger pool of the nearest by what codes lose: the query's float side, or stored embeddings.",
    ),
    "by_meaning": click.option(
        "--by-meaning", is_flag=True, help="Typed words: what lies near their meaning, whatever it is labelled."
    ),
}


def filter_options(command: Command) -> Command:
    """Add the options of the filters; the command gets them as `filters`, a Filters."""

    @functools.wraps(command)
    def with_filters(**values: Any) -> Any:
        from engine.store.filters import Filters

        filters = Filters(**{name: values.pop(name) for name in FILTERS})
        return command(**values, filters=filters)

    return _with(with_filters, FILTERS)  # type: ignore[return-value]


def question_options(command: Command) -> Command:
    """Add the options of a search, its filters among them; the command gets them as `options`, an Options."""

    @filter_options
    @functools.wraps(command)
    def with_options(*, into: tuple[str, ...], bits: str, at: str | None, **values: Any) -> Any:
        from engine.retrieval.answer import Options

        how = {name: values.pop(name) for name in ("k", "rerank", "filters", "by_meaning")}
        options = Options(targets=parse_targets(",".join(into)), bits=int(bits), operating_point=at, **how)
        return command(**values, options=options)

    return _with(with_options, CODES)  # type: ignore[return-value]


def parse_targets(value: str) -> tuple[Modality, ...]:
    """Return the modalities of "cxr,ecg"; UsageError for an unknown one."""
    names = [name.strip().lower() for name in value.split(",") if name.strip()]
    unknown = [name for name in names if name not in MODALITIES]
    if unknown or not names:
        raise UsageError(f"There is no modality '{unknown[0] if unknown else value}': use {', '.join(MODALITIES)}.")
    return tuple(modality for modality in MODALITIES if modality in names)


def _with(command: Callable[..., Any], options: dict[str, Callable[[Any], Any]]) -> Callable[..., Any]:
    """Add options so that the help lists them in their order."""
    for option in reversed(options.values()):
        command = option(command)
    return command
