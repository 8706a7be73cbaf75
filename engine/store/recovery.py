"""Opening a workspace after its process was killed: its log is held against its journal, and what is missing is named.

A log that lacks an acknowledged change is set aside and written anew from the journal, each line of which is checked;
where a line is damaged too, the log's own bytes stand in, which DuckDB checks. DuckDB replays the log up to the first
damage. Numbers that the database lacks afterwards are changes that are lost.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from engine.errors import WorkspaceError
from engine.files import utc_now, write_whole
from engine.store.journal import Change, Journal, JournalContent, bytes_from
from engine.store.opening import connect
from engine.strings import several, text

SEQUENCE = "commit_number"
DAMAGED = ".damaged-"  # between the name of a file that was set aside and the time
PROBE = ".casebind.probe"
KINDS = (  # tables by which a change is named, the first of them that it wrote
    "ratings",
    "pooled_ratings",
    "consent",
    "annotations",
    "saved_searches",
    "promotions",
    "quiz_answers",
    "quizzes",
    "collection_cases",
    "collections",
    "studies",
    "codes",
    "queries",
    "acts_due",
)


@dataclass(frozen=True)
class Opened:
    """An open file.

    remark : what was damaged and what is missing, one sentence; "" where nothing was
    lost   : acknowledged changes that are missing
    """

    connection: duckdb.DuckDBPyConnection
    remark: str = ""
    lost: int = 0


def open_file(path: Path, journal: Journal) -> Opened:
    """Open a database whose journal is locked, with every change that its log and its journal have between them.

    Raises WorkspaceError as `connect` does, and where the log is damaged and there is no journal.
    """
    recorded, log = journal.read(), bytes_from(journal.log)
    mended = not all(one.stands_in(log) for one in recorded.changes) and _belongs(path, recorded)
    if mended:
        _replace_log(journal.log, _merged(log, recorded.changes))
    try:
        connection = connect(path)
    except WorkspaceError as error:
        if not log or _stored(path) is None:
            raise
        if not _belongs(path, recorded):
            raise WorkspaceError(
                f"The workspace {path.parent} cannot be opened, its log {journal.log.name} is damaged and no journal "
                "has its changes: rename the log to open the workspace as it was when last saved, or restore a copy."
            ) from error
        _replace_log(journal.log, _checked_start(recorded.changes))
        connection, mended = connect(path), True
    lost = max(0, recorded.last - last_number(connection))
    if lost:
        if not mended:
            _set_aside(journal.log, log)
        _set_aside(journal.path, bytes_from(journal.path))
    return Opened(connection, _remark(recorded, last_number(connection), mended=mended, name=journal.path.name), lost)


def last_number(connection: duckdb.DuckDBPyConnection) -> int:
    """Return the number of the last change in the database, 0 before the first."""
    sql = "SELECT coalesce(max(last_value), 0) FROM duckdb_sequences() WHERE sequence_name = ?"
    ((number,),) = connection.execute(sql, [SEQUENCE]).fetchall()
    return int(number)


def forget_damaged(folder: Path) -> None:
    """Delete the logs and journals that were set aside in a folder."""
    for file in folder.glob(f"*{DAMAGED}*"):
        file.unlink(missing_ok=True)


def _belongs(path: Path, recorded: JournalContent) -> bool:
    """Say whether the changes of a journal follow on what the database has without its log."""
    if recorded.new or (recorded.base is None and not recorded.changes):
        return False
    stored = _stored(path)
    if stored is None:
        return False
    if not recorded.changes:
        return recorded.base is not None and recorded.base <= stored
    first = recorded.changes[0].number
    base = first - 1 if recorded.base is None else recorded.base
    return base <= stored < first


def _stored(path: Path) -> int | None:
    """Return the number of the last change that the database has without its log; None where it cannot be opened.

    Read under another name, beside which DuckDB finds no log.
    """
    probe = path.with_name(PROBE)
    probe.unlink(missing_ok=True)
    try:
        try:
            os.link(path, probe)
        except OSError:  # a file system without links
            shutil.copyfile(path, probe)
        connection = connect(probe, read_only=True)
        try:
            return last_number(connection)
        finally:
            connection.close()
    except (OSError, WorkspaceError, duckdb.Error):
        return None
    finally:
        probe.unlink(missing_ok=True)


def _merged(log: bytes, changes: Sequence[Change]) -> bytes:
    """Return the log with every change where it belongs; what follows the last one stays if it followed it before."""
    end = changes[-1].end
    merged = bytearray(log[:end].ljust(end, b"\0"))
    for one in changes:
        merged[one.offset : one.end] = one.log
    return bytes(merged) + (log[end:] if changes[-1].stands_in(log) else b"")


def _checked_start(changes: Sequence[Change]) -> bytes:
    """Return the changes from the start of the log up to the first that is missing."""
    start = b""
    for one in changes:
        if one.offset != len(start):
            break
        start += one.log
    return start


def _replace_log(log: Path, content: bytes) -> None:
    """Set a damaged log aside and write another one in its place, or none where there is nothing in it."""
    if log.exists():
        os.replace(log, _aside(log))
    if content:
        write_whole(log, content)


def _set_aside(file: Path, content: bytes) -> None:
    """Write what a damaged file had beside it."""
    if content:
        write_whole(_aside(file), content)


def _aside(file: Path) -> Path:
    return file.with_name(f"{file.name}{DAMAGED}{utc_now():%Y%m%dT%H%M%SZ}")


def _remark(recorded: JournalContent, number: int, *, mended: bool, name: str) -> str:
    """Return what was found as one sentence, "" where nothing was damaged."""
    if recorded.last > number:
        return several(recorded.last - number, "journal.lost", what=_what(recorded, number))
    if mended:
        return text("journal.mended")
    if recorded.new:
        return text("journal.absent", name=name) if number else ""
    if recorded.damaged:
        return text("journal.unreadable" if recorded.base is None else "journal.damaged", name=name)
    return ""


def _what(recorded: JournalContent, number: int) -> str:
    """Return the kinds and times of the lost changes that the journal can still read, in brackets."""
    lost = [one for one in recorded.changes if one.number > number]
    if not lost:
        return ""
    kinds = (next((kind for kind in KINDS if kind in one.tables), "other") for one in lost)
    counts = Counter(text(f"journal_kind.{kind}") for kind in kinds)
    first, last = (f"{datetime.fromisoformat(one.at):%Y-%m-%d %H:%M}" for one in (lost[0], lost[-1]))
    named = ", ".join(f"{kind} {count}" for kind, count in counts.most_common())
    return text("journal.what", kinds=named, first=first, last=last)
