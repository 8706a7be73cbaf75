"""Time stamps of checkpoints (RFC 3161): an authority elsewhere signs that a checkpoint's file was there at a time.

Whoever owns the workspace and the key can write the record anew and seal it anew, but not have that stamped at a time
which is over. A stamp is the authority's whole answer, beside its checkpoint as <rows>.tsr, so that others can verify
it without Casebind: openssl ts -verify -data <rows>.json -in <rows>.tsr -CAfile ROOTS
"""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography import x509

from engine.audit.checkpoint import read_checkpoint
from engine.errors import UsageError, WorkspaceError, brief
from engine.files import write_whole

if TYPE_CHECKING:
    from rfc3161_client import VerifierBuilder

ADDRESS, ROOTS = "CASEBIND_TSA", "CASEBIND_TSA_ROOTS"
SUFFIX = ".tsr"
TIMEOUT_S = 20.0
LONGEST = 1 << 20  # bytes of an answer
QUERY = "application/timestamp-query"


class StampError(UsageError):
    """A stamp that is not of its checkpoint, or of no authority that is trusted."""


@dataclass(frozen=True)
class Stamps:
    """Stamps that were looked at. rows, at: of the last checkpoint that has one; does_not_fit: a file, "" for none"""

    rows: int = 0
    at: datetime | None = None
    does_not_fit: str = ""


@dataclass(frozen=True)
class Authority:
    """A time stamping authority. address: of its service; roots: the certificates that its own leads to"""

    address: str
    roots: tuple[x509.Certificate, ...]


def authority(address: str | None = None, roots: Path | None = None) -> Authority | None:
    """Return the authority as given, or of CASEBIND_TSA and CASEBIND_TSA_ROOTS; None where there is none.

    Raises UsageError where its address is none, or its roots are not given or cannot be read.
    """
    chosen = address or os.environ.get(ADDRESS)
    if not chosen:
        return None
    if urlsplit(chosen).scheme not in ("http", "https") or not urlsplit(chosen).hostname:
        raise UsageError(f"{brief(chosen)} is no address of a time stamping authority: write it as https://HOST/PATH.")
    found = trusted(roots)
    if not found:
        raise UsageError(f"A stamp needs the authority's root certificates to be checked: name their file by {ROOTS}.")
    return Authority(chosen, found)


def trusted(roots: Path | None = None) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a PEM file, or of CASEBIND_TSA_ROOTS; none where there is no such file."""
    named = os.environ.get(ROOTS)
    path = roots or (Path(named).expanduser() if named else None)
    if path is None:
        return ()
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except OSError as problem:
        raise UsageError(f"The certificates {path} cannot be read ({problem.strerror}): name another file.") from None
    except ValueError:
        raise UsageError(f"{path} holds no certificates: name a PEM file with the authority's roots.") from None


def stamp(checkpoint: Path, by: Authority) -> datetime:
    """Have an authority stamp the file of a checkpoint, check its answer and put it beside; return its time, UTC.

    Raises WorkspaceError where no stamp that fits was to be had; the checkpoint stands without one.
    """
    client = _client()
    content = checkpoint.read_bytes()
    request = client.TimestampRequestBuilder().data(content).hash_algorithm(client.HashAlgorithm.SHA256).build()
    post = urllib.request.Request(by.address, request.as_bytes(), {"Content-Type": QUERY})
    try:
        with urllib.request.urlopen(post, timeout=TIMEOUT_S) as answered:
            answer = answered.read(LONGEST)
    except (OSError, ValueError) as problem:
        raise _unstamped(checkpoint, f"{by.address} does not answer ({getattr(problem, 'reason', problem)})") from None
    at = _time(answer, content, client.VerifierBuilder.from_request(request), by.roots)
    if at is None:
        raise _unstamped(checkpoint, f"what {by.address} answered is no stamp of it by an authority that is trusted")
    write_whole(stamp_file(checkpoint), answer)
    return at


def stamped_at(checkpoint: Path, roots: Iterable[x509.Certificate]) -> datetime | None:
    """Return when a checkpoint's file was stamped, UTC; None where it has no stamp.

    Raises StampError where its stamp is not of this file, or of no authority that is trusted.
    """
    client = _client()
    try:
        answer = stamp_file(checkpoint).read_bytes()
    except FileNotFoundError:
        return None
    at = _time(answer, checkpoint.read_bytes(), client.VerifierBuilder(), roots)
    if at is None:
        raise StampError(f"The stamp {stamp_file(checkpoint).name} is not of its checkpoint, or not by that authority.")
    return at


def check_stamps(checkpoints: Iterable[Path], roots: Sequence[x509.Certificate]) -> Stamps:
    """Return which of these files of checkpoints is the last that was stamped, and the first whose stamp does not fit.

    Without roots nothing is looked at.
    """
    last, size, does_not_fit = None, -1, ""
    for path in checkpoints if roots else ():
        try:
            at, sealed = stamped_at(path, roots), read_checkpoint(path).size
        except StampError:
            does_not_fit = does_not_fit or stamp_file(path).name
            continue
        if at is not None and sealed > size:
            last, size = at, sealed
    return Stamps(max(size, 0), last, does_not_fit)


def stamp_file(checkpoint: Path) -> Path:
    """Return where the stamp of a checkpoint's file is."""
    return checkpoint.with_suffix(SUFFIX)


def _time(
    answer: bytes, content: bytes, verifier: VerifierBuilder, roots: Iterable[x509.Certificate]
) -> datetime | None:
    """Return the time that an answer gives to a content, None where it is no stamp of it."""
    client = _client()
    for root in roots:
        verifier = verifier.add_root_certificate(root)
    try:
        found = client.decode_timestamp_response(answer)
        verifier.build().verify_message(found, content)
        return found.tst_info.gen_time.astimezone(UTC)
    except (client.VerificationError, ValueError, TypeError):
        return None


def _client() -> ModuleType:
    """Return the library, which is an extra."""
    try:
        import rfc3161_client
    except ImportError:
        raise UsageError(
            "Stamps are made and checked by rfc3161-client, which is not installed: run `pip install "
            "'casebind[anchor]'`, or go on without the authority."
        ) from None
    return rfc3161_client


def _unstamped(checkpoint: Path, reason: str) -> WorkspaceError:
    return WorkspaceError(f"The checkpoint {checkpoint.name} is sealed but not stamped, {reason}: seal again later.")
