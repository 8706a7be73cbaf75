"""The workspace and the release, opened and warmed once per process."""

from __future__ import annotations

import streamlit as st

from engine import retrieval
from engine.errors import WorkspaceError
from engine.index.workspace import Workspace, open_workspace
from engine.release import Release, load_release
from engine.settings import workspace_path
from pages.shared.strings import text

WHO = "local"  # the one user of an app without sign-in


@st.cache_resource(show_spinner=False)
def release() -> Release:
    """Return the newest release."""
    return load_release()


@st.cache_resource(show_spinner=False)
def _workspace(path: str) -> Workspace:
    return open_workspace(path)


def workspace() -> Workspace:
    """Return the workspace of the settings; WorkspaceError that names `casebind demo` where there is none."""
    path = workspace_path()
    if not path.is_dir():
        raise WorkspaceError(text("app.no_workspace"))
    return _workspace(str(path))


@st.cache_resource(show_spinner=False)
def _warmed(path: str) -> bool:
    retrieval.warm(_workspace(path), release())
    return True


def warm() -> None:
    """Load everything that a first query needs, so that it is no slower than the second."""
    workspace()
    with st.spinner(text("app.loading"), show_time=True):
        _warmed(str(workspace_path()))
