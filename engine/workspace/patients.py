"""Whom somebody means by a patient's id: the workspace's pseudonym, or the number by which the hospital knows them."""

from __future__ import annotations

from engine.intake.pseudonyms import patient_pseudonym
from engine.store.consents import cohort_and_studies
from engine.workspace.workspace import Workspace


def patient_meant(workspace: Workspace, words: str) -> str:
    """Return the patient id that words mean; the words where nobody here is meant, so that they are named in the error.

    words : a patient id of the workspace, or an identifier that the door of the workspace would replace by one
    """
    made = patient_pseudonym(workspace.key, words)
    for one in (words, made):
        if one and cohort_and_studies(workspace.database, one)[0]:
            return one
    return words
