"""Files on disk → Study: finds the files that belong together and refuses large ones by their size, unread."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.errors import IntakeError, brief
from engine.intake.formats import sniff
from engine.intake.read import read
from engine.intake.upload import Answers, Upload, check_size
from engine.study import Study

_HEADER_LIMIT = 1_000_000  # bytes; a WFDB header has some hundred
_SIGNAL_SUFFIXES = {".dat", ".mat", ".xyz"}  # of signal files, whose bytes may look like text by chance


def read_paths(
    paths: Sequence[Path | str],
    answers: Answers = Answers(),  # noqa: B008 (frozen)
    key: bytes = b"",
    folder: Path | None = None,
) -> Study:
    """Return the study in `paths`, with the sibling files that a WFDB record needs; see `read` for key and errors.

    A path may also be a WFDB record's base name without suffix; the case of suffixes does not matter.

    folder : where every file has to lie, those that the named ones bring as well, through whatever links
    """
    named = [_existing(Path(path)) for path in paths]
    files = dict.fromkeys(named)
    headers = {path: parts for path in named if path.suffix.lower() == ".hea" and (parts := _siblings(path))}
    claimed = set(headers).union(*headers.values())  # what a named header names needs no search for its header
    for path in named:
        files |= dict.fromkeys(headers.get(path, ()) if path in claimed else _siblings(path))
    if folder is not None:
        files = dict.fromkeys(inside(folder, path, path.name) for path in files)
    return read([Upload(path.name, _bytes(path)) for path in files], answers, key)


def inside(folder: Path, path: Path, name: str) -> Path:
    """Return a path below a resolved folder; IntakeError, with the file's name, where it or a link leads out of it."""
    plain = Path(os.path.normpath(path))
    try:
        below = plain.is_relative_to(folder) and plain.resolve().is_relative_to(folder)
    except (OSError, RuntimeError, ValueError) as error:  # a name that is too long, or a link that leads to itself
        raise IntakeError(f"the file {brief(name)} has a name or a link that leads nowhere: name it anew") from error
    if not below:
        raise IntakeError(
            f"the file {brief(name)} lies outside the manifest's folder: put it below, and name it relatively"
        )
    return plain


def _existing(path: Path) -> Path:
    """Return the file that a path means; IntakeError where there is none."""
    if path.is_file():
        return path
    if path.is_dir():
        raise IntakeError(
            "The path is a folder and one study is searched at a time: name its file, or use `casebind ingest`."
        )
    header = _in_folder(path.parent, f"{path.name}.hea")
    if header is None:
        raise IntakeError("There is no file at this path: check the spelling, or drop the suffix of a WFDB record.")
    return header


def _siblings(path: Path) -> list[Path]:
    """Return the files that complete a WFDB header or a signal file; none for other formats."""
    data = _head(path)
    kind = sniff(data)
    if kind == "wfdb":
        return _record(path, data)
    by_chance = kind in ("text", "table") and path.suffix.lower() in _SIGNAL_SUFFIXES
    return _record_of_part(path) if kind in ("binary", "signal", "matlab") or by_chance else []


def _record(header: Path, data: bytes) -> list[Path]:
    """Return the signal files of a header, and for a multi-segment record its segments' headers and files."""
    from engine.intake.wfdb_header import parse_header

    parsed = parse_header(data)
    found = [part for name in sorted(parsed.named) if (part := _in_folder(header.parent, name))]
    if parsed.files and not found:  # both files were renamed together
        suffixes = {Path(name).suffix.lower() for name in parsed.files}
        found = [part for suffix in sorted(suffixes) if (part := _in_folder(header.parent, header.stem + suffix))]
    for part in [part for part in found if parsed.segments and part != header]:
        head = _head(part)
        if sniff(head) == "wfdb":
            found += [file for name in sorted(parse_header(head).named) if (file := _in_folder(header.parent, name))]
    return found


def _record_of_part(part: Path) -> list[Path]:
    """Return the header that names a signal file, with everything else that it names."""
    header = _in_folder(part.parent, part.stem + ".hea")
    for candidate in [header] if header else _headers(part.parent):
        data = _head(candidate)
        if sniff(data) != "wfdb":
            continue
        if candidate == header or part.name.lower() in _named_by(data):
            return [candidate, *_record(candidate, data)]
    return []


def _named_by(header: bytes) -> set[str]:
    """Return the files that a header refers to; none for a damaged one, which is no header of what was named."""
    from engine.intake.wfdb_header import parse_header

    try:
        return parse_header(header).named
    except IntakeError:
        return set()


def _headers(folder: Path) -> Iterable[Path]:
    names = sorted(name for name in os.listdir(folder) if name.lower().endswith(".hea"))
    return [folder / name for name in names if (folder / name).is_file()]


def _in_folder(folder: Path, name: str) -> Path | None:
    """Return the file of that name in the folder, ignoring case; names with separators never leave it."""
    wanted = name.lower()
    if not folder.is_dir() or "/" in wanted or "\\" in wanted:
        return None
    if (folder / name).is_file():  # listing a folder of thousands of records for each of them would be quadratic
        return folder / name
    names = sorted(name for name in os.listdir(folder) if name.lower() == wanted)
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEADER_LIMIT)


def _bytes(path: Path) -> bytes:
    try:
        check_size(path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise IntakeError("The file cannot be opened: check that it is readable.") from error
