"""Which further columns of a manifest are kept: an allow-list, since any other may hold a name, a ward or a number.

`KEPT` holds what Casebind reads and what says nothing of who somebody is. A workspace's own names stand in its file
columns.txt, one a line; `casebind ingest --keep-column NAME` adds one for one ingest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from engine import reference
from engine.errors import WorkspaceError
from engine.store import classes

FILE = "columns.txt"
KEPT = frozenset(
    {
        *classes.COLUMNS,
        *(reference.COLUMN, "checked_labels", "leads", "dataset", "split", "subset", "pair"),
        *("superclass", "scp_codes", "uncertain", "severity", "conditions"),
        *("hr", "heart_rate", "rate_bpm", "rr", "sbp", "dbp", "spo2", "height_cm", "weight_kg", "bmi", "temperature_c"),
    }
)


def allowed_columns(workspace: Path, named: Iterable[str] = ()) -> frozenset[str]:
    """Return the further columns that are kept: KEPT, those in the workspace's columns.txt, and those named.

    Lines of the file that are blank or begin with # say nothing. Raises WorkspaceError where it cannot be read.
    """
    file = workspace / FILE
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines() if file.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise WorkspaceError(f"The file {file} cannot be read ({error}): write one column's name a line.") from None
    own = {line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")}
    return KEPT | own | {name.strip() for name in named}


def split_columns(extra: Mapping[str, str], kept: frozenset[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the further cells of a row that are kept, and those that are left out."""
    return (
        {name: value for name, value in extra.items() if name in kept},
        {name: value for name, value in extra.items() if name not in kept},
    )
