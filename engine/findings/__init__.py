"""Findings: what published labels share, and the names by which people write them.

families.py, families.toml   published label → the families that modalities share, and the phrases that bind them
"""

from engine.findings.families import (
    BRADYCARDIA_PER_MIN,
    NORMAL,
    TACHYCARDIA_PER_MIN,
    abnormal,
    findings,
    findings_of_label,
    is_shareable,
    phrase,
    sentence,
    shared_findings,
    sharing,
    vocabulary,
)

__all__ = [
    "BRADYCARDIA_PER_MIN",
    "NORMAL",
    "TACHYCARDIA_PER_MIN",
    "abnormal",
    "findings",
    "findings_of_label",
    "is_shareable",
    "phrase",
    "sentence",
    "shared_findings",
    "sharing",
    "vocabulary",
]
