"""How often `test` was read: a line for every measurement on it, kept beside the encodings.

Every look at `test` that a choice follows wears it out: what was chosen fits its patients, and no longer says what
others will meet. A measurement says how many looks there were, and the manifest of a release keeps the number.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.files import sha256_of, utc_now
from engine.model.release import Release

FILE = "test-reads.jsonl"
TABLES = ("cxr", "ecg", "ppg")


@dataclass(frozen=True)
class Look:
    """One look at `test`: when (UTC), by which measurement, of which release, of which recordings (a digest)."""

    at: str
    measure: str
    release: str
    digest: str
    recordings: str


@dataclass(frozen=True)
class LooksAtTest:
    """Looks at `test` of the same recordings, the present one among them: of this release, and of all."""

    at: str
    times: int
    of_release: int
    releases: int

    def sentence(self) -> str:
        """Say it in one line."""
        return (
            f"test of these recordings was read {self.times} times here, {self.of_release} of them with this release "
            f"({self.releases} releases in all): choose on valid, and report test once a release."
        )


def record(cache: Path, measure: str, release: Release, recordings: Path) -> LooksAtTest:
    """Write that `test` was read, and return how often that has happened. OSError where `cache` takes no file."""
    look = Look(
        utc_now().isoformat(timespec="seconds"), measure, release.name, release.digest, _recordings_digest(recordings)
    )
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / FILE).open("a", encoding="utf-8") as out:
        out.write(json.dumps(asdict(look)) + "\n")
    alike = [one for one in _read(cache / FILE) if one.recordings == look.recordings]
    mine = [one for one in alike if one.digest == look.digest]
    return LooksAtTest(look.at, len(alike), len(mine), len({one.digest for one in alike}))


def _recordings_digest(recordings: Path) -> str:
    """Return what tells recordings apart: a digest of the tables that list them, whatever the folder is called."""
    tables = (recordings / name / f"{name}.csv" for name in TABLES)
    return "-".join(sha256_of(table)[:12] for table in tables if table.is_file())


def _read(file: Path) -> list[Look]:
    """Return every line that was written whole; a line cut short by a stop is left out."""
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            found.append(Look(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return found
