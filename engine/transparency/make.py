"""A report made whole: gathered, checked against its schema, signed, and written as HTML, PDF and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.actor import Actor
from engine.errors import UsageError
from engine.files import Content, write_whole
from engine.model.release import Release
from engine.strings import speaking
from engine.transparency.content import report
from engine.transparency.sign import check_form, signed
from engine.transparency.sources import gather
from engine.transparency.write_html import to_html
from engine.transparency.write_pdf import to_pdf
from engine.workspace.workspace import Workspace


def made(
    release: Release, workspace: Workspace | None, key: Ed25519PrivateKey | None, *, actor: Actor
) -> dict[str, Any]:
    """Return the report as JSON data, of the form of its schema, signed where there is a key.

    It is in the record of the workspace whose collection it describes.
    """
    found = signed(report(gather(release, workspace, actor=actor)), key)
    check_form(found)
    if workspace is not None:
        about = {"format": "transparency report", "signed": key is not None}
        workspace.audit("export", actor=actor, release=release.name, about=about)
    return found


def _json(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _html(found: dict[str, Any]) -> str:
    with speaking("en"):
        return to_html(found)


FORMATS: dict[str, Callable[[dict[str, Any]], Content]] = {"html": _html, "pdf": to_pdf, "json": _json}


def as_file(found: dict[str, Any], form: str) -> bytes:
    """Return a report as a file of one of FORMATS."""
    content = FORMATS[form](found)
    if isinstance(content, str):
        return content.encode()
    assert isinstance(content, bytes)
    return content


def file_name(found: dict[str, Any], form: str) -> str:
    """Return the name of a report's file."""
    return f"transparency-{found['release']['name']}.{form}"


def write(found: dict[str, Any], out: Path) -> list[Path]:
    """Write a report into a folder in every format, or into one file in the format of its name; return what there is.

    Raises UsageError for a name of another format, OSError where nothing can be written.
    """
    suffix = out.suffix.lstrip(".")
    if suffix in FORMATS:
        files = {out: suffix}
    elif suffix and not out.is_dir():
        raise UsageError(f"A report is no {out.suffix} file: name a folder, or a file in {', '.join(FORMATS)}.")
    else:
        out.mkdir(parents=True, exist_ok=True)
        files = {out / file_name(found, form): form for form in FORMATS}
    for path, form in files.items():
        write_whole(path, as_file(found, form))
    return list(files)
