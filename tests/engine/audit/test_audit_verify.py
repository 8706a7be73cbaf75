"""Every changed bit, exchanged row, cut tail and history that was written anew is found."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.actor import Actor
from engine.audit.checkpoint import is_due, last_checkpoint, read_checkpoint
from engine.audit.key import signing_key
from engine.audit.seal import seal
from engine.audit.verify import Verification, verify
from engine.cli import run
from engine.errors import UsageError, WorkspaceError
from engine.store.acts import Act
from engine.store.audit_chain import canonical, first_hash, row_hash
from engine.store.audit_file import COPIED, FILE, TABLES, AuditFile

ANN = Actor("ann", session="s-1", roles=("clinician",))
ROWS = 12
COLUMNS = ("n", "body", "hash", *COPIED)
EXAMPLES = int(os.environ.get("CASEBIND_AUDIT_EXAMPLES", "60"))
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder with an audit of ROWS rows, sealed at six and at the end, and the anchor that is kept elsewhere."""
    folder = tmp_path_factory.mktemp("sealed")
    key = signing_key(folder / "own.pem")
    with AuditFile(folder) as audit:
        for n in range(ROWS - 2):
            if n == 5:
                seal(audit, folder, key, ANN)
            audit.append(ANN, Act("search", returned=(f"s{n}", "s-é"), patients=(f"p{n}",)))
        _, path = seal(audit, folder, key, ANN)
    return folder, Path(shutil.copy(path, folder / "anchor.json"))


def copy_of(sealed: tuple[Path, Path], to: Path) -> tuple[Path, Path]:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(sealed[0], to)
    return to, to / "anchor.json"


def tamper(folder: Path, *statements: tuple[str, tuple[object, ...]]) -> None:
    """Change rows as whoever owns the file can, and leave its tables as they were."""
    with sqlite3.connect(folder / FILE) as file:
        triggers = [sql for sql in TABLES if sql.startswith("CREATE TRIGGER")]
        for name in ("no_update", "no_delete"):
            file.execute(f"DROP TRIGGER {name}")
        for sql, values in statements:
            file.execute(sql, values)
        for sql in triggers:
            file.execute(sql)
    file.close()


def found_in(folder: Path, anchor: Path | None = None) -> Verification:
    with AuditFile(folder, read_only=True) as audit:
        return verify(audit, folder, read_checkpoint(anchor) if anchor else None)


def rewrite(folder: Path, rows: int, *, checkpoints: bool = True) -> None:
    """Write the history anew: other bodies, whole hashes, as many rows; and new checkpoints by another key."""
    with sqlite3.connect(folder / FILE) as file:
        ((workspace,),) = file.execute("SELECT workspace FROM record").fetchall()
        bodies = [json.loads(body) for (body,) in file.execute("SELECT body FROM rows ORDER BY n")][:rows]
    file.close()
    before, statements = first_hash(workspace), [("DELETE FROM rows", ())]
    for body in bodies:
        raw = canonical({**body, "who": "bob"})
        before = row_hash(before, raw)
        values = (body["n"], raw, before, body["entry"], "bob", body["kind"], body["recorded"])
        statements.append(("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)", values))
    tamper(folder, *statements)
    if checkpoints:
        shutil.rmtree(folder / "checkpoints")
        with AuditFile(folder) as audit:
            seal(audit, folder, signing_key(folder / "other.pem"), ANN)


def test_an_audit_as_it_was_written_is_whole(sealed: tuple[Path, Path]) -> None:
    folder, anchor = sealed
    for against in (None, anchor):
        found = found_in(folder, against)
        assert found.is_whole and (found.rows, found.first_bad) == (ROWS, None)
        assert found.last is not None and found.last.size == ROWS


@many
@given(n=st.integers(1, ROWS), column=st.sampled_from(COLUMNS), bit=st.integers(0, 10_000))
def test_any_bit_of_any_column_is_found(
    sealed: tuple[Path, Path], tmp_path: Path, n: int, column: str, bit: int
) -> None:
    folder, _ = copy_of(sealed, tmp_path / "ws")
    with sqlite3.connect(folder / FILE) as file:
        ((value,),) = file.execute(f"SELECT {column} FROM rows WHERE n = ?", (n,)).fetchall()
    file.close()
    if column == "n":
        tamper(
            folder,
            ("UPDATE rows SET n = -n WHERE n = ?", (n ^ 1 << bit % 30,)),
            ("UPDATE rows SET n = ? WHERE n = ?", (n ^ 1 << bit % 30, n)),
        )
    else:
        raw = bytearray(value if isinstance(value, bytes) else value.encode())
        raw[bit // 8 % len(raw)] ^= 1 << bit % 8
        kept = "?" if column in ("body", "hash") else "CAST(? AS TEXT)"
        tamper(folder, (f"UPDATE rows SET {column} = {kept} WHERE n = ?", (bytes(raw), n)))
    found = found_in(folder)
    assert not found.is_whole and found.first_bad is not None and 1 <= found.first_bad <= n
    assert found.sentence.endswith(".")


@many
@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_bit_of_the_file_is_found_or_changes_no_row(
    sealed: tuple[Path, Path], tmp_path: Path, at: float, bit: int
) -> None:
    folder, anchor = copy_of(sealed, tmp_path / "ws")
    with AuditFile(folder) as audit:
        audit.sync()
        before = list(audit.stored())
    raw = bytearray((folder / FILE).read_bytes())
    raw[int(len(raw) * at)] ^= 1 << bit
    (folder / FILE).write_bytes(raw)
    try:
        found = found_in(folder, anchor)
    except WorkspaceError:
        return  # SQLite refuses the file, which is one sentence
    if found.is_whole:
        with AuditFile(folder, read_only=True) as audit:
            assert list(audit.stored()) == before


@many
@given(pair=st.tuples(st.integers(1, ROWS), st.integers(1, ROWS)).filter(lambda pair: pair[0] != pair[1]))
def test_exchanged_rows_are_found(sealed: tuple[Path, Path], tmp_path: Path, pair: tuple[int, int]) -> None:
    folder, _ = copy_of(sealed, tmp_path / "ws")
    swap = "UPDATE rows SET n = ? WHERE n = ?"
    tamper(folder, (swap, (-1, pair[0])), (swap, pair), (swap, (pair[1], -1)))
    assert found_in(folder).first_bad == min(pair)


@pytest.mark.parametrize("left", [0, 1, 5, 6, ROWS - 1])
def test_a_cut_tail_is_found_against_an_anchor(sealed: tuple[Path, Path], tmp_path: Path, left: int) -> None:
    folder, anchor = copy_of(sealed, tmp_path / "ws")
    tamper(folder, ("DELETE FROM rows WHERE n > ?", (left,)))
    found = found_in(folder)  # the checkpoints in the folder are enough, while they are there
    assert (found.found, found.first_bad) == ("cut", left + 1)
    shutil.rmtree(folder / "checkpoints")
    assert found_in(folder).is_whole, "what lies in one folder cannot show that its end is gone"
    found = found_in(folder, anchor)
    assert (found.found, found.first_bad) == ("cut", left + 1)


def test_a_row_in_the_middle_that_is_gone_is_found(sealed: tuple[Path, Path], tmp_path: Path) -> None:
    folder, _ = copy_of(sealed, tmp_path / "ws")
    tamper(folder, ("DELETE FROM rows WHERE n = 4", ()))
    found = found_in(folder)
    assert (found.found, found.first_bad) == ("missing", 4)


def test_a_history_that_was_written_anew_is_found_against_an_anchor(sealed: tuple[Path, Path], tmp_path: Path) -> None:
    folder, anchor = copy_of(sealed, tmp_path / "ws")
    rewrite(folder, ROWS, checkpoints=False)
    found = found_in(folder)
    assert (found.found, found.first_bad) == ("rewritten", 1)
    rewrite(folder, ROWS)
    assert found_in(folder).is_whole, "inside the folder it looks as it should"
    found = found_in(folder, anchor)
    assert (found.found, found.first_bad) == ("rewritten", 1)


def test_another_workspace_is_not_taken_for_this_one(sealed: tuple[Path, Path], tmp_path: Path) -> None:
    with AuditFile(tmp_path) as audit:
        for _ in range(ROWS):
            audit.append(ANN, Act("search"))
    assert found_in(tmp_path, sealed[1]).found == "foreign"


@pytest.mark.parametrize("change", ["DROP TRIGGER no_update", "DROP INDEX rows_kind", "CREATE TABLE more (n)"])
def test_other_tables_are_found(sealed: tuple[Path, Path], tmp_path: Path, change: str) -> None:
    folder, _ = copy_of(sealed, tmp_path / "ws")
    with sqlite3.connect(folder / FILE) as file:
        file.execute(change)
    file.close()
    assert found_in(folder).found == "structure"


@many
@given(at=st.integers(0, 100_000), bit=st.integers(0, 7))
def test_a_changed_checkpoint_is_not_believed(sealed: tuple[Path, Path], tmp_path: Path, at: int, bit: int) -> None:
    folder, _ = copy_of(sealed, tmp_path / "ws")
    path = sorted((folder / "checkpoints").iterdir())[0]
    before, raw = read_checkpoint(path), bytearray(path.read_bytes())
    raw[at % len(raw)] ^= 1 << bit
    path.write_bytes(raw)
    try:
        assert read_checkpoint(path) == before
    except UsageError:
        assert not found_in(folder).is_whole


def test_what_is_not_whole_is_not_sealed(sealed: tuple[Path, Path], tmp_path: Path) -> None:
    folder, _ = copy_of(sealed, tmp_path / "ws")
    tamper(folder, ("UPDATE rows SET who = 'eve' WHERE n = 3", ()))
    with AuditFile(folder) as audit, pytest.raises(UsageError, match=r"Row 3 .* Nothing was sealed"):
        seal(audit, folder, signing_key(folder / "own.pem"), ANN)


def test_the_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "own.pem"
    signing_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    path.chmod(0o440)
    with pytest.raises(UsageError, match="chmod 400"):
        signing_key(path)
    (tmp_path / "none.pem").touch(mode=0o400)
    with pytest.raises(UsageError, match="no key"):
        signing_key(tmp_path / "none.pem")


def test_a_checkpoint_is_due_after_a_thousand_rows_or_an_hour_with_one(tmp_path: Path) -> None:
    with AuditFile(tmp_path) as audit:
        assert not is_due(audit, tmp_path)
        audit.append(ANN, Act("search"))
        assert is_due(audit, tmp_path)
        made, _ = seal(audit, tmp_path, signing_key(tmp_path / "own.pem"), ANN)
        later = made.time.replace("+00:00", "")
        from datetime import UTC, datetime, timedelta

        hour = datetime.fromisoformat(later).replace(tzinfo=UTC) + timedelta(hours=1)
        assert not is_due(audit, tmp_path) and not is_due(audit, tmp_path, hour)
        audit.append(ANN, Act("search"))
        assert not is_due(audit, tmp_path) and is_due(audit, tmp_path, hour)
        audit.deliver([(str(n), f'{{"entry":"{n}","who":"a","kind":"search"}}') for n in range(999)])
        assert is_due(audit, tmp_path)


def test_the_command_seals_verifies_and_says_by_its_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASEBIND_AUDIT_KEY", str(tmp_path / "keys" / "own.pem"))
    folder = tmp_path / "ws"
    folder.mkdir()
    place = ["--workspace", str(folder)]
    assert run(["audit", "verify", *place]) == 2
    with AuditFile(folder) as audit:
        audit.append(ANN, Act("search"))
    assert run(["audit", "seal", *place]) == 0
    anchor = shutil.copy(sorted((folder / "checkpoints").iterdir())[0], tmp_path / "anchor.json")
    capsys.readouterr()
    assert run(["audit", "verify", "--against", anchor, "--json", *place]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["whole"], said["rows"], said["first_bad"]) == (True, 2, None)
    last = last_checkpoint(folder)
    assert last is not None and said["checkpoint"]["size"] == last.size == 2
    tamper(folder, ("DELETE FROM rows WHERE n > 1", ()))
    assert run(["audit", "verify", "--against", anchor, "--json", *place]) == 4
    said = json.loads(capsys.readouterr().out)
    assert (said["whole"], said["rows"], said["first_bad"]) == (False, 1, 2)
    assert run(["audit", "verify", "--against", anchor, *place]) == 4
    assert (
        capsys.readouterr().out == "The end of the record was cut: row 2 is missing, and the checkpoint has 2 rows.\n"
    )
    assert run(["audit", "seal", *place]) == 2
