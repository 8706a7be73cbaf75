"""What relevant means is a text with versions; a rating notes the one in force."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.studies import fill

from engine.actor import Actor
from engine.errors import UsageError
from engine.store import guidelines
from engine.workspace.workspace import open_workspace

ANN = Actor("ann")


def test_a_rating_notes_the_version_in_force_and_every_version_stays(tmp_path: Path):
    with open_workspace(tmp_path / "ws", create=True) as place:
        fill(place)
        first = place.rate("s0000", "s0001", "relevant", actor=ANN, release="r1")
        assert first.guideline == guidelines.in_force(place.database).version == 0
        assert place.rate("s0000", "s0001", "relevant", actor=ANN, release="r1") == first
        made = guidelines.write(place.database, "Same finding,\nsame side.", " Dr  B ", edited=0)
        assert (made.version, made.words, made.who) == (1, "Same finding,\nsame side.", "Dr B")
        assert guidelines.write(place.database, made.words, "Dr C", edited=1) == made  # nothing differs
        again = place.rate("s0000", "s0001", "relevant", actor=ANN, release="r1")  # said anew, under another text
        assert again.guideline == 1 and len(place.history("s0000", "s0001", actor=ANN)) == 2
        assert [one.guideline for one in place.ratings(actor=ANN)] == [1]
    with open_workspace(tmp_path / "ws") as place:
        assert [one.version for one in guidelines.versions(place.database)] == [1, 0]


@pytest.mark.parametrize("words", ["", " \n\x07 ", "a" * 7000])
def test_a_text_that_cannot_stand_is_refused(tmp_path: Path, words: str):
    with open_workspace(tmp_path / "ws", create=True) as place, pytest.raises(UsageError):
        guidelines.write(place.database, words, "ann", edited=0)


def test_two_who_edit_at_once_never_overwrite_each_other(tmp_path: Path):
    with open_workspace(tmp_path / "ws", create=True) as place:
        guidelines.write(place.database, "One.", "ann", edited=0)
        with pytest.raises(UsageError, match="ann wrote version 1 meanwhile"):
            guidelines.write(place.database, "Two.", "bob", edited=0)
        assert guidelines.in_force(place.database).words == "One."
