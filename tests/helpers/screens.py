"""The app without a browser: what to press and what stands there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.testing.v1 import AppTest

from engine.actor import single_user
from engine.settings import ROOT
from engine.strings import text
from engine.workspace.workspace import Workspace
from pages.shared import notice, resources

PATIENCE_S = 200.0  # for one run of a page: two shared cores, and a first query loads the models


@contextmanager
def held_by_the_app(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Open a workspace as the app in this process holds it, its notice accepted; one process owns it."""
    patch.setenv("CASEBIND_WORKSPACE", str(folder))
    place = resources.workspace()
    place.audit(notice._kind(), actor=single_user())
    yield place
    place.close()


def new_screen() -> AppTest:
    """Return the app as it is opened, nothing run yet; CASEBIND_WORKSPACE names its workspace."""
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)


def opened(screen: AppTest, page: str, **address: object) -> AppTest:
    """Open a page at an address and return what stands there; it may say in one sentence what is wrong."""
    screen.switch_page(f"pages/{page}/page.py")
    screen.query_params.clear()
    for name, value in address.items():
        screen.query_params[name] = str(value)
    return fine(screen.run())


def fine(screen: AppTest) -> AppTest:
    """Return the screen, which has not failed."""
    assert not screen.exception
    assert text("app.unexpected") not in [error.value for error in screen.error]
    return screen


def try_press(screen: AppTest, key: str) -> AppTest:
    """Press a button and return what stands there; it may say in one sentence what is wrong."""
    return fine(screen.button(key=key).click().run())


def keys(screen: AppTest) -> set[str]:
    return {button.key for button in screen.button}


def asked(screen: AppTest, query: str, **address: str | list[str]) -> AppTest:
    """Open an address and return what stands there."""
    screen.query_params["query"] = query
    for name, value in address.items():
        screen.query_params[name] = value
    return said_no_error(screen.run())


def said_no_error(screen: AppTest) -> AppTest:
    assert not screen.exception and [one.value for one in screen.error] == []
    return screen


def table_rows(screen: AppTest) -> list[list[str]]:
    """Return the words of each cell of every table, heads aside."""
    html = "\n".join(block.proto.body for block in screen.get("html"))
    found = re.findall(r"<tr[^>]*>(.*?)</tr>", html, re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", one) for one in found if "<td" in one]


def words(screen: AppTest) -> str:
    return "\n".join(block.value for block in screen.markdown)


def press(screen: AppTest, key: str) -> AppTest:
    return said_no_error(screen.button(key=key).click().run())


def cards(screen: AppTest, row: str = "") -> list[str]:
    """Return the ids of the cases whose cards are drawn, in their order. row: of the cases labelled otherwise"""
    return [card["id"] for _, data in _card_groups(screen) for card in data["cards"] if card["row"] == row]


def card(screen: AppTest, study_id: str, row: str = "") -> dict[str, Any]:
    """Return what is on a case's card."""
    return _find_card(screen, study_id, row)[2]


def said(screen: AppTest, row: str = "") -> str:
    """Return the lines of all cards of a row."""
    cases = [card(screen, one, row) for one in cards(screen, row)]
    return "\n".join(line["words"] for one in cases for line in one["lines"])


def press_card(screen: AppTest, what: str, study_id: str, value: object = None, row: str = "") -> AppTest:
    """Press a button of a card, as the browser does: "open", "why", "choose", "collect", or "rate" with a mark."""
    component, data, _ = _find_card(screen, study_id, row)
    pressed = {"n": data["taken"] + 1, "query": data["query"], "id": study_id, "what": what, "value": value}
    states = screen._tree.get_widget_states()
    states.widgets.add(
        id=_make_trigger_id(component, "events"),
        json_trigger_value=json.dumps([{"event": "presses", "value": [pressed]}]),
    )
    return said_no_error(screen._run(states))


def _find_card(screen: AppTest, study_id: str, row: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the component of a card, the data of all its cards, and the card's own."""
    return next(
        (component, data, one)
        for component, data in _card_groups(screen)
        for one in data["cards"]
        if (one["id"], one["row"]) == (study_id, row)
    )


def _card_groups(screen: AppTest) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield id and data of every component that draws cards."""
    for one in screen.get("bidi_component"):
        data = json.loads(one.proto.json or "{}")
        if "cards" in data:
            yield one.proto.id, data


def address(screen: AppTest) -> dict[str, list[str]]:
    held = screen.query_params.items()
    return {name: [values] if isinstance(values, str) else list(values) for name, values in held}
