"""Which policies count is on record: one row when they are first asked, and one whenever they are others."""

from __future__ import annotations

from engine.access.policies.policy_files import LoadedPolicies
from engine.store.acts import Act
from engine.store.audit_file import SYSTEM, AuditFile
from engine.store.audit_questions import AuditQuestion, asked

KIND = "policies loaded"


def note_policies(audit: AuditFile, loaded: LoadedPolicies) -> None:
    """Append a row where the last one names other policies; WorkspaceError where it cannot be written."""
    last = asked(audit, AuditQuestion(kinds=(KIND,)), newest=1)
    if not last or last[0]["about"]["digest"] != loaded.digest:
        about = {"digest": loaded.digest, "policies": len(loaded.names), "problems": len(loaded.problems)}
        audit.append(SYSTEM, Act(KIND, about=about))
