"""What of a query's results is shown: the kinds in full, the ticked cases, those labelled otherwise. All in the URL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from engine.retrieval import search as retrieval
from engine.retrieval.answer import Answer, Neighbour, Options
from engine.retrieval.counterexamples import Counterexamples
from engine.study import Modality
from pages.shared import query_state, resources

CHOSEN, SHOWN, COUNTEREXAMPLES = "choose", "more", "counter"  # names in the URL
COUNTEREXAMPLES_PER_KIND = 4
FIRST_OF_OWN_KIND, FIRST_OF_OTHERS = 8, 4  # cards of a kind before "show more"


def kinds_in_order(answer: Answer, targets: Sequence[Modality]) -> list[Modality]:
    """Return the kinds that were asked for in the order of the page: the query's own first; words have none here."""
    own = answer.study.modality if answer.typed is None else ""
    return sorted(targets, key=lambda kind: kind != own)


def in_order(answer: Answer, targets: Sequence[Modality]) -> list[Neighbour]:
    """Return the neighbours in the order of the page."""
    order = kinds_in_order(answer, targets)
    known = [one for one in answer.neighbours if one.modality in order]
    return sorted(known, key=lambda one: order.index(one.modality))


def shown_at_first(answer: Answer, modality: Modality) -> int:
    """Return how many cards of a kind are shown before the rest is asked for."""
    return FIRST_OF_OWN_KIND if modality == answer.study.modality else FIRST_OF_OTHERS


def counterexamples_wanted() -> bool:
    """Return whether the cases labelled otherwise are shown."""
    return st.query_params.get(COUNTEREXAMPLES) == "1"


def toggle_counterexamples() -> None:
    """Show or hide the cases labelled otherwise."""
    if counterexamples_wanted():
        st.query_params.pop(COUNTEREXAMPLES, None)
    else:
        st.query_params[COUNTEREXAMPLES] = "1"


def counterexamples(answer: Answer, settings: Options) -> Counterexamples:
    """Return the nearest cases labelled otherwise, searched once per answer."""
    known = st.session_state.get("counters")
    if known is None or known[0] is not answer or not _stands(known[1]):
        made = retrieval.counterexamples(
            resources.workspace(),
            resources.release(),
            answer,
            replace(settings, k=COUNTEREXAMPLES_PER_KIND),
            actor=resources.actor(),
        )
        known = st.session_state["counters"] = (answer, made)
    return known[1]


def _stands(found: Counterexamples) -> bool:
    """Return whether all cases of counterexamples may still be seen."""
    return found.answer is None or query_state.still_permitted(found.answer) is found.answer


def with_counterexamples(answer: Answer, settings: Options) -> Answer:
    """Return the answer with the cases labelled otherwise behind its own, while these are shown, so that each opens."""
    if not counterexamples_wanted() or not answer.verdict.accepted:
        return answer
    other = counterexamples(answer, settings).answer
    known = {one.study_id for one in answer.neighbours}
    more = () if other is None else tuple(one for one in other.neighbours if one.study_id not in known)
    return replace(answer, neighbours=answer.neighbours + more)


def chosen() -> list[str]:
    """Return the ids of the cases that are ticked, in the order of ticking; an id that names no case is left out."""
    ids = list(dict.fromkeys(st.query_params.get_all(CHOSEN)))
    known = {row.study_id for row in resources.workspace().rows(ids, actor=resources.actor())} if ids else set()
    return [one for one in ids if one in known]


def tick_case(study_id: str, on: bool) -> None:
    """Tick a case or take the tick away."""
    ids = [one for one in chosen() if one != study_id] + ([study_id] if on else [])
    _list_in_url(CHOSEN, ids)


def untick_all() -> None:
    """Take every tick away."""
    _list_in_url(CHOSEN, [])


def shows_all(modality: str) -> bool:
    """Return whether all cases of a kind are shown."""
    return modality in st.query_params.get_all(SHOWN)


def show_all(modality: str) -> None:
    """Show all cases of a kind."""
    _list_in_url(SHOWN, [*st.query_params.get_all(SHOWN), modality])


def _list_in_url(name: str, values: list[str]) -> None:
    if values:
        st.query_params[name] = values
    else:
        st.query_params.pop(name, None)
