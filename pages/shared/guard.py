"""Every error becomes one sentence: the engine's own, or one that admits the fault is ours. Never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from engine.errors import CasebindError
from engine.strings import text
from pages.shared.markdown import said

_log = logging.getLogger("casebind.pages")


@contextmanager
def guarded() -> Iterator[None]:
    """Draw what goes wrong inside as one sentence. Streamlit's own stop and rerun signals are no Exceptions."""
    try:
        yield
    except CasebindError as error:
        st.error(said(error), icon=":material/error:")
    except Exception:
        _log.exception("A page failed")
        st.error(text("app.unexpected"), icon=":material/error:")
