"""How far small changes may move a query's code before its neighbours are doubted: limits beside a release.

    <release>/steadiness.json    digest of the release, and by modality: limit, usual, false_alarms, n, holds

`casebind evaluate robustness --record` writes it, from clean recordings of `valid`. Where it is missing, or is of
another release, nothing is checked; a round's release is checked by the limits of the release that it is based on,
since its encoders are that one's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import ReleaseError
from engine.files import write_whole
from engine.settings import MODELS

if TYPE_CHECKING:
    from engine.model.release import Release

FILE = "steadiness.json"


@dataclass(frozen=True)
class SteadinessLimit:
    """The operating point of one modality.

    limit        : the turn of a squeezed copy's projections (engine.model.squeeze) beyond which it is unusual
    usual        : bits of 256 that squeezed copies of clean recordings move, the median
    false_alarms : share of clean recordings above the limit, of `n` that it was counted on
    holds        : whether plain attacks are told from clean recordings well enough for it to be used
    """

    limit: float
    usual: int
    false_alarms: float
    n: int
    holds: bool


def steadiness_of(release: Release, modality: str) -> SteadinessLimit | None:
    """Return the limit that a modality's queries are checked by, or None where they are not.

    Raises ReleaseError where the file is damaged.
    """
    for folder, digest in ((release.path, release.digest), (MODELS / release.base, None)):
        content = _read(folder / FILE)
        if content is None or (digest is not None and content["digest"] != digest):
            continue
        row = content["limits"].get(modality)
        return SteadinessLimit(**row) if row is not None and row["holds"] else None
    return None


def write_limits(release: Release, limits: Mapping[str, SteadinessLimit]) -> Path:
    """Write limits beside a release, whole or not at all; those of other modalities stay. Return the file."""
    path = release.path / FILE
    known = _read(path)
    held = known["limits"] if known is not None and known["digest"] == release.digest else {}
    rows = {**held, **{modality: asdict(limit) for modality, limit in limits.items()}}
    write_whole(path, json.dumps({"digest": release.digest, "limits": rows}, indent=1) + "\n")
    return path


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if not isinstance(content["digest"], str) or not isinstance(content["limits"], dict):
            raise ValueError("it names no limits")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReleaseError(f"{path.name} of release {path.parent.name} cannot be read: restore it.") from error
    return content
