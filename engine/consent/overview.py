"""What a privacy officer looks at: who has withdrawn what, who is due for erasure, certificates, one patient."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from engine.actor import Actor
from engine.consent import retention, unlearning, withdrawal
from engine.learning.retired import retired
from engine.learning.round_release import round_releases
from engine.store import permission
from engine.store.consents import Withdrawal, cohort_and_studies, withdrawals
from engine.workspace import certificate
from engine.workspace.certificate import Certificate
from engine.workspace.erased import reference
from engine.workspace.patients import patient_meant
from engine.workspace.workspace import Workspace


@dataclass(frozen=True)
class Overview:
    """Withdrawals by patient and scope; cohort → patients who are due for erasure; certificates, the newest first."""

    withdrawn: list[Withdrawal]
    due: dict[str, list[str]]
    certificates: list[Certificate]

    @property
    def patients(self) -> frozenset[str]:
        """All patients that it names."""
        return frozenset(
            [one.patient_id for one in self.withdrawn] + [one for part in self.due.values() for one in part]
        )


@dataclass(frozen=True)
class PatientConsent:
    """One patient. studies: how many are here; 0 for somebody who was erased, of whom there may be a certificate

    scopes : scope → whether consent stands
    learnt : names of releases that may serve and may have learnt from the patient
    """

    patient_id: str
    cohort: str
    studies: int
    scopes: dict[str, bool]
    learnt: tuple[str, ...]
    certificate: Certificate | None


def overview(workspace: Workspace, *, actor: Actor, noted: Collection[str] = ()) -> Overview:
    """Return what there is to look at, with the act of its being read where patients are named.

    noted : patients of whom the actor's reading is on record already
    Raises NotPermittedError where the actor does not keep consent.
    """
    permission.require(workspace.database, actor, "consent")
    found = Overview(
        withdrawals(workspace.database), retention.due_for_erasure(workspace), certificate.certificates(workspace.path)
    )
    _note(workspace, found.patients, actor, noted)
    return found


def patient(workspace: Workspace, words: str, *, actor: Actor, noted: Collection[str] = ()) -> PatientConsent:
    """Return what is known of a patient's consent, of one who is here, was, or never was, with the act of its reading.

    words : a patient id, or the number in whose place it stands; noted : as of `overview`
    Raises NotPermittedError where the actor does not keep consent.
    """
    permission.require(workspace.database, actor, "consent")
    patient_id = patient_meant(workspace, words)
    wanted = reference(workspace.key, patient_id)
    made = next((one for one in certificate.certificates(workspace.path) if wanted in one.references), None)
    (cohort, studies), gone = cohort_and_studies(workspace.database, patient_id), retired(workspace.path)
    learnt = tuple(
        one.name
        for one in round_releases(workspace.path)
        if one.name not in gone and not unlearning.is_without(one, workspace, patient_id)
    )
    learnt = learnt if studies or made is not None else ()
    if studies or made is not None:
        _note(workspace, [patient_id], actor, noted)
    return PatientConsent(patient_id, cohort, studies, withdrawal.stated(workspace, patient_id), learnt, made)


def _note(workspace: Workspace, patients: Collection[str], actor: Actor, noted: Collection[str]) -> None:
    """Append that consents were read, of the patients of whom that is not on record yet."""
    if new := sorted(set(patients) - set(noted)):
        workspace.audit("consents read", actor=actor, patients=tuple(new))
