"""Compare: two cases on one scale with linked zoom, why they match, the mark, and the steps to the next ones.

/compare?query=<query or study id>&case=<study id> with the settings of the search restores it.
"""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from engine.explain.maps import InputMap
from engine.retrieval import wording
from engine.strings import text
from engine.study import Study
from pages.compare import bar, case_choice, maps, overlay
from pages.compare.pair import Pair, load
from pages.shared import case_card, collect, export, mean, query_state, resources, study_facts, viewer
from pages.shared.case_view import column_shares
from pages.shared.keys import KEYS
from pages.shared.markdown import escaped
from pages.shared.viewer import Panel


def draw() -> None:
    """Draw the pair that the URL names, or the choice of one."""
    resources.warm()
    case = query_state.opened()
    if case is None or query_state.QUERY not in st.query_params:
        case_choice.draw_pair_chooser()
        return
    resources.wait(for_text=False)
    try:
        with st.spinner(text("asking.searching"), show_time=True):
            pair = load(case)
    except CasebindError as error:
        st.error(str(error), icon=":material/error:")
        bar.draw_navigation(None)
        return
    _pair(pair)


def _pair(pair: Pair) -> None:
    bar.to_top(pair.row.study_id)
    bar.draw_navigation(pair)
    collect.draw_collected()
    kind = text(f"modality_one.{pair.row.modality}")
    rank = pair.neighbour.rank if pair.neighbour else 0
    title = text("detail.title", rank=rank, kind=kind) if rank else text("compare.unranked", kind=kind)
    st.title(title, anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", key="detail-rating"):
        bar.draw_rating(pair)
    with st.container(horizontal=True, vertical_alignment="bottom", key="detail-options"):
        _options(pair)
    refinement = None
    if overlay.wanted() and not pair.mean:
        refinement = maps.refinement_of((pair.answer.query_id, pair.row.study_id), pair.answer.study, pair.match)
    known = refinement.best if refinement else None
    panels = (
        _panel(pair.answer.study, text("detail.yours"), known.query if known else None, pair.answer.query_id),
        _panel(pair.match, text("compare.case"), known.match if known else None, pair.row.study_id),
    )
    _recordings(pair, panels)
    if refinement is not None:
        overlay.draw_explanation(refinement, pair.answer.study, pair.match)
    bar.draw_siblings(pair)


def _options(pair: Pair) -> None:
    """Draw the row of options: overlay, linked zoom where both have one scale, collecting, and exports."""
    if not pair.mean:
        overlay.controls()
    if pair.same_kind and pair.match.modality != "text":
        linked = _linked()
        st.button(
            text("compare.unlink" if linked else "compare.link"),
            key="link-button",
            shortcut=KEYS["link"],
            icon=":material/link_off:" if linked else ":material/link:",
            help=text("compare.link_help"),
            on_click=st.session_state.update,
            args=({"linked": not linked},),
        )
    collect.draw_collect_button(pair.row.study_id, pair.answer.query_id if pair.neighbour else None, by_key=True)
    export.draw_export_menu(pair.answer, opened=pair.row.study_id if pair.neighbour else None, explain=overlay.wanted())


def _linked() -> bool:
    return bool(st.session_state.get("linked", True))


def _panel(study: Study, title: str, input_map: InputMap | None, study_id: str) -> Panel:
    values, said = overlay.signed_overlay(input_map, study)
    return Panel(study, title, values, overlay.opacity(), said, study_id=study_id)


def _recordings(pair: Pair, panels: tuple[Panel, Panel]) -> None:
    """Draw both: two of one kind under the same controls, else each with its own."""
    query, match = pair.answer.study, pair.match
    with st.container(key="beside"):
        shares = [1, 1] if pair.same_kind else column_shares(query.modality, match.modality)
        left, right = st.columns(shares, gap="medium")
    with left:
        mark = case_card.synthetic_badge(query.facts.get("synthetic"))
        st.markdown(f"**{text('detail.yours')}**{mark}  \n{escaped(query.recognised)}")
    with right:
        _head(pair)
    if pair.same_kind:
        viewer.draw_pair(*panels, key=f"compare-{query.modality}", linked=_linked())
        with st.container(key="beside-facts"):
            left, right = st.columns(2, gap="medium")
    else:
        for column, panel, side in ((left, panels[0], "query"), (right, panels[1], "case")):
            with column:
                if side == "query" and pair.mean:
                    mean.draw_mean_query(panel.study)
                    continue
                viewer.draw(
                    panel.study,
                    key=f"compare-{side}-{panel.study.modality}",
                    overlay=panel.overlay,
                    opacity=panel.opacity,
                    overlay_text=panel.overlay_text,
                    study_id=panel.study_id,
                )
    with left:
        if not pair.mean:
            viewer.numbers(query, key="compare-query")
    with right:
        st.markdown(_facts(pair))
        viewer.numbers(match, key="compare-case")


def _head(pair: Pair) -> None:
    row = pair.row
    badge = case_card.synthetic_badge(row.synthetic)
    name = f"{text(f'icon.{row.modality}')} {text(f'modality_one.{row.modality}')}{badge}"
    head = case_card.head(pair.neighbour) if pair.neighbour else name
    st.markdown(f"{head}  \n{escaped(row.recognised)}")


def _facts(pair: Pair) -> str:
    """Return what is known of the case as Markdown; distance and relevance only where it was found."""
    if pair.neighbour is not None:
        return case_card.facts(pair.neighbour, relevance=not pair.mean)
    row = pair.row
    known = [wording.person(row.age, row.sex, row.view), wording.origin(row.cohort, row.licence)]
    lines = [f"{text('card.labelled_as')} **{study_facts.named(row)}**"]
    lines += [f":small[{escaped(line)}]" for line in known if line]
    return "  \n".join(lines)


draw()
