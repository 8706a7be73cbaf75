"""Evaluations that a release carries: what was measured of it, by which command, when.

    <release>/evaluations/<name>.json    name, command, date, release, digest, split, seconds, version, measured

They are no part of the release's digest, since they decide no embedding and no code; but they name the digest that they
are of, and count for no other: a folder that was copied and trained on does not carry them along. A release that a
round made has those that were measured of it. Where there are none, those of the release it is based on may be asked
for; they say whose they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.errors import ReleaseError, UsageError
from engine.files import utc_now, write_whole
from engine.model.release import Release, load_release
from engine.settings import MODELS
from engine.version import __version__

FOLDER = "evaluations"
NAME = re.compile(r"[a-z][a-z0-9-]{0,40}")
PERSONAL = frozenset({"patient_id", "study_id", "record_id", "encounter_id", "file", "path"})  # keys of one recording
MOST_BYTES = 2_000_000


@dataclass(frozen=True)
class RecordedEvaluation:
    """One evaluation as it was recorded.

    command  : as typed, without folders of the machine       date    : of the day it ended, UTC, ISO
    release, digest : of what was measured                     split   : of the recordings; "" where none was read
    seconds  : that it took                                    version : of Casebind
    measured : what the command prints with --json
    """

    name: str
    command: str
    date: str
    release: str
    digest: str
    split: str
    seconds: float
    version: str
    measured: dict[str, Any]


def evaluations_folder(release: Release) -> Path:
    """Return where a release carries its evaluations."""
    return release.path / FOLDER


def record(
    release: Release, name: str, measured: Mapping[str, Any], *, command: str, split: str, seconds: float
) -> Path:
    """Write what was measured of a release into its folder, in the place of what was there; return the file.

    The file is whole or not there at all. Raises UsageError where `measured` names a patient or a recording or is no
    JSON, ReleaseError where the folder takes no file.
    """
    path = _file(release, name)
    named = sorted(_keys(measured) & PERSONAL)
    if named:
        raise UsageError(f"The evaluation {name} names single recordings ({named[0]}): only figures are recorded.")
    date = utc_now().date().isoformat()
    found = RecordedEvaluation(
        name, command, date, release.name, release.digest, split, round(seconds, 1), __version__, dict(measured)
    )
    try:
        text = json.dumps(asdict(found), ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise UsageError(f"The evaluation {name} is no JSON ({error}): it is printed, and not recorded.") from error
    if len(text.encode()) > MOST_BYTES:
        raise UsageError(f"The evaluation {name} has more than {MOST_BYTES:,} bytes: record its figures alone.")
    try:
        path.parent.mkdir(exist_ok=True)
        write_whole(path, text)
    except OSError as error:
        raise ReleaseError(
            f"The evaluation {name} could not be recorded in {release.path} ({error.strerror}): let it be written to."
        ) from error
    return path


def recorded(release: Release, name: str, *, or_of_base: bool = False) -> RecordedEvaluation | None:
    """Return an evaluation that a release carries, or None where it was not measured.

    or_of_base : take that of the release it is based on where it has none of its own; `.release` says whose it is
    Raises ReleaseError where the file is damaged.
    """
    found = _read(_file(release, name))
    if found is not None and found.digest == release.digest:
        return found
    home = MODELS / release.base
    if or_of_base and release.base != release.name and (home / "manifest.json").is_file():
        return recorded(load_release(home), name)
    return None


def all_recorded(release: Release) -> list[RecordedEvaluation]:
    """Return every evaluation that a release carries, by name."""
    names = sorted(file.stem for file in evaluations_folder(release).glob("*.json") if NAME.fullmatch(file.stem))
    return [found for found in (recorded(release, name) for name in names) if found is not None]


def _file(release: Release, name: str) -> Path:
    if not NAME.fullmatch(name):
        raise UsageError(f"'{name}' is no name of an evaluation: use small letters, digits and hyphens.")
    return evaluations_folder(release) / f"{name}.json"


def _read(path: Path) -> RecordedEvaluation | None:
    try:
        content = json.loads(path.read_text("utf-8"))
        found = RecordedEvaluation(**content)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise ReleaseError(f"The evaluation {path.stem} cannot be read: delete {path} and measure again.") from error
    if found.name != path.stem or not isinstance(found.measured, dict):
        raise ReleaseError(f"The evaluation {path.stem} is not what its name says: delete {path} and measure again.")
    return found


def _keys(content: Any) -> set[str]:
    """Return every key of nested JSON."""
    if isinstance(content, Mapping):
        return {str(key) for key in content} | {key for value in content.values() for key in _keys(value)}
    return {key for value in content for key in _keys(value)} if isinstance(content, list | tuple) else set()
