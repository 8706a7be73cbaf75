"""What whoever is here may do, so that a page offers nothing else. The engine asks again; this is no guard."""

from __future__ import annotations

import streamlit as st

from engine.access import mode
from engine.errors import CasebindError, NotPermittedError
from engine.hospital.inbox import FOLDER
from engine.hospital.settings import FILE
from engine.reader_study import design
from engine.settings import workspace_path
from engine.store import permission
from engine.store.acts import Act as AuditAct
from engine.store.rule import ACTS, NOT_YOURS, Act
from engine.wearable import trend
from pages.shared import resources, signed_in

STATE, REFUSED = "permitted", "refused-page"


def begin() -> None:
    """Look up once a run what may be done; nothing where the session has ended or the policies cannot be read."""
    st.session_state[STATE] = _permitted()


def may(act: Act) -> bool:
    """Return whether whoever is here may do something."""
    if STATE not in st.session_state:  # somebody else has signed in, so what was known of the one before is gone
        begin()
    return act in st.session_state[STATE]


def has_accounts() -> bool:
    """Return whether people sign in here."""
    return mode.sign_in() != "off"


def has_archive() -> bool:
    """Return whether an archive sends here, or is to."""
    return any((workspace_path() / name).exists() for name in (FOLDER, FILE))


def has_exports() -> bool:
    """Return whether anything that can be seen came from a wearable's export, for the screen of people over time."""
    try:
        return may("search") and _has_exports(resources.sight())
    except CasebindError:
        return False


def has_reader_studies() -> bool:
    """Return whether there is a reader study that whoever is here reads in or made."""
    try:
        return may("search") and bool(design.listed(resources.workspace(), actor=resources.actor()))
    except CasebindError:
        return False


@st.cache_data(max_entries=8, show_spinner=False)
def _has_exports(sight: resources.Sight) -> bool:
    return trend.has_exports(resources.workspace(), actor=resources.actor())


def refuse(page: str, act: Act) -> None:
    """Raise NotPermittedError where somebody came by address to a page that is not theirs; the audit has it once."""
    if may(act):
        return
    workspace, actor = resources.workspace(), resources.actor()
    if st.session_state.get(REFUSED) != page:
        st.session_state[REFUSED] = page
        workspace.database.audit.append(actor, AuditAct("refused access", refused=NOT_YOURS, about={"page": page}))
    permission.require(workspace.database, actor, act)
    raise NotPermittedError(NOT_YOURS)


def _permitted() -> tuple[Act, ...]:
    try:
        if signed_in.session() is None:
            return ACTS
        database, actor = resources.workspace().database, resources.actor()
        return tuple(act for act in ACTS if permission.may(database, actor, act))
    except CasebindError:
        return ()
