"""A user of the app whose browser runs on another machine: only what it sends to the server and gets is done here.

Speaks Streamlit's own messages over its websocket, keeps the page that they describe, pictures included, and presses
its buttons. A browser's drawing is left out: ten browsers on the server's processors would be what is measured.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from engine.bench.app.messages import ALERT_ERROR, CUT_SHORT, EVENTS_OF, PART_DONE, BackMsg, ForwardMsg
from engine.bench.app.steps import ACCEPT, Action, ActionTiming
from engine.errors import CasebindError

FIRST_S, LIMIT_S = 240.0, 90.0  # patience with the first page, which loads the models, and with an action
TEXTS = ("markdown", "heading", "html", "text", "alert")  # elements whose `body` is read
WIDGETS = ("button", "button_group")


class Client:
    """One session: the page as the server last described it, and what was chosen on it."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.page: dict[tuple[int, ...], tuple[str, Any]] = {}  # place → fragment and element
        self.chosen: dict[str, list[str]] = {}  # widget id → chosen options
        self.script, self.query, self.path = "", "", ""  # path: of the page that is opened, before its script is known

    async def text(self) -> str:
        """Return the words on the page."""
        return self._text()

    async def restart(self) -> None:
        """Load the app anew, as after an error."""
        self.page, self.chosen, self.script, self.query = {}, {}, "", ""
        await self.run()

    async def offers(self, action: Action) -> bool:
        """Say whether what the action presses is on the page."""
        return bool(self.keyed(action.key))

    def _text(self) -> str:
        return " ".join(part.body for _, part in self._parts(TEXTS))

    def _parts(self, kinds: tuple[str, ...]) -> list[tuple[str, Any]]:
        """Return fragment and content of every element of some kinds, in the page's order."""
        elements = (both for _, both in sorted(self.page.items(), key=lambda entry: entry[0]))
        return [(fragment, getattr(one, kind)) for fragment, one in elements for kind in kinds if one.HasField(kind)]

    def keyed(self, key: str) -> list[tuple[str, Any]]:
        """Return fragment and widget of every button with this key, or with keys that begin so where it ends in -."""
        some = re.escape(key) + (".*" if key.endswith("-") else "")
        wanted = re.compile(rf"\$\$ID-\w+-{some}")
        widgets = self._parts(WIDGETS)
        return [(fragment, one) for fragment, one in widgets if wanted.fullmatch(one.id) and not one.disabled]

    async def do(self, action: Action) -> ActionTiming:
        """Press what the action names and wait until the run has ended and all of its page has come."""
        begun, before = time.perf_counter(), _found(action.until, self._text())
        try:
            async with asyncio.timeout(LIMIT_S):
                await self._press(action)
                after = _found(action.until, self._text())
                error = self._fault() or (
                    "" if after and after != before else f"nothing new after {action.description()}"
                )
        except LookupError:
            return ActionTiming(action.name, 0, f"nothing to press at {action.description()}")
        except TimeoutError:
            error = f"no answer to {action.description()} within {LIMIT_S:g} s"
        return ActionTiming(action.name, (time.perf_counter() - begun) * 1000, error)

    async def run(self, fragment: str = "", pressed: str = "", event: tuple[str, str] | None = None) -> None:
        """Ask for a run of the script, or of one fragment of it, and take in the page.

        pressed : id of a button
        event   : id of a component and what happened in it, as JSON
        """
        asked = BackMsg()
        self._tell(asked.rerun_script, fragment, pressed)
        if event is not None:
            one = asked.rerun_script.widget_states.widgets.add()
            one.id, one.json_trigger_value = EVENTS_OF.format(id=event[0]), event[1]
        await self.socket.send(asked.SerializeToString())
        await self._take_in(fragment)

    async def _press(self, action: Action) -> None:
        found = self.keyed(action.key)
        if not found:
            await self._press_card(action.key.removesuffix("-"), action.nth)
            return
        fragment, widget = found[0]
        if action.words:
            option = next(one.content for one in widget.options if one.content.endswith(action.words))
            self.chosen[widget.id] = [] if self.chosen.get(widget.id) == [option] else [option]
        await self.run(fragment, "" if action.words else widget.id)

    async def _press_card(self, what: str, nth: int) -> None:
        """Press a button of one card of a search, counted through all kinds; LookupError where there is none."""
        found = [(part, one, json.loads(one.json or "{}")) for part, one in self._parts(("bidi_component",))]
        cards = [(*of_kind, card["id"]) for of_kind in found for card in of_kind[2].get("cards", ())]
        if not cards:
            raise LookupError(what)
        fragment, component, data, card = cards[nth % len(cards)]
        press = {"n": data["taken"] + 1, "query": data["query"], "id": card, "what": what, "value": None}
        event = json.dumps([{"event": "presses", "value": [press]}])
        await self.run(fragment, event=(component.id, event))

    def _tell(self, state: Any, fragment: str, pressed: str) -> None:
        state.query_string, state.page_script_hash, state.fragment_id = self.query, self.script, fragment
        state.page_name = "" if self.script else self.path
        for widget, options in self.chosen.items():
            one = state.widget_states.widgets.add()
            one.id = widget
            one.string_array_value.data.extend(options)
        if pressed:
            one = state.widget_states.widgets.add()
            one.id, one.trigger_value = pressed, True

    async def _take_in(self, fragment: str) -> None:
        fresh: dict[tuple[int, ...], tuple[str, Any]] = {}
        while True:
            message = ForwardMsg.FromString(await self.socket.recv())
            if message.HasField("new_session"):
                fresh, self.script = {}, message.new_session.page_script_hash
            elif message.HasField("navigation"):
                self.script = message.navigation.page_script_hash
            elif message.HasField("page_info_changed"):
                self.query = message.page_info_changed.query_string
            elif message.delta.HasField("new_element"):
                fresh[tuple(message.metadata.delta_path)] = message.delta.fragment_id, message.delta.new_element
            elif message.HasField("script_finished") and message.script_finished != CUT_SHORT:
                break
        whole = message.script_finished != PART_DONE
        kept = {} if whole else {place: one for place, one in self.page.items() if one[0] != fragment}
        self.page = kept | fresh
        self._take_defaults()

    def _take_defaults(self) -> None:
        groups = {group.id: group for _, group in self._parts(("button_group",))}
        self.chosen = {widget: options for widget, options in self.chosen.items() if widget in groups}
        for widget, group in groups.items():
            if group.set_value or widget not in self.chosen:
                given = [group.options[n].content for n in group.default]
                self.chosen[widget] = list(group.raw_values) if group.set_value else given

    def _fault(self) -> str:
        """Return what an exception or an error on the page says; "" where there is none."""
        for _, one in self.page.values():
            if one.HasField("exception"):
                return one.exception.message
            if one.HasField("alert") and one.alert.format == ALERT_ERROR:
                return one.alert.body
        return ""


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[0] if match else ""


@asynccontextmanager
async def session(url: str, path: str = "", query: str = "") -> AsyncIterator[Client]:
    """Open the app as a new user, past the notice; path and query: of an address within the app."""
    address = f"ws{url.removeprefix('http')}/_stcore/stream"
    async with connect(address, max_size=None, subprotocols=["streamlit"]) as socket:  # type: ignore[list-item]
        one = Client(socket)
        one.path, one.query = path, query
        async with asyncio.timeout(FIRST_S):
            await one.run()
            if one.keyed(ACCEPT.key):
                took = await one.do(ACCEPT)
                if took.error:
                    raise CasebindError(f"The app was not ready for a user: {took.error}.")
        yield one
