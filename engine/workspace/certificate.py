"""The certificate of an erasure: what, when, how much, and that nothing was found afterwards; JSON and a page of text.

    <workspace>/certificates/<number>.json, .txt

Whom it is about stands in it as a keyed hash: the pseudonym is in the record of acts alone.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.errors import UsageError
from engine.files import write_whole
from engine.strings import text
from engine.workspace.erased import reference

FOLDER = "certificates"


@dataclass(frozen=True)
class Certificate:
    """What one erasure did.

    references      : keyed hashes of the patients, or of the queries where no patient was erased
    began, ended    : UTC, ISO
    rows            : table → rows deleted
    files, keys     : files deleted; keys of what was encrypted destroyed
    file_before, file_after : SHA-256 and bytes of the database
    searched_files, searched_bytes : read afterwards for `sequences` ids, keyed hashes and words of codes
    found           : file or column → occurrences; empty where nothing was found
    indistinct      : ids that are part of others' ids or too short, searched in columns and not in bytes
    not_searched    : what keeps pseudonyms as a record of acts
    releases        : releases of this workspace that learnt before; they may have seen the patient
    """

    number: str
    references: tuple[str, ...]
    kind: str
    who: str
    reason: str
    began: str
    ended: str
    rows: dict[str, int]
    files: int
    file_before: tuple[str, int]
    file_after: tuple[str, int]
    searched_files: int
    searched_bytes: int
    sequences: int
    found: dict[str, int]
    indistinct: int
    not_searched: tuple[str, ...]
    releases: tuple[str, ...]
    keys: int = 0

    @property
    def whole(self) -> bool:
        """Whether nothing was found afterwards."""
        return not self.found

    @property
    def page(self) -> str:
        """The certificate as a page of text, in the reader's language."""
        rows = "\n".join(f"  {table:<20} {n:>9,}" for table, n in self.rows.items()) or f"  {text('certificate.none')}"
        places = ", ".join(f"{place} ({n})" for place, n in self.found.items())
        lines = [
            text("certificate.title", number=self.number),
            "",
            text(f"certificate.of_{self.kind}", references=", ".join(self.references)),
            text("certificate.when", began=self.began, ended=self.ended, who=self.who),
            text("certificate.reason", reason=self.reason or "–"),
            "",
            text("certificate.rows"),
            rows,
            text("certificate.files", n=self.files),
            *([text("certificate.keys", n=self.keys)] if self.keys else []),
            text("certificate.before", digest=self.file_before[0], size=self.file_before[1]),
            text("certificate.after", digest=self.file_after[0], size=self.file_after[1]),
            "",
            text("certificate.searched", files=self.searched_files, bytes=self.searched_bytes, n=self.sequences),
            text("certificate.found_some", places=places) if self.found else text("certificate.found_none"),
            *([text("certificate.indistinct", n=self.indistinct)] if self.indistinct else []),
            text("certificate.kept", names=", ".join(self.not_searched)),
            *([text("certificate.releases", names=", ".join(self.releases))] if self.releases else []),
            text("certificate.disk"),
        ]
        return "\n".join(lines) + "\n"


def write_certificate(folder: Path, certificate: Certificate) -> None:
    """Write both forms, on disk when this returns."""
    home = folder / FOLDER
    home.mkdir(exist_ok=True)
    write_whole(home / f"{certificate.number}.txt", certificate.page)
    write_whole(home / f"{certificate.number}.json", json.dumps(asdict(certificate), indent=1))


def certificates(folder: Path) -> list[Certificate]:
    """Return all certificates, the newest first."""
    found = [_read(file) for file in (folder / FOLDER).glob("*.json")]
    return sorted(found, key=lambda one: (one.ended, one.number), reverse=True)


def certificate_of(folder: Path, key: bytes, one: str) -> Certificate:
    """Return the newest certificate about a patient or a query; UsageError where there is none."""
    wanted = reference(key, one)
    for found in certificates(folder):
        if wanted in found.references:
            return found
    raise UsageError("There is no certificate about this patient or query: check how the id is written.")


def _read(file: Path) -> Certificate:
    content: dict[str, Any] = json.loads(file.read_text("utf-8"))
    listed = ("references", "file_before", "file_after", "not_searched", "releases")
    return Certificate(**{**content, **{name: tuple(content[name]) for name in listed}})
