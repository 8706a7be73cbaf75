"""What the audit costs: a row beside a page that the disk alone puts down, in turn, and a verification of many."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from io import FileIO
from pathlib import Path

import numpy as np

from engine.actor import Actor
from engine.audit.key import signing_key
from engine.audit.seal import seal
from engine.audit.verify import verify
from engine.store.acts import Act, body_of
from engine.store.audit_chain import canonical
from engine.store.audit_file import AuditFile

TIMED, AT_ONCE = 300, 500
WHO = Actor("bench", session="s" * 16, roles=("clinician",))
SHOWN = tuple(f"study-{n:06d}" for n in range(30))


def run(rows: int) -> dict[str, float]:
    """Return medians of a row in milliseconds, and seconds for so many rows."""
    act = Act("search", query_id="q-0123456789abcdef", code="f" * 64, returned=SHOWN, patients=SHOWN, release="r2")
    with tempfile.TemporaryDirectory() as folder, AuditFile(Path(folder)) as audit:
        raw = canonical(body_of(WHO, act))
        with Path(folder, "floor").open("wb", buffering=0) as page:
            turns = [(*_row(audit, act), _ms(lambda: _put(page, raw))) for _ in range(TIMED)]
        synced, busy, floor = zip(*turns, strict=True)
        bodies = [body_of(WHO, act) for _ in range(rows - TIMED)]
        noted = [(body["entry"], canonical(body).decode()) for body in bodies]
        batches = [noted[first : first + AT_ONCE] for first in range(0, len(noted), AT_ONCE)]
        together = [_ms(lambda batch=batch: audit.deliver(batch)) / len(batch) for batch in batches]  # type: ignore[misc]
        started = time.perf_counter()
        seal(audit, Path(folder), signing_key(Path(folder) / "key.pem"), WHO)
        sealed = time.perf_counter()
        found = verify(audit, Path(folder))
        verified = time.perf_counter()
        assert found.is_whole and found.rows == rows + 1
    return {
        "floor_ms": float(np.median(floor)),
        "row_ms": float(np.median(synced)),
        "row_p95_ms": float(np.percentile(synced, 95)),
        "row_processor_ms": float(np.median(busy)),
        "row_unsynced_ms": float(np.median(together)) if together else 0.0,
        "seal_s": sealed - started,
        "verify_s": verified - sealed,
    }


def _row(audit: AuditFile, act: Act) -> tuple[float, float]:
    """Append a row; return what it took, and what of it was the processor's, in milliseconds."""
    busy = time.thread_time()
    took = _ms(lambda: audit.append(WHO, act))
    return took, 1000 * (time.thread_time() - busy)


def _put(page: FileIO, row: bytes) -> None:
    """Put a page with a row on the disk in the place of the last one, as SQLite does in its log."""
    page.seek(0)
    page.write(row.ljust(4096))
    os.fdatasync(page.fileno())


def _ms(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - started)
