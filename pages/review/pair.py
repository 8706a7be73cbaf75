"""Query and match of one pair as large as the window allows; what names their labels waits until it is asked for."""

from __future__ import annotations

import streamlit as st

from engine.errors import UsageError
from engine.retrieval import wording
from engine.store.records import StudyRow
from engine.strings import text
from engine.study import Study
from pages.shared import case_card, mean, resources, study_facts, viewer
from pages.shared.case_view import anonymised, column_shares
from pages.shared.markdown import escaped
from pages.shared.viewer import Panel

ShownStudy = tuple[Study, StudyRow | None]
HEIGHT = "var(--pair-height, calc(100vh - 340px))"  # assets/style.css says how much the rest takes


def draw_pair(pair: tuple[str, str], *, labels: bool, key: str) -> None:
    """Draw both; two of one kind on one scale. labels : also what they are labelled as, and their origin"""
    rows = {row.study_id: row for row in resources.workspace().rows(pair, actor=resources.actor())}
    query, match = (_side(one, rows.get(one)) for one in pair)
    alike = query[0].modality == match[0].modality and not query[0].facts.get("like")
    shares = [1, 1] if alike else column_shares(query[0].modality, match[0].modality)
    with st.container(key="review-heads"):
        columns = st.columns(shares, gap="medium")
    for column, title, side in zip(columns, ("query", "match"), (query, match), strict=True):
        with column:
            st.markdown(_head(text(f"review.{title}"), side, labels))
    with st.container(key="review-pair"):
        if alike:
            panels = [
                _panel(side[0], text(f"review.{title}"), labels) for title, side in (("query", query), ("match", match))
            ]
            viewer.draw_pair(panels[0], panels[1], key=key, height=HEIGHT)
            return
        for column, name, (study, _) in zip(
            st.columns(shares, gap="medium"), ("query", "match"), (query, match), strict=True
        ):
            with column:
                _one(study, f"{key}-{name}", labels)


def _one(study: Study, key: str, labels: bool) -> None:
    """Draw one side that stands by itself."""
    if study.facts.get("like"):
        mean.draw_mean_query(study)
        return
    shown = study if labels else anonymised(study)
    viewer.draw(shown, key=key, anonymous=not labels, shortcuts=False, height=HEIGHT)


def _panel(study: Study, title: str, labels: bool) -> Panel:
    return Panel(study if labels else anonymised(study), title, anonymous=not labels, shortcuts=False)


def _head(title: str, side: ShownStudy, labels: bool) -> str:
    """Return kind, mark of a synthetic study and person on one line; with labels also what is known of the study."""
    study, row = side
    kind = f"{text(f'icon.{study.modality}')} {text(f'modality_one.{study.modality}')}"
    head = f"**{title}:** {kind}{case_card.synthetic_badge(study.facts.get('synthetic'))}"
    if row is None:
        return f"{head} :small[{text('review.stored_query')}]"
    if labels:
        return f"{head}  \n{study_facts.about(row)}"
    person = wording.person(row.age, row.sex)
    return f"{head} :small[{escaped(person)}]" if person else head


def _side(study_id: str, row: StudyRow | None) -> ShownStudy:
    """Return a study of the workspace with its row, or a stored query; UsageError where there is neither."""
    if row is not None:
        return resources.workspace().study_of(row), row
    stored = resources.workspace().query(study_id, actor=resources.actor())
    if stored is None:
        raise UsageError(text("review.gone"))
    return stored.study, None
