"""The parts of the About page that come from the release's manifest and from the workspace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from engine.modalities import MODALITIES
from engine.model.headline import USES, HeadlineFigure, Use, headline
from engine.strings import number, one_of, text
from engine.version import __version__
from pages.shared import plain_table, resources
from pages.shared.markdown import escaped


def draw_summary() -> None:
    """Draw which release answers and, in three sentences, what it is good for."""
    manifest, workspace = resources.release().manifest, resources.workspace()
    n = sum(workspace.counts(actor=resources.actor()).values())
    cohorts = workspace.cohorts(actor=resources.actor())
    made = [one.name for one in cohorts if one.synthetic]
    origin = text("about.all_synthetic") if len(made) == len(cohorts) else text("about.some_synthetic", n=len(made))
    st.markdown(
        text(
            "about.answers",
            release=escaped(manifest["name"]),
            day=escaped(manifest.get("created", "")),
            version=__version__,
            n=number(n),
            origin=origin if made else "",
        )
    )
    found = headline(manifest)
    lines = [_sentence(use, [one for one in found if one.use == use]) for use in USES]
    if found:
        st.markdown("\n".join(f"- {line}" for line in lines if line))
        st.markdown(f":small[{text('about.good_for_note')}]")


def _sentence(use: Use, figures: Sequence[HeadlineFigure]) -> str:
    """Return what the release is worth in one use, each figure with interval, chance and number."""
    if not figures:
        return ""
    return text(f"about.use_{use}", figures="; ".join(_clause(one) for one in figures))


def _clause(one: HeadlineFigure) -> str:
    asked, found = (text(f"modality_plains.{name}") for name in (one.asked, one.found))
    words = text(f"about.clause_{one.use}", asked=asked, found=found)
    values = {name: f"{100 * getattr(one, name):.0f}" for name in ("value", "low", "high", "chance")}
    weak = "" if one.is_above_chance else text("about.not_above_chance")
    return f"{words} {text('about.clause', **values, n=one.n, patients=one.patients)}{weak}"


def draw_collection() -> None:
    """Draw how many studies the collection holds, and its cohorts with their licences folded."""
    workspace = resources.workspace()
    counts = workspace.counts(actor=resources.actor())
    rows = [(text(f"modality.{name}"), number(counts.get(name, 0))) for name in MODALITIES]
    plain_table.draw(pd.DataFrame(rows, columns=[text("about.workspace_kind"), text("about.workspace_n")]))
    with st.expander(text("about.cohorts_title")):
        for cohort in workspace.cohorts(actor=resources.actor()):
            made = text("card.synthetic") if cohort.synthetic else text("about.recorded")
            st.markdown(
                f"**{escaped(cohort.name)}** ({made}): {escaped(cohort.licence)}. {escaped(cohort.attribution)}"
            )


def draw_release() -> None:
    """Draw the release's limits; its data sets with licences, measured figures and versions folded."""
    manifest = resources.release().manifest
    with st.container(key="english-limits"):
        st.markdown("\n".join(f"- {escaped(limit)}" for limit in manifest.get("limits", [])))
    data, measured = data_rows(manifest), list(figures(manifest.get("figures", {})))
    with st.expander(text("about.data_folded", n=len(data))):
        names = ("data_name", "data_kinds", "data_n", "data_patients", "data_attribution")
        _table(data, names, "data_none")
    with st.expander(text("about.figures_folded", n=len(measured))):
        st.markdown(text("about.figures_note"))
        rows = (
            "figure",
            "figure_set",
            "figure_measure",
            "figure_value",
            "figure_interval",
            "figure_chance",
            "figure_n",
        )
        _table(measured, rows, "figures_none")
    with st.expander(text("about.versions_title")):
        _table(versions(manifest), ("version_part", "version_value"), "card_none")


def _table(rows: list[tuple[str, ...]], names: tuple[str, ...], none: str) -> None:
    if rows:
        plain_table.draw(pd.DataFrame(rows, columns=[text(f"about.{name}") for name in names]))
    else:
        st.markdown(text(f"about.{none}"))


def data_rows(manifest: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return (data set, kinds, studies, patients, attribution with licence) of everything that was learnt from."""
    return [
        (
            one["dataset"],
            ", ".join(text(f"modality_plains.{name}") for name in one.get("modalities", [])),
            number(sum(one.get("studies", {}).values())),
            number(one.get("patients", 0)),
            one.get("attribution", ""),
        )
        for one in manifest.get("data", [])
    ]


def figures(recorded: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield (task, representation, measure, value, 95 % interval, chance, n) of every figure in the manifest."""
    for row in recorded.get("rows", []):
        for name, one in row.items():
            if isinstance(one, dict) and "value" in one:
                luck = row.get(f"chance_{name}")
                yield (
                    row.get("task", ""),
                    row.get("representation", ""),
                    one_of("metric", name),
                    f"{one['value']:.3f}",
                    text("agreement.interval", low=f"{one['low']:.3f}", high=f"{one['high']:.3f}"),
                    "" if luck is None else f"{luck:.3f}",
                    f"{one['n']}",
                )


def versions(manifest: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return (part, version) of the app, the release and the foundation models with their licences."""
    dated = f"{manifest['name']}, {manifest.get('created', '')}"
    rows: list[tuple[str, ...]] = [(text("app.name"), __version__), (text("about.release"), dated)]
    for part in ("trunk", "text_model"):
        if part in manifest:
            rows.append((text(f"about.{part}"), f"{manifest[part]['name']} ({manifest[part]['licence']})"))
    return rows
