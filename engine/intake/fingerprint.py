"""Content → sha256, equal for the same samples or pixels whatever file they came in."""

from __future__ import annotations

import hashlib

import numpy as np

from engine.modalities import spec_of_trace
from engine.study import Film, Note, Trace


def fingerprint(content: Trace | Film | Note) -> str:
    """Return the sha256 (hex) of samples + leads + rate, pixels + shape + depth, or text."""
    digest = hashlib.sha256()
    if isinstance(content, Trace):
        digest.update(
            f"trace {','.join(content.leads)} {content.fs:.6g} {content.units} {content.samples.shape}".encode()
        )
        digest.update(np.ascontiguousarray(content.samples, dtype="<f4").tobytes())
    elif isinstance(content, Film):
        digest.update(f"film {content.pixels.shape} {content.bits}".encode())
        digest.update(np.ascontiguousarray(content.pixels, dtype="<u2").tobytes())
    else:
        digest.update(b"note " + " ".join(content.text.split()).encode())
    return digest.hexdigest()


def phrase(kind: str, trace: Trace, remark: str = "") -> str:
    """Return e.g. "WFDB, 12 leads, 500 Hz, 10 s"."""
    n = len(trace.leads)
    only = len(spec_of_trace(trace).leads) == 1
    leads = trace.leads[0] if only else f"{n} leads" if n > 1 else f"lead {trace.leads[0]}"
    parts = [kind, leads, f"{trace.fs:g} Hz", f"{trace.duration_s:.4g} s", remark]
    return ", ".join(part for part in parts if part)
