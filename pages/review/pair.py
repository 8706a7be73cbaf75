"""Query and match of one offer at reading size, without what would name their labels until it is asked for."""

from __future__ import annotations

import streamlit as st

from engine.errors import UsageError
from engine.learning.queue import Offer
from engine.retrieval import wording
from engine.store.records import StudyRow
from engine.strings import text
from engine.study import Study
from pages.shared import case_card, mean, resources, study_facts, viewer
from pages.shared.case_view import anonymised, column_shares
from pages.shared.markdown import escaped
from pages.shared.viewer import Panel

ShownStudy = tuple[Study, StudyRow | None]


def draw_offer(offer: Offer, *, labels: bool, key: str) -> None:
    """Draw both; two of one kind on one scale. labels : also what they are labelled as, and their origin"""
    rows = {row.study_id: row for row in resources.workspace().rows(offer.pair, actor=resources.actor())}
    query, match = (_side(one, rows.get(one)) for one in offer.pair)
    alike = query[0].modality == match[0].modality and not query[0].facts.get("like")
    shares = [1, 1] if alike else column_shares(query[0].modality, match[0].modality)
    with st.container(key="beside"):
        columns = st.columns(shares, gap="medium")
    for column, title, side in zip(columns, ("query", "match"), (query, match), strict=True):
        with column:
            st.markdown(_head(text(f"review.{title}"), side, labels))
    if alike:
        panels = [
            _panel(side[0], text(f"review.{title}"), labels) for title, side in (("query", query), ("match", match))
        ]
        viewer.draw_pair(panels[0], panels[1], key=key)
        return
    for column, name, (study, _) in zip(columns, ("query", "match"), (query, match), strict=True):
        with column:
            if study.facts.get("like"):
                mean.draw_mean_query(study)
            else:
                shown = study if labels else anonymised(study)
                viewer.draw(shown, key=f"{key}-{name}", anonymous=not labels, shortcuts=False)


def _panel(study: Study, title: str, labels: bool) -> Panel:
    return Panel(study if labels else anonymised(study), title, anonymous=not labels, shortcuts=False)


def _head(title: str, side: ShownStudy, labels: bool) -> str:
    """Return kind, mark of a synthetic study and person; with labels also what is known of the study."""
    study, row = side
    kind = f"{text(f'icon.{study.modality}')} {text(f'modality_one.{study.modality}')}"
    head = f"**{title}:** {kind}{case_card.synthetic_badge(study.facts.get('synthetic'))}"
    if row is None:
        return f"{head}  \n:small[{text('review.stored_query')}]"
    if labels:
        return f"{head}  \n{study_facts.about(row)}"
    person = wording.person(row.age, row.sex)
    return f"{head}  \n:small[{escaped(person)}]" if person else head


def _side(study_id: str, row: StudyRow | None) -> ShownStudy:
    """Return a study of the workspace with its row, or a stored query; UsageError where there is neither."""
    if row is not None:
        return resources.workspace().study_of(row), row
    stored = resources.workspace().query(study_id, actor=resources.actor())
    if stored is None:
        raise UsageError(text("review.gone"))
    return stored.study, None
