"""Whoever chose German reads no English sentence that has a German one: neither the app's words nor the engine's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import Message
from helpers.screens import fine, new_screen, opened
from streamlit.testing.v1 import AppTest

from engine.sentences import catalogue
from engine.strings import speaking, table, text
from engine.study import ECG_LEADS, IdentityRow, Study, Trace
from engine.workspace.workspace import Workspace
from pages.shared import language

ECG, MATCH, FILM = "syn-0001-e1-ecg", "syn-0003-e1-ecg", "syn-0001-e1-cxr"
MARKUP = re.compile(r":(?:small|material|\w+-badge)[/\w]*:?\[?|[*_#>`\\]|\]$")
NOT_READ = ("js_content", "css_content", "html_content", "form_id", "id")  # fields that nobody reads on a screen
SHORTEST = 4  # letters; shorter words are names or alike in many languages


PLACES: tuple[tuple[str, dict[str, str]], ...] = (
    ("search", {"query": ECG, "counter": "1"}),
    ("search", {"query": FILM, "k": "1000"}),
    ("search", {"query": "gone"}),
    ("compare", {"query": ECG, "case": MATCH}),
    ("compare", {"query": ECG, "case": "gone"}),
    ("collections", {"collection": "gone"}),
    ("quiz", {}),
    ("quiz", {"quiz": "gone"}),
    ("review", {}),
    ("releases", {}),
    ("map", {}),
)


@pytest.fixture
def german(place: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app in German, past its notice."""
    monkeypatch.setenv("CASEBIND_WORKSPACE", str(folder))
    screen = new_screen()
    screen.session_state[language.STATE] = "de"
    screen.run()
    return screen.button(key="accept").click().run() if "accept" in {one.key for one in screen.button} else screen


@lru_cache(maxsize=1)
def english() -> list[re.Pattern[str]]:
    """Return a pattern of each English string, and of each sentence of the engine, that German says otherwise."""
    own, other = table("en"), table("de")
    said = [words for part in own for name, words in own[part].items() if other[part][name] != words]
    said = [
        words for words in said if words != own["language"]["name"]
    ]  # the choice of languages names each in its own
    said += [entry.english for entry in catalogue() if entry.said["de"] != entry.english]
    lines = {plain(line) for words in said for line in words.splitlines()}
    places = re.compile(r"\\\{\w+(?:\\?:[^}]*)?\\\}")
    return [
        re.compile(places.sub(".+", re.escape(line)))
        for line in lines
        if len(re.sub(r"\{.*?\}|\W", "", line)) >= SHORTEST
    ]


def plain(line: str) -> str:
    return MARKUP.sub("", line).strip()


def shown(node: Any) -> Iterator[str]:
    """Yield each string that an element or a block hands to the browser."""
    if isinstance(getattr(node, "proto", None), Message):
        yield from strings(node.proto)
    for child in getattr(node, "children", {}).values():
        yield from shown(child)


def strings(message: Message) -> Iterator[str]:
    for field, value in message.ListFields():
        if field.name in NOT_READ:
            continue
        for one in [value] if isinstance(value, Message | str | int | float | bytes) else value:
            if isinstance(one, Message):
                yield from strings(one)
            elif isinstance(one, str):
                yield one


def english_on(screen: AppTest) -> list[str]:
    cells = [cell for one in screen.dataframe for cell in (*one.value.columns, *one.value.to_numpy().ravel())]
    words = [*shown(screen.main), *(part for cell in map(str, cells) for part in cell.split(": "))]
    lines = {plain(line) for one in words for line in one.splitlines()}
    return sorted(line for line in lines if any(one.fullmatch(line) for one in english()))


def test_english_is_found_where_it_stands(app: AppTest) -> None:
    assert {text("search.lead"), text("search.example")} <= set(english_on(app))


def test_screens_are_german_from_the_first_page_to_the_last(german: AppTest) -> None:
    assert english_on(german) == []
    for page, address in PLACES:
        with speaking("de"):  # what a test knows of a choice is made outside of the session
            assert english_on(opened(german, page, **address)) == [], (page, address)


def test_a_refusal_is_german_with_its_reasons_and_measures(german: AppTest) -> None:
    flat = Trace(np.zeros((12, 5000), dtype=np.float32), ECG_LEADS, 500.0, "mV")
    rows = (IdentityRow("file name", "removed", "names may identify a person"),)
    german.session_state["study"] = Study("ecg", flat, "WFDB, 12 leads, 500 Hz, 10 s, rate as stated", rows)
    refused = fine(german.run())
    with speaking("de"):
        assert text("search.refused") in " ".join(one.value for one in refused.warning)
    assert english_on(refused) == []
