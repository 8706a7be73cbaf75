"""Whom a number means: the workspace's pseudonym, the hospital's number, or an earlier pseudonym."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.errors import UsageError, brief
from engine.intake.pseudonyms import patient_pseudonym, previous_patient_key, shown_pseudonym
from engine.store.consents import cohort_and_studies
from engine.store.studies import known_keys
from engine.study import Study
from engine.workspace.workspace import Workspace


def patient_meant(workspace: Workspace, words: str) -> str:
    """Return the patient id that words mean; the words where nobody here is meant, so that they are named in the error.

    words : a patient id of the workspace, or an identifier that the door of the workspace would replace by one
    """
    made = patient_pseudonym(workspace.key, words)
    for one in (words, made, shown_pseudonym(previous_patient_key(workspace.key, words))):
        if one and cohort_and_studies(workspace.database, one)[0]:
            return one
    return words


def patient_of(workspace: Workspace, words: str, issuers: Sequence[str]) -> str:
    """Return the patient id that words mean, or a number that one of the issuers may have given."""
    for issuer in issuers:
        made = patient_pseudonym(workspace.key, words, issuer)
        if made and cohort_and_studies(workspace.database, made)[0]:
            return made
    meant = patient_meant(workspace, words)
    if not cohort_and_studies(workspace.database, meant)[0]:
        raise UsageError(f"There is no patient {brief(words)} in the workspace: nothing was recorded.")
    return meant


def as_known_here(workspace: Workspace, studies: Sequence[Study]) -> list[Study]:
    """Return studies with the key by which their patient came before, where an earlier version made another one."""
    known = known_keys(workspace.database, {one.previous_key for one in studies if one.previous_key})
    return [replace(one, patient_key=one.previous_key) if one.previous_key in known else one for one in studies]
