"""A study of the hospital's archive as a line of words, and the one that a query was taken from last."""

from __future__ import annotations

import streamlit as st

from engine.hospital.archive import FoundStudy
from pages.shared.markdown import escaped

TAKEN = "archive-accession"  # accession number of the study that the query was taken from


def line(one: FoundStudy) -> str:
    """Return day, modalities, description, accession and patient number of a study."""
    day = f"{one.date[:4]}-{one.date[4:6]}-{one.date[6:]}" if len(one.date) == 8 else one.date
    parts = (day, "/".join(one.modalities), one.description, one.accession, one.patient)
    return " · ".join(escaped(part) for part in parts if part)


def taken_from(study: FoundStudy) -> None:
    """Remember for this session which study a query was taken from."""
    st.session_state[TAKEN] = study.accession


def accession() -> str:
    """Return the accession number of the study that a query was taken from last, "" for none."""
    return str(st.session_state.get(TAKEN, ""))
