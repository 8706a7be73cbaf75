"""The dispatcher: dropped files, a typed finding, or paths → one Study."""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

from engine.errors import CasebindError, IntakeError
from engine.intake.archive import unpack
from engine.intake.formats import READABLE, is_companion, offered, parts_of, read_study, refusal, sniff
from engine.intake.pseudonyms import process_key
from engine.intake.settle import settled
from engine.intake.upload import Answers, ReaderInput, Upload, check_sizes
from engine.study import IdentityRow, Note, Study, fingerprint

TEXT_LIMIT = 20_000  # characters of a typed finding or pasted report
_Files = list[tuple[Upload, str]]  # files with their formats
_NO_MEMORY = re.compile("out of memory|(?:unable to|cannot) allocate", re.IGNORECASE)  # as libraries say it
_log = logging.getLogger(__name__)
# One file at a time: it bounds memory, and libraries' warnings can only be silenced for the whole process.
_ONE_AT_A_TIME = threading.RLock()


def read(uploads: Sequence[Upload], answers: Answers = Answers(), key: bytes = b"") -> Study:  # noqa: B008 (frozen)
    """Return the de-identified study that one upload (a file, several files of one study, or a zip) holds.

    key : the workspace's secret; it keeps pseudonyms stable within one workspace and unlinkable outside it.
          Without one, a key of this process is used.

    Raises QuestionError where the file leaves a fact open, IntakeError (one sentence) for everything that is not read.
    """
    with _ONE_AT_A_TIME:
        study = parse(uploads, answers, key or process_key())
    return settled(study)


def parse(uploads: Sequence[Upload], answers: Answers, key: bytes) -> Study:
    """Return what `read` does, before two readings of one film are settled; one at a time in a process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _guarded("upload", lambda: _read(list(uploads), answers, key))


def read_text(text: str) -> Study:
    """Return the study of a typed finding or a pasted report."""
    clean = "".join(char for char in text if char.isprintable() or char in "\n\t").strip()
    if not clean:
        raise IntakeError("The text is empty: type a finding, for example “right-sided pleural effusion”.")
    if len(clean) > TEXT_LIMIT:
        raise IntakeError(
            f"The text has {len(clean):,} characters and the limit is {TEXT_LIMIT:,}: paste the impression only."
        )
    note = Note(clean)
    open_point = "Names in a text are looked for and one may be missed, so none can be ruled out: leave them out."
    return Study("text", note, f"text, {len(clean.split())} words", (), open_point, fingerprint=fingerprint(note))


def _guarded(kind: str, parse: Callable[[], Study]) -> Study:
    """Run a parser; whatever a library raises on damaged input becomes one sentence."""
    try:
        return parse()
    except CasebindError:
        raise
    except Exception as error:
        if isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)):
            raise IntakeError(
                f"The {kind} needs more memory than one may take: export a shorter stretch or a smaller image."
            ) from error
        _log.debug("reading %s failed", kind, exc_info=True)
        raise IntakeError(
            f"The {kind} cannot be read because it is damaged or incomplete: export it again and drop the new file."
        ) from error


def _read(uploads: list[Upload], answers: Answers, key: bytes) -> Study:
    check_sizes(uploads)
    opened, packed = _opened(uploads)
    kinds = [sniff(upload.data) for upload in opened]
    masters, left = _group(opened, kinds)
    if len(masters) > 1:
        masters, left = _without_companions(masters, left)
    if not masters:
        raise _nothing_readable(left, packed)
    if len(masters) > 1:
        names = " and ".join(sorted({READABLE[kind].name for _, kind in masters}))
        raise IntakeError(
            f"The upload holds {len(masters)} recordings or films ({names}) and one is searched at a time: "
            "drop the files of one, or use `casebind ingest` for many."
        )
    ((master, kind),) = masters
    study = _guarded(f"{READABLE[kind].name} file", lambda: read_study(ReaderInput(master, kind, opened, answers, key)))
    rows = [IdentityRow("file name" if len(opened) == 1 else "file names", "removed", "names may identify a person")]
    if left:
        rows.append(IdentityRow(f"{len(left)} further file{'s' * (len(left) > 1)}", "removed", "not part of the study"))
    return replace(study, identity=tuple(rows) + study.identity, fingerprint=fingerprint(study.content))


def _opened(uploads: Sequence[Upload]) -> tuple[list[Upload], bool]:
    """Replace each zip by its members; the flag says whether there was one."""
    opened: list[Upload] = []
    packed = False
    for upload in uploads:
        if sniff(upload.data) == "zip":
            opened += unpack(upload)
            packed = True
        else:
            opened.append(upload)
    return opened, packed


def _group(uploads: list[Upload], kinds: list[str]) -> tuple[_Files, _Files]:
    """Split uploads into the ones that are a study of their own and the ones that nobody claims."""
    parts: set[int] = set()
    for upload, kind in zip(uploads, kinds, strict=True):
        parts |= {id(part) for part in parts_of(kind, upload, uploads)}
    free = [(upload, kind) for upload, kind in zip(uploads, kinds, strict=True) if id(upload) not in parts]
    masters = [(upload, kind) for upload, kind in free if kind in READABLE]
    return masters, [(upload, kind) for upload, kind in free if kind not in READABLE]


def _without_companions(masters: _Files, left: _Files) -> tuple[_Files, _Files]:
    """Set aside files that accompany a study, such as a DICOMDIR or the lateral film, if something is left."""
    aside = [is_companion(kind, upload) for upload, kind in masters]
    kept = [pair for pair, companion in zip(masters, aside, strict=True) if not companion]
    return (
        (kept, left + [pair for pair, companion in zip(masters, aside, strict=True) if companion])
        if kept
        else (masters, left)
    )


def _nothing_readable(left: Sequence[tuple[Upload, str]], packed: bool) -> IntakeError:
    if len(left) == 1:
        return refusal(*left[0])
    where = "The zip archive" if packed else "The upload"
    return IntakeError(
        f"{where} holds {len(left)} files and none of them is a recording or film that is read: drop {offered('or')}."
    )
