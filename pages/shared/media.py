"""Files that Streamlit serves under /media, each for the session alone whose page it was made for.

Streamlit names a file by its content and asks nobody who opens the address. Where people sign in, it is noted whose
page was drawn, or who pressed the button for which a file is made, when it is kept.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import PurePosixPath

import streamlit as st
from streamlit.runtime.media_file_storage import MediaFileKind
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.web.server import server

from engine.access.gate import ASKING
from pages.shared.signed_in import NUMBER

_given: dict[str, set[str]] = defaultdict(set)  # file → numbers of sessions


class GivenMedia(MemoryMediaFileStorage):
    """Streamlit's files in memory, and to which sessions each was given."""

    def load_and_get_id(
        self, path_or_data: str | bytes, mimetype: str, kind: MediaFileKind, filename: str | None = None
    ) -> str:
        """Keep a file for the session that is here; return its id."""
        file_id = super().load_and_get_id(path_or_data, mimetype, kind, filename)
        _given[file_id].add(_number())
        return file_id

    def delete_file(self, file_id: str) -> None:
        """Delete a file, and to whom it was given."""
        super().delete_file(file_id)
        _given.pop(file_id, None)


def keep_apart() -> None:
    """Have the server that starts next note to whom its files are given."""
    server.MemoryMediaFileStorage = GivenMedia  # type: ignore[misc]


def is_given(path: str, number: str) -> bool:
    """Return whether the file at an address under /media was given to the session of a number."""
    return number in _given.get(PurePosixPath(path).stem, ())


def _number() -> str:
    """Return the number of the session whose page is drawn, or who presses a button; "" for nobody's."""
    is_drawn = get_script_run_ctx(suppress_warning=True) is not None
    return str(st.session_state.get(NUMBER, "")) if is_drawn else ASKING.get()
