"""The cards of one kind of result: one element of the page for all of them, with what they say and show as data.

A card of Streamlit's own elements is a dozen of them, and every element costs the server and the browser time at each
run. The browser draws the cards (pages/shared/viewer/browser/cards/cards.js; assets/style.css says how they look) and
sends what is pressed on them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import streamlit as st

from engine.errors import NotPermittedError
from engine.retrieval.answer import Neighbour
from engine.sentences import spoken
from engine.store.records import MARKS
from engine.strings import section, text
from pages.shared import case_card, collect, content, permitted
from pages.shared.case_card import CardState
from pages.shared.keys import KEYS
from pages.shared.viewer import browser

WORDS = ("open", "open_help", "why", "why_help", "collect", "rate")  # of the section "card"
CHOOSING = ("choose", "choose_help", "chosen", "chosen_help")  # of the section "like"


@dataclass(frozen=True)
class CardGroup:
    """Cards that stand together, and what can be done with them.

    name        : tells their keys from those of other groups, e.g. "ecg"
    query_id    : beside which the cases were found
    width       : of the narrowest card, pixels
    row         : part of the keys, so that one case may stand in two groups; those of a second one are not collected
    explainable : whether there is something to explain
    """

    name: str
    query_id: str
    width: int
    row: str = ""
    explainable: bool = True

    @property
    def key(self) -> str:
        """The key of the element."""
        return f"cards-{self.row}{self.name}"

    @property
    def taken(self) -> str:
        """Where the session keeps the number of the last press that was acted on."""
        return f"{self.key}-taken"


@dataclass(frozen=True)
class CardActions:
    """What the buttons of a card do: each is called with the study's id, `open` with whether it is explained as well,
    `choose` with whether it is ticked now, `rate` with the mark or None.
    """

    open: Callable[[str, bool], None]
    choose: Callable[[str, bool], None]
    rate: Callable[[str, str | None], None]


def draw_cards(
    group: CardGroup, cards: Sequence[tuple[Neighbour, CardState]], actions: CardActions, rows: content.Rows
) -> None:
    """Draw the cards in their order, and the choice of a collection where a button of theirs has opened it.

    rows : of the cases and of others on the page
    """
    ids = [neighbour.study_id for neighbour, _ in cards]
    known = section("card"), section("like")
    words = {name: known[0][name] for name in WORDS} | {name: known[1][name] for name in CHOOSING}
    browser.component("cards", "cards/cards.js")(
        key=group.key,
        data={
            "query": group.query_id,
            "taken": st.session_state.get(group.taken, 0),
            "width": group.width,
            "key": KEYS["open"],
            "words": {**words, "collect_help": text("collect.help")},
            "marks": [
                {"name": one, "words": text(f"mark.{one}"), "icon": _icon(text(f"icon.mark_{one}"))}
                for one in (MARKS if permitted.may("rate") else ())
            ],
            "cards": [_card(group, *one, rows) for one in cards],
        },
        on_presses_change=partial(_take, group, frozenset(ids), actions),
    )
    collect.draw_choice([_collect_key(one) for one in ids], group.query_id)


def _collect_key(study_id: str) -> str:
    return f"collect-{study_id}"


def _icon(words: str) -> str:
    """Return the name of an icon out of its Markdown."""
    return re.sub(r"^:material/|:$", "", words)


def _card(group: CardGroup, neighbour: Neighbour, state: CardState, rows: content.Rows) -> dict[str, Any]:
    return {
        "id": neighbour.study_id,
        "key": f"card-{group.row}{neighbour.modality}-{neighbour.rank}",
        "row": group.row,
        "rank": neighbour.rank,
        "title": case_card.title(neighbour),
        "lines": [asdict(line) for line in case_card.lines(neighbour, state)],
        "mark": state.mark,
        "chosen": state.chosen,
        "first": state.first,
        "explained": group.explainable,
        "collected": not group.row and permitted.may("collect"),
        **_picture(neighbour, rows),
    }


def _picture(neighbour: Neighbour, rows: content.Rows) -> dict[str, str]:
    """Return a case's picture and its alternative, or the words that stand in the place of one."""
    try:
        picture, words = content.small_picture(neighbour.study_id, rows)
    except NotPermittedError as error:  # withdrawn since the results were found
        return {"picture": "", "alt": "", "quote": spoken(error)}
    if neighbour.modality == "text":
        return {"picture": "", "alt": "", "quote": f"“{content.shortened(words)}”"}
    alternative = f"{text('card.case', rank=neighbour.rank)}: {words}"
    return {"picture": content.address_of(picture), "alt": alternative, "quote": ""}


def _take(group: CardGroup, shown: Collection[str], actions: CardActions) -> None:
    """Do what was pressed, each press once and in order; nothing on a card that this group did not show."""
    for press in st.session_state[group.key].get("presses") or []:
        number, study_id = press["n"], press["id"]
        if number <= st.session_state.get(group.taken, 0):
            continue
        st.session_state[group.taken] = number
        if press["query"] == group.query_id and study_id in shown:
            _do(group, actions, study_id, press["what"], press["value"])


def _do(group: CardGroup, actions: CardActions, study_id: str, what: str, value: Any) -> None:
    if what == "rate" and (value is None or value in MARKS):
        actions.rate(study_id, value)
    elif what == "choose" and not group.row:
        actions.choose(study_id, bool(value))
    elif what == "collect" and not group.row:
        collect.begin(_collect_key(study_id), (study_id,))
    elif what == "open" or (what == "why" and group.explainable):
        actions.open(study_id, what == "why")
