"""The choice of who finds a quiz or a collection: whoever made it, whoever has the link, everybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from engine.store.quizzes import VISIBILITIES
from engine.strings import text


def draw_visibility(
    key: str, chosen: str, on_change: Callable[..., None] | None = None, args: tuple[Any, ...] = ()
) -> None:
    """Draw the choice, `chosen` to begin with; its value is in the session's state under `key`."""
    st.segmented_control(
        text("access.visibility"),
        VISIBILITIES,
        format_func=lambda name: text(f"access.{name}"),
        default=chosen,
        required=True,
        key=key,
        help=text("access.visibility_help"),
        on_change=on_change,
        args=args,
    )
