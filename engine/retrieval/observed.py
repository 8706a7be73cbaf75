"""What the monitor is told of a query: where it came from, what the gate said, how long the answer took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.actor import Actor
from engine.store import observations
from engine.store.acts import Act, note
from engine.store.records import Observation
from engine.study import Study
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.intake.quality.verdict import QualityVerdict

UNKNOWN = "unknown"
NO_CAUSE = "other"  # of a refusal that names no limit


def source_of(study: Study) -> str:
    """Return where a recording comes from, as far as its file says: format and device, "unknown" for neither."""
    form = study.recognised.partition(",")[0].strip()
    device = str(study.facts.get("device") or "")
    return " · ".join(part for part in (form, device) if part) or UNKNOWN


def cause_of(verdict: QualityVerdict) -> str:
    """Return the name of the limit that a refused study broke first, in whichever lead; "" of an accepted one."""
    if verdict.accepted:
        return ""
    broken = next((one.name for one in verdict.measures if not one.passed), NO_CAUSE)
    return broken.rpartition(": ")[2]


def observation(
    query_id: str,
    study: Study,
    verdict: QualityVerdict,
    release: str,
    *,
    latency_ms: float | None = None,
    nothing_close: bool | None = None,
) -> Observation:
    """Return what is kept of a query for the monitor."""
    patient = study.facts.get("patient_id")
    return Observation(
        query_id=query_id,
        modality=study.modality,
        source=source_of(study),
        accepted=bool(verdict.accepted),
        score=float(verdict.score),
        release=release,
        synthetic=bool(study.facts.get("synthetic")),
        fingerprint=study.fingerprint,
        cause=cause_of(verdict),
        measures={one.name: float(one.value) for one in verdict.measures},
        latency_ms=latency_ms,
        nothing_close=nothing_close,
        patient_id=None if patient is None else str(patient),
        patient_key=study.patient_key,
    )


def record_refusal(workspace: Workspace, seen: Observation, reasons: str, *, actor: Actor) -> int:
    """Store a refusal with its modality, cause and measures, and its act; return the number of the audit's row."""
    about = {"modality": seen.modality, "cause": seen.cause}
    act = Act("refused", release=seen.release, refused=reasons, about=about)
    with workspace.database.write() as cursor:
        observations.insert(cursor, seen)
        noted = note(cursor, actor, act)
    return workspace.database.audit.number_of(noted)
