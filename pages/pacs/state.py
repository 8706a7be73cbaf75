"""What the page asks of the archive, and what it was answered; asked once for each press."""

from __future__ import annotations

from datetime import date

import streamlit as st

from engine.hospital import fetching
from engine.hospital.archive import FoundObject, FoundStudy, WantedStudies
from engine.strings import several
from pages.shared import archive_study, query_state, resources, session

ERROR, FOUND, OBJECTS, SAID = "pacs-error", "pacs-found-studies", "pacs-found-objects", "pacs-said-words"


def find() -> None:
    """Ask the archive for what the form says."""
    asked = st.session_state
    wanted = WantedStudies(
        accession=asked.get("pacs-accession", ""),
        patient=asked.get("pacs-patient", ""),
        since=_day(asked.get("pacs-since")),
        until=_day(asked.get("pacs-until")),
        modalities=tuple(asked.get("pacs-modality") or ()),
    )
    for name in (FOUND, OBJECTS):
        st.session_state.pop(name, None)

    def act() -> None:
        st.session_state[FOUND] = fetching.find(resources.workspace(), wanted, actor=resources.actor())

    session.attempt(ERROR, act)


def found() -> list[FoundStudy] | None:
    """Return the studies that the last press found; None before one, or where it failed."""
    studies: list[FoundStudy] | None = st.session_state.get(FOUND)
    return studies


def objects(study: FoundStudy) -> list[FoundObject]:
    """Return the films and recordings of a study; none where the archive does not say, with the sentence shown."""
    known: dict[str, list[FoundObject]] = st.session_state.setdefault(OBJECTS, {})

    def act() -> None:
        known[study.uid] = fetching.objects(resources.workspace(), study, actor=resources.actor())

    if study.uid not in known and not session.attempt(ERROR, act):
        session.show_error(ERROR)
    return known.get(study.uid, [])


def take(study: FoundStudy, one: FoundObject) -> bool:
    """Make an object of a study the query, as if it had been dropped; return whether it was fetched."""

    def act() -> None:
        upload = fetching.as_upload(resources.workspace(), one, actor=resources.actor())
        query_state.take((upload,), query_state.Answers())
        archive_study.taken_from(study)

    if session.attempt(ERROR, act):
        return True
    session.show_error(ERROR)
    return False


def keep(chosen: list[FoundObject]) -> None:
    """Fetch objects into the inbox, from where they go into the cohort."""

    def act() -> None:
        done = fetching.into_inbox(resources.workspace(), chosen, actor=resources.actor())
        st.session_state[SAID] = several(done.fetched, "pacs.fetched")

    session.attempt(ERROR, act)


def draw_said() -> None:
    """Draw what came of the last press, once."""
    if said := st.session_state.pop(SAID, ""):
        st.success(said, icon=":material/check:")


def _day(given: date | None) -> str:
    return f"{given:%Y%m%d}" if given else ""
