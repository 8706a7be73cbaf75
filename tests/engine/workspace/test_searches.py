"""Saved searches and the history of queries: each person's own, on disk, opened by their address."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.actor import Actor
from engine.errors import UsageError
from engine.workspace.searches import MAX_NAME, delete_search, past_queries, rename_search, save_search, saved_searches
from engine.workspace.workspace import open_workspace

ADA, BEN = Actor("Ada"), Actor("Ben")
VIEW = "query=syn-0001-e1-ecg&sex=F&labels=atrial+fibrillation"


def test_a_search_is_its_authors_and_outlives_the_process(tmp_path: Path) -> None:
    with open_workspace(tmp_path / "ws", create=True) as place:
        made = save_search(place, "  AF in\nwomen ", f"?{VIEW}", actor=ADA)
        assert (made.name, made.address) == ("AF in women", VIEW)
        assert saved_searches(place, actor=BEN) == []
        with pytest.raises(UsageError, match="deleted"):
            rename_search(place, made.search_id, "mine", actor=BEN)
        assert delete_search(place, made.search_id, actor=BEN) is None
    with open_workspace(tmp_path / "ws") as place:
        assert saved_searches(place, actor=ADA) == [made]


def test_the_same_view_is_kept_once_and_a_deletion_is_undone_by_saving_again(tmp_path: Path) -> None:
    with open_workspace(tmp_path / "ws", create=True) as place:
        first = save_search(place, "AF", VIEW, actor=ADA)
        again = save_search(place, "AF, women", VIEW, actor=ADA)
        assert again.search_id == first.search_id
        assert [one.name for one in saved_searches(place, actor=ADA)] == ["AF, women"]
        rename_search(place, first.search_id, "Fibrillation", actor=ADA)
        gone = delete_search(place, first.search_id, actor=ADA)
        assert gone is not None and gone.name == "Fibrillation" and saved_searches(place, actor=ADA) == []
        save_search(place, gone.name, gone.address, actor=ADA)
        assert [one.address for one in saved_searches(place, actor=ADA)] == [VIEW]


@pytest.mark.parametrize(
    ("name", "address"),
    [("", VIEW), ("\x00\u200b", VIEW), ("x" * (MAX_NAME + 1), VIEW), ("AF", ""), ("AF", "case=1"), ("AF", VIEW * 500)],
)
def test_what_cannot_stand_is_one_sentence_and_nothing_is_stored(tmp_path: Path, name: str, address: str) -> None:
    with open_workspace(tmp_path / "ws", create=True) as place:
        with pytest.raises(UsageError) as refused:
            save_search(place, name, address, actor=ADA)
        assert str(refused.value).endswith(".") and "\n" not in str(refused.value)
        assert saved_searches(place, actor=ADA) == [] and past_queries(place, actor=ADA) == []
