"""A checkpoint is stamped by an authority on loopback, as openssl makes one; a stamp of anything else is found."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from engine.actor import Actor
from engine.audit.checkpoint import checkpoint_files
from engine.audit.stamps import stamp_file
from engine.cli import run
from engine.store.acts import Act
from engine.store.audit_file import AuditFile

ANN = Actor("ann")
OPENSSL = shutil.which("openssl") or ""
pytestmark = pytest.mark.skipif(not OPENSSL, reason="openssl is not installed, which the authority is made of")
CONFIGURATION = """
[tsa]
default_tsa = own
[own]
serial = {home}/serial
signer_cert = {home}/tsa.pem
certs = {home}/tsa.pem
signer_key = {home}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_chain = no
"""
PURPOSE = (
    "basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n"
)


def openssl(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([OPENSSL, *words], capture_output=True, text=True, check=False, **options)


class Tsa:
    """A time stamping authority. roots: its root's certificate; answers: what it answers next, else a stamp"""

    def __init__(self, home: Path) -> None:
        self.home, self.roots, self.answers = home, home / "root.pem", list[bytes]()
        made = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        root = ("-keyout", str(home / "root.key"), "-out", str(self.roots), "-subj", f"/CN=Root of {home.name}")
        asked = ("-keyout", str(home / "tsa.key"), "-out", str(home / "tsa.csr"), "-subj", "/CN=Stamps")
        (home / "purpose").write_text(PURPOSE, "utf-8")
        (home / "serial").write_text("01\n", "utf-8")
        (home / "tsa.cnf").write_text(CONFIGURATION.format(home=home), "utf-8")
        signed = ("-CA", str(self.roots), "-CAkey", str(home / "root.key"), "-extfile", str(home / "purpose"))
        for words in (
            ("req", "-x509", *made, "-days", "30", *root),
            ("req", *made, *asked),
            ("x509", "-req", "-days", "20", "-in", str(home / "tsa.csr"), "-out", str(home / "tsa.pem"), *signed),
        ):
            done = openssl(*words)
            assert done.returncode == 0, done.stderr

    def answer(self, query: bytes) -> bytes:
        """Return the stamp that a query asks for, or what the test wants to be answered."""
        if self.answers:
            return self.answers.pop(0)
        asked, stamped = self.home / "query", self.home / "answer"
        asked.write_bytes(query)
        words = ("-config", str(self.home / "tsa.cnf"), "-queryfile", str(asked), "-out", str(stamped))
        done = openssl("ts", "-reply", *words)
        assert done.returncode == 0, done.stderr
        return stamped.read_bytes()


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Tsa:
    return Tsa(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def address(tsa: Tsa) -> Iterator[str]:
    """Where the authority answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            answer = tsa.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/tsr"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace's folder with a few acts."""
    with AuditFile(tmp_path) as audit:
        for n in range(3):
            audit.append(ANN, Act("search", returned=(f"s{n}",)))
    return tmp_path


def seal(folder: Path, address: str, roots: Path) -> int:
    return run([
        "audit", "seal", "--workspace", str(folder), "--key", str(folder / "key.pem"),
        "--stamp-by", address, "--roots", str(roots),
    ])  # fmt: skip


def verify(folder: Path, roots: Path, *more: str) -> int:
    return run(["audit", "verify", "--workspace", str(folder), "--roots", str(roots), *more])


def test_a_sealed_checkpoint_is_stamped_and_others_can_verify_that(folder, tsa, address, capsys, tmp_path):
    assert seal(folder, address, tsa.roots) == 0
    (path,) = checkpoint_files(folder)
    words = ("-data", str(path), "-in", str(stamp_file(path)), "-CAfile", str(tsa.roots))
    assert "Verification: OK" in openssl("ts", "-verify", *words).stdout
    capsys.readouterr()
    assert verify(folder, tsa.roots) == 0
    assert "stamped the checkpoint of 4 rows" in capsys.readouterr().out
    anchor = Path(shutil.copy(path, tmp_path / "anchor.json"))
    shutil.move(stamp_file(path), stamp_file(anchor))
    assert verify(folder, tsa.roots, "--against", str(anchor), "--json") == 0
    assert json.loads(capsys.readouterr().out)["stamped"]["size"] == 4
    assert run(["audit", "verify", "--workspace", str(folder)]) == 0
    assert "stamp" not in capsys.readouterr().out, "without roots nothing is said about it"


def test_a_record_that_was_sealed_anew_does_not_fit_its_stamp(folder, tsa, address, capsys, tmp_path_factory):
    assert seal(folder, address, tsa.roots) == 0
    (path,) = checkpoint_files(folder)
    earlier = stamp_file(path).read_bytes()
    for left in (*folder.glob("audit.db*"), path, stamp_file(path)):
        left.unlink()
    with AuditFile(folder) as audit:
        for n in range(3):
            audit.append(ANN, Act("search", returned=(f"other{n}",)))
    assert seal(folder, address, tsa.roots) == 0
    assert verify(folder, tsa.roots) == 0
    stamp_file(path).write_bytes(earlier)
    capsys.readouterr()
    assert verify(folder, tsa.roots) == 4
    assert stamp_file(path).name in capsys.readouterr().out
    assert seal(folder, address, tsa.roots) == 0
    strangers = Tsa(tmp_path_factory.mktemp("stranger"))
    assert verify(folder, strangers.roots) == 4, "an authority that is not trusted stamped it"


def test_an_authority_that_gives_no_stamp_leaves_the_checkpoint(folder, tsa, address, capsys, tmp_path_factory):
    assert seal(folder, address, tsa.roots) == 0
    (first,) = checkpoint_files(folder)
    strangers = Tsa(tmp_path_factory.mktemp("stranger"))
    for answer in (b"", b"<html>Sorry</html>", stamp_file(first).read_bytes(), bytes(range(256)) * 20):
        tsa.answers.append(answer)
        assert seal(folder, address, tsa.roots) == 2
    assert seal(folder, address, strangers.roots) == 2
    assert seal(folder, "http://127.0.0.1:9/tsr", tsa.roots) == 2, "nobody listens there"
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 6 and all("is sealed but not stamped" in line for line in said), said
    assert (
        len(checkpoint_files(folder)) == 7
        and [stamp_file(one).is_file() for one in checkpoint_files(folder)][1:] == [False] * 6
    )
    assert verify(folder, tsa.roots) == 0


def test_what_names_no_authority_is_one_sentence_and_seals_nothing(folder, tsa, address, capsys, tmp_path, monkeypatch):
    (tmp_path / "none.pem").write_text("no certificate", "utf-8")
    for where, roots in (
        ("ftp://a/b", tsa.roots),
        (address, tmp_path / "none.pem"),
        (address, tmp_path / "absent.pem"),
    ):
        assert seal(folder, where, roots) == 2
    monkeypatch.setenv("CASEBIND_TSA", address)
    assert run(["audit", "seal", "--workspace", str(folder), "--key", str(folder / "key.pem")]) == 2
    assert "CASEBIND_TSA_ROOTS" in capsys.readouterr().err
    assert checkpoint_files(folder) == []
    monkeypatch.setenv("CASEBIND_TSA_ROOTS", str(tsa.roots))
    assert run(["audit", "seal", "--workspace", str(folder), "--key", str(folder / "key.pem")]) == 0
    assert "stamped" in capsys.readouterr().out
