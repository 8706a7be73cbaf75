"""The results: per kind a grid of cards, or a plain word that nothing is close."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from engine.retrieval import typed_wording, wording
from engine.retrieval.answer import Answer, Neighbour
from engine.retrieval.counterexamples import Counterexamples, QueryFindings
from engine.strings import several, text
from engine.study import Modality
from pages.shared import collect, content, export, query_state, result_view
from pages.shared.case_card import CardState
from pages.shared.case_cards import CardActions, CardGroup, draw_cards
from pages.shared.keys import KEYS
from pages.shared.markdown import escaped

CARD_PX = {"cxr": 232, "text": 232}  # narrowest card of a kind; films are square
STRIP_PX = 292  # narrowest card of a trace, which is wider than high
STAGES = ("read", "quality", "encode", "search")


@dataclass(frozen=True, eq=False)
class ShownAnswer:
    """An answer with this user's marks (study id → mark) and the rows of its cases."""

    answer: Answer
    marks: dict[str, str]
    rows: content.Rows


@st.fragment
def draw_results(answer: Answer, settings: query_state.Options) -> None:
    """Draw the cards of each kind; a mark, a tick or "show more" draws these again and nothing else."""
    if st.session_state.pop("leave", False):
        st.rerun(scope="app")  # a case was opened, or another query asked
    answer = query_state.still_permitted(answer)
    if problem := query_state.pop_message():
        st.error(problem, icon=":material/error:")
    if answer.copies:
        st.info(wording.copies(answer.copies), icon=":material/content_copy:")
    if answer.missing:
        st.warning(_missing(answer.missing), icon=":material/cloud_off:")
    if watched := query_state.misleading_source(answer):
        st.warning(text("watch.misleads", source=escaped(watched)), icon=":material/monitoring:")
    if answer.typed is not None and not answer.typed.understood and not answer.typed.by_meaning:
        return  # the panel says what is near
    collect.draw_collected()
    kinds = result_view.kinds_in_order(answer, settings.targets)
    _bar(answer, settings, kinds)
    if not answer.neighbours and settings.operating_point is not None and not answer.missing:
        st.info(text("search.nothing_within_any", at=text(f"controls.{settings.operating_point}")))
        kinds = []  # one sentence says it for all
    other = _counterexamples(answer, settings) if result_view.counterexamples_wanted() else None
    shown = ShownAnswer(answer, query_state.user_ratings(answer.query_id), _rows(answer, other))
    for modality in kinds:
        of_kind = [one for one in answer.neighbours if one.modality == modality]
        _kind(shown, modality, of_kind, settings)
        if other is not None:
            _otherwise(shown, other, modality)
    export.draw_export_menu(answer)
    st.markdown(f":small[{timing(answer)} · {_version(answer)}]")


def _bar(answer: Answer, settings: query_state.Options, kinds: list[Modality]) -> None:
    """Draw how many cases there are, the way to each kind, and what can be asked next; it stays while they scroll."""
    ids = result_view.chosen()
    with st.container(horizontal=True, vertical_alignment="center", key="next-questions", gap="small"):
        st.title(found(answer), anchor=False, width="content")
        st.markdown(_ways(answer, kinds), width="stretch")
        shown = result_view.counterexamples_wanted()
        st.button(
            text("counter.hide" if shown else "counter.show"),
            key="counter",
            icon=":material/contrast:",
            shortcut=KEYS["counter"],
            on_click=result_view.toggle_counterexamples,
        )
        if ids:
            _with_chosen(ids, answer, settings)


def _with_chosen(ids: list[str], answer: Answer, settings: query_state.Options) -> None:
    """Draw what can be done with the ticked cases."""
    st.button(
        several(len(ids), "like.go"),
        key="like",
        icon=":material/join_inner:",
        shortcut=KEYS["like"],
        type="primary",
        on_click=_like,
        args=(ids, answer.query_id, settings),
    )
    collect.draw_collect_many(ids, answer.query_id, key="collect-chosen")
    st.button(text("like.clear"), key="like-none", type="tertiary", on_click=result_view.untick_all)


def found(answer: Answer) -> str:
    """Return how many cases were found, in words."""
    return several(len(answer.neighbours), "search.found")


def found_by_kind(answer: Answer, kinds: list[Modality]) -> str:
    """Return how many cases of each kind were found, e.g. "12 ECGs, 8 chest films"."""
    return text("search.list_and").join(_number(answer, kind) for kind in _found_kinds(answer, kinds)) or found(answer)


def _found_kinds(answer: Answer, kinds: list[Modality]) -> list[Modality]:
    present = {one.modality for one in answer.neighbours}
    return [kind for kind in kinds if kind in present]


def _number(answer: Answer, modality: Modality) -> str:
    n = sum(one.modality == modality for one in answer.neighbours)
    return text("search.of_kind", n=n, modality=text(f"{'modality_plain' if n == 1 else 'modality_plains'}.{modality}"))


def _ways(answer: Answer, kinds: list[Modality]) -> str:
    """Return the links to the kinds, each with its number."""
    return " ".join(f"[{_number(answer, kind)}](#cases-{kind})" for kind in _found_kinds(answer, kinds))


def _like(ids: list[str], beside: str, settings: query_state.Options) -> None:
    query_state.ask_like(ids, beside, settings)
    st.session_state["leave"] = True


def _open(study_id: str, explain: bool = False) -> None:
    query_state.open_case(study_id, explain)
    st.session_state["leave"] = True


def _counterexamples(answer: Answer, settings: query_state.Options) -> Counterexamples | None:
    """Say what the cases labelled otherwise differ from; return them, or None where there is nothing to differ from."""
    other = result_view.counterexamples(answer, settings)
    if other.answer is None:
        st.info(text("counter.nothing"), icon=":material/contrast:")
        return None
    meant = other.findings
    labels = text("counter.and").join(map(wording.label, meant.labels))
    words = text(f"counter.{meant.basis}", names=_named(meant), labels=labels, votes=meant.votes, of=meant.labelled)
    st.info(escaped(words), icon=":material/contrast:")
    return other


def _named(meant: QueryFindings) -> str:
    return text("counter.and").join(f"“{wording.label(name)}”" for name in meant.names)


def _otherwise(shown: ShownAnswer, counterexamples: Counterexamples, modality: str) -> None:
    """Draw one kind's cases labelled otherwise, each with what it is not labelled as."""
    neighbours = counterexamples.answer.neighbours if counterexamples.answer else ()
    of_kind = [one for one in neighbours if one.modality == modality]
    with st.container(border=True, key=f"otherwise-{modality}"):
        title = text("counter.heading", modality=text(f"modality.{modality}"))
        st.header(f":material/contrast: {title}", anchor=False)
        if of_kind:
            note = text("counter.not_as", names=_named(counterexamples.findings))
            _cards(shown, of_kind, row="otherwise-", note=note)
        else:
            st.markdown(text("counter.none", modality=text(f"modality_plain.{modality}")))


def _kind(shown: ShownAnswer, modality: str, of_kind: list[Neighbour], settings: query_state.Options) -> None:
    """Draw one kind's heading and its cards, or why there are none."""
    answer = shown.answer
    st.header(f"{text(f'icon.{modality}')} {text(f'modality.{modality}')}", anchor=f"cases-{modality}")
    if answer.typed is not None and (counted := typed_wording.counts(answer.typed, modality)):
        st.markdown(escaped(counted))
    if not of_kind:
        st.markdown(_nothing(answer, modality, settings))
    elif answer.nothing_close.get(modality):
        words = text("search.nothing_close_text", modality=text(f"modality_plain.{modality}"))
        st.info(f"**{text('search.nothing_close')}.** {words}", icon=":material/search_off:")
        with st.expander(_nearest(len(of_kind), modality)):
            _cards(shown, of_kind)
    else:
        n = len(of_kind) if result_view.shows_all(modality) else result_view.shown_at_first(answer, modality)
        _cards(shown, of_kind[:n])
        _more(answer, modality, len(of_kind))


def _rows(answer: Answer, other: Counterexamples | None) -> content.Rows:
    """Return the rows of all cases that may be shown."""
    more = () if other is None or other.answer is None else other.answer.neighbours
    return content.Rows([one.study_id for one in (*answer.neighbours, *more)])


def _missing(sites: tuple[str, ...]) -> str:
    """Say which sites did not answer in time."""
    return several(len(sites), "search.missing", sites=escaped(text("search.missing_and").join(sites)))


def _nothing(answer: Answer, modality: str, settings: query_state.Options) -> str:
    """Say why a kind has no card at all: the radius, or the filters."""
    name = text(f"modality_plain.{modality}")
    if settings.operating_point is not None:
        return text("search.nothing_within", modality=name, at=text(f"controls.{settings.operating_point}"))
    if answer.missing:
        return text("search.nothing_answered", modality=name)
    return text("search.nothing_permitted" if answer.filters_sentence else "search.nothing_there", modality=name)


def _nearest(n: int, modality: str) -> str:
    named = "modality_plain" if n == 1 else "modality_plains"
    return several(n, "search.nothing_close_show", modality=text(f"{named}.{modality}"))


def _more(answer: Answer, modality: str, n: int) -> None:
    """Draw the button that shows the rest of a kind."""
    first = result_view.shown_at_first(answer, modality)
    if n > first and not result_view.shows_all(modality):
        words = text("search.more", n=n - first, modality=text(f"modality_plains.{modality}"))
        st.button(words, key=f"more-{modality}", on_click=result_view.show_all, args=(modality,), type="tertiary")


def _cards(shown: ShownAnswer, neighbours: list[Neighbour], row: str = "", note: str = "") -> None:
    """Draw cards; `row` tells the keys of a second row apart, whose cases cannot be ticked twice."""
    answer, modality = shown.answer, neighbours[0].modality
    ids, mean = result_view.chosen(), bool(answer.study.facts.get("like"))
    group = CardGroup(modality, answer.query_id, CARD_PX.get(modality, STRIP_PX), row=row, explainable=not mean)
    actions = CardActions(
        open=_open, choose=result_view.tick_case, rate=lambda study_id, mark: query_state.rate(answer, study_id, mark)
    )
    is_first = not row and _is_first_kind(answer, modality)
    states = [
        CardState(
            mark=shown.marks.get(one.study_id),
            chosen=None if row else one.study_id in ids,
            first=is_first and one.rank == 1,
            relevance=not mean and not row and answer.typed is None,
            note=note or _why_here(answer, one),
        )
        for one in neighbours
    ]
    draw_cards(group, list(zip(neighbours, states, strict=True)), actions, shown.rows)


def _is_first_kind(answer: Answer, modality: Modality) -> bool:
    """Return whether a kind's cards are the first ones on the page."""
    kinds = [one.modality for one in answer.neighbours]
    return modality == result_view.kinds_in_order(answer, list(dict.fromkeys(kinds)))[0]


def _why_here(answer: Answer, neighbour: Neighbour) -> str:
    """Say why a case stands among the results of typed words; "" for those of a recording."""
    return "" if answer.typed is None else typed_wording.card(answer.typed, neighbour)


def timing(answer: Answer) -> str:
    """Return the time by stage, e.g. "612 ms in all: reading 4, quality 210, …"."""
    stages = [
        text("search.stage", name=text(f"search.timing_{name}"), ms=answer.timing_ms[name])
        for name in STAGES
        if answer.timing_ms.get(name, 0) > 0
    ]
    return text("search.timing", total=answer.timing_ms["total"], stages=", ".join(stages))


def _version(answer: Answer) -> str:
    return escaped(text("search.answer_line", release=answer.release, bits=answer.bits, audit=answer.audit_id))
