"""Compare: two cases on one scale with linked zoom, why they match, the mark, and the steps to the next ones.

/compare?query=<query or study id>&case=<study id> with the settings of the search restores it.
"""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from engine.explain.maps import InputMap
from engine.retrieval import wording
from engine.sentences import spoken
from engine.strings import text
from engine.study import Study
from pages.compare import bar, case_choice, maps, method, overlay, reference
from pages.compare.pair import Pair, load
from pages.shared import case_card, collect, export, frame, mean, query_state, resources, study_facts, viewer
from pages.shared.keys import KEYS
from pages.shared.markdown import escaped, said
from pages.shared.viewer import Panel

NOTED = "compare-noted"  # in the session: pairs that are on record as opened
HEIGHT, HEIGHT_WITH_MAPS = "calc(100vh - 235px)", "calc(100vh - 305px)"  # the window less the frame, the bar, the tools
WORDS_PX = 260  # width of words beside a recording


def draw() -> None:
    """Draw the pair that the URL names, or the choice of one."""
    resources.warm()
    case = query_state.opened()
    if case is None or query_state.QUERY not in st.query_params:
        frame.describe(text("compare.choose_title"))
        case_choice.draw_pair_chooser()
        return
    resources.wait(for_text=False)
    try:
        with st.spinner(text("asking.searching"), show_time=True):
            pair = load(case)
    except CasebindError as error:
        st.error(said(error), icon=":material/error:")
        with st.container(horizontal=True, key="detail-bar"):
            bar.draw_navigation(None)
            bar.draw_new()
        return
    _pair(pair)


def _pair(pair: Pair) -> None:
    _note(pair)
    _describe(pair)
    with st.container(horizontal=True, vertical_alignment="center", key="detail-bar", gap="xsmall"):
        _bar(pair)
    collect.draw_collected()
    refinement, chosen = None, None
    if overlay.wanted() and not pair.mean:
        chosen = method.shown(pair.answer.study, pair.match)
        if chosen is not None:
            refinement = maps.refinement_of((pair.answer.query_id, pair.row.study_id, chosen), pair.answer.study)
        overlay.draw_progress(refinement, chosen)
    known = refinement.best if refinement else None
    panels = (
        _panel(pair.answer.study, text("detail.yours"), known.query if known else None, pair.answer.query_id),
        _panel(pair.match, text("compare.case"), known.match if known else None, pair.row.study_id),
    )
    with st.container(key="compare-pictures"):
        _pictures(pair, panels)
    with st.container(key="beside-facts"):
        _facts(pair)
    if overlay.wanted() and not pair.mean:
        method.draw_checks(pair.answer.study, pair.match, chosen)
    if refinement is not None:
        overlay.draw_explanation(refinement, pair.answer.study, pair.match)
    bar.draw_siblings(pair)


def _note(pair: Pair) -> None:
    """Have it on record, once, that the pair is opened, and that its explanation is asked for."""
    acts = ["compared", *(["explained"] if overlay.wanted() and not pair.mean else [])]
    for kind in acts:
        opened = (kind, pair.answer.query_id, pair.row.study_id)
        if opened not in (noted := st.session_state.setdefault(NOTED, set())):
            resources.workspace().audit(
                kind, actor=resources.actor(), query_id=opened[1], returned=opened[2:], release=pair.answer.release
            )
            noted.add(opened)


def _describe(pair: Pair) -> None:
    """Name the pair in the browser's title, and have it announced once."""
    labels = wording.labels(pair.row.labels)
    frame.describe(
        text("compare.page_title", case=_title(pair), labels=labels),
        screen="search",
        token=f"pair {pair.answer.query_id} {pair.row.study_id} {overlay.wanted()}",
        announcement=text("compare.announced", case=_title(pair), labels=labels),
        focus="compare-pictures",
    )


def _title(pair: Pair) -> str:
    kind = text(f"modality_one.{pair.row.modality}")
    if pair.neighbour is None:
        return text("compare.unranked", kind=kind)
    return text("detail.title", rank=pair.neighbour.rank, kind=kind)


def _bar(pair: Pair) -> None:
    """Draw the one line over the pictures: the steps, the title, the marks, and what can be done with the case."""
    bar.draw_navigation(pair)
    st.title(_title(pair), anchor=False, width="stretch")
    bar.draw_rating(pair)
    if not pair.mean:
        overlay.draw_button()
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
    bar.draw_new()


def _linked() -> bool:
    return bool(st.session_state.get("linked", True))


def _panel(study: Study, title: str, input_map: InputMap | None, study_id: str) -> Panel:
    values, said = overlay.signed_overlay(input_map, study)
    return Panel(study, title, values, overlay.opacity(), said, study_id=study_id)


def _pictures(pair: Pair, panels: tuple[Panel, Panel]) -> None:
    """Draw both, as high as the window lets them: two of one kind under the same controls, else each with its own."""
    query, match = pair.answer.study, pair.match
    height = HEIGHT_WITH_MAPS if overlay.wanted() else HEIGHT
    if pair.same_kind and match.modality != "text":
        viewer.draw_pair(*panels, key=f"compare-{query.modality}", linked=_linked(), height=height)
        return
    sides = (("compare-query", panels[0], pair.mean), ("compare-match", panels[1], False))
    with st.container(key="beside", horizontal=True, wrap=False, gap="medium"):
        for name, panel, mean_of_cases in sides:
            with st.container(key=name, width=WORDS_PX if mean_of_cases or _is_text(panel) else "stretch"):
                st.markdown(f"**{panel.title}**")
                if mean_of_cases:
                    mean.draw_mean_query(panel.study)
                else:
                    _picture(panel, name, height)


def _is_text(panel: Panel) -> bool:
    return panel.study.modality == "text"


def _picture(panel: Panel, name: str, height: str) -> None:
    viewer.draw(
        panel.study,
        key=f"{name}-{panel.study.modality}",
        overlay=panel.overlay,
        opacity=panel.opacity,
        overlay_text=panel.overlay_text,
        height=height,
        study_id=panel.study_id,
    )


def _facts(pair: Pair) -> None:
    """Draw, under the pictures, what is known of either side, and the numbers behind them."""
    query = pair.answer.study
    left, right = st.columns(2, gap="medium")
    with left:
        mark = case_card.synthetic_badge(query.facts.get("synthetic"))
        st.markdown(f"**{text('detail.yours')}**{mark}  \n{escaped(spoken(query.recognised))}")
        if labels := tuple(query.facts.get("labels") or ()):
            st.markdown(f"{text('card.labelled_as')} **{escaped(wording.labels(labels))}**")
        if not pair.mean:
            viewer.numbers(query, key="compare-query")
    with right:
        _head(pair)
        st.markdown(_known(pair))
        reference.draw_reference(pair.row, pair.match)
        viewer.numbers(pair.match, key="compare-case")


def _head(pair: Pair) -> None:
    row = pair.row
    badge = case_card.synthetic_badge(row.synthetic)
    name = f"{text(f'icon.{row.modality}')} {text(f'modality_one.{row.modality}')}{badge}"
    head = case_card.head(pair.neighbour) if pair.neighbour else name
    st.markdown(f"{head}  \n{escaped(spoken(row.recognised))}")


def _known(pair: Pair) -> str:
    """Return what is known of the case as Markdown; distance and relevance only where it was found."""
    if pair.neighbour is not None:
        return case_card.facts(pair.neighbour, relevance=not pair.mean)
    row = pair.row
    known = [
        text("compare.not_ranked"),
        wording.person(row.age, row.sex, row.view),
        wording.origin(row.cohort, row.licence),
    ]
    lines = [study_facts.labelled(row), *(f":small[{escaped(line)}]" for line in known if line)]
    return "  \n".join(lines)


draw()
