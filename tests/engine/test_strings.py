"""Each language says everything, with the same places to fill, and nobody hears another one's language."""

from __future__ import annotations

import string
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.strings import LANGUAGES, number, one_of, several, speaking, table, text


def test_a_language_is_spoken_until_its_block_ends_and_in_its_own_thread():
    with ThreadPoolExecutor(1) as other, speaking("de"):
        assert text("language.name") == "Deutsch"
        with speaking("fr"):
            assert text("language.name") == "Français"
        assert text("language.name") == "Deutsch"
        assert other.submit(text, "language.name").result() == "English"
    assert text("language.name") == "English"


def test_an_unknown_key_is_an_error_and_an_unknown_name_stands_for_itself():
    with pytest.raises(KeyError):
        text("language.nothing")
    assert one_of("sex", "unheard of") == "unheard of"
    assert several(1, "search.copies", ids="a") != several(2, "search.copies", ids="a, b")


def places(words: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(words) if name is not None}


@pytest.mark.parametrize("code", LANGUAGES[1:])
def test_a_language_has_every_key_and_the_same_places_to_fill(code):
    english, other = table("en"), table(code)
    for section, words in english.items():
        assert set(other.get(section, {})) == set(words), f"[{section}] of {code}.toml"
        for name, said in words.items():
            assert places(other[section][name]) == places(said), f"{section}.{name} of {code}.toml"
    assert set(other) == set(english)


def test_thousands_are_apart_as_the_reader_of_the_language_expects():
    # A comma is the decimal sign of German and Spanish: 1,234 would read as little more than one.
    assert number(1234) == "1,234" and "1,234 of 5,678" in several(1234, "filters.remain", total=5678)
    for code in LANGUAGES[1:]:
        with speaking(code):
            assert number(999) == "999"
            assert number(1234) == "1\u202f234" and "1\u202f234" in several(1234, "filters.remain", total=5678)
