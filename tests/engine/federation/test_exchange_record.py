"""What a consortium agrees on before anything is sent: keys, plans that exclude themselves, and a site that leaves."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from pathlib import Path

import numpy as np
import pytest

from engine.cli import run
from engine.errors import UsageError
from engine.federation import keys
from engine.federation.exchange_record import ExchangeRecord
from engine.federation.flower import Flower
from engine.federation.plan import FederationPlan
from engine.federation.site import Ask, SiteSetting, attend
from engine.federation.state import Ground, SharedState

GROUND = Ground("base", ("cxr",), "encoders", "findings")
START = SharedState(GROUND, {"cxr": np.eye(2, dtype=np.float32)}, np.eye(2, dtype=np.float32), np.zeros((1, 2), "f4"))


def consortium(folder: Path, *names: str) -> Path:
    keys.make_coordinator_keys(folder, ["127.0.0.1", "learn.example"])
    for name in names:
        shutil.copy(keys.make_site_key(folder / f"at-{name}", name), folder / keys.SITES)
    return folder


def test_the_certificate_is_for_its_names_and_secrets_are_their_owners(tmp_path: Path) -> None:
    folder = consortium(tmp_path / "c", "graz")
    for name in ("127.0.0.1", "learn.example"):
        kind = "-verify_ip" if name[0].isdigit() else "-verify_hostname"
        words = ["openssl", "verify", "-CAfile", folder / keys.AUTHORITY, kind, name, folder / keys.CERTIFICATE]
        assert subprocess.run(words, capture_output=True, check=False).returncode == 0
    for secret in (folder / keys.SERVER_KEY, folder / "at-graz" / "graz.key"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert list(keys.site_keys(folder)) == ["graz"]
    shutil.copy(folder / keys.SITES / "graz.pub", folder / keys.SITES / "linz.pub")
    with pytest.raises(UsageError, match="have one key"):
        keys.site_keys(folder)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--secure", "--rule", "krum"), "exclude each other"),
        (("--secure",), "2 sites have sent a key and 3 are needed"),
        (("--noise", "1", "--clip", "2", "--rule", "trimmed"), "takes the place of a rule"),
        (("--noise", "1"), "say by --clip"),
    ],
)
def test_a_plan_that_excludes_itself_is_refused_in_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    folder = consortium(tmp_path / "c", "graz", "linz")
    (tmp_path / "flower" / "bin").mkdir(parents=True)
    (tmp_path / "flower" / "bin" / "flower-superlink").touch()
    monkeypatch.setenv("CASEBIND_FLOWER", str(tmp_path / "flower"))
    assert run(["federate", "coordinator", str(folder), *words]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert ExchangeRecord(folder).agreement() is None


def test_a_federation_is_on_disk_as_it_was_agreed_and_exchanges_count_by_their_rows(tmp_path: Path) -> None:
    record, plan = ExchangeRecord(tmp_path), FederationPlan(rounds=3, rule="krum")
    made = record.begin(START, ["a", "b", "c", "d"], plan, secure=False)
    assert ExchangeRecord(tmp_path).agreement() == made and made.plan == plan
    moved = START.with_vector(START.vector() + 1)
    record.add(1, moved, {"exchange": 1})
    record._write_state(2, moved)  # killed before its row
    assert ExchangeRecord(tmp_path).rows() == [{"exchange": 1}]
    assert np.array_equal(ExchangeRecord(tmp_path).state(1, GROUND).vector(), moved.vector())


def test_a_site_that_leaves_takes_its_key_along_and_what_it_taught_is_set_aside(tmp_path: Path) -> None:
    folder = consortium(tmp_path / "c", "graz", "linz", "wels")
    record = ExchangeRecord(folder)
    made = record.begin(START, list(keys.site_keys(folder)), FederationPlan(), secure=False)
    record.add(1, START, {"exchange": 1})
    assert run(["federate", "leave", str(folder), "wels"]) in (0, None)
    assert list(keys.site_keys(folder)) == ["graz", "linz"]
    assert record.agreement() is None and record.rows() == []
    aside = json.loads((folder / "former" / made.id / "federation.json").read_text())
    assert (
        aside["sites"] == ["graz", "linz", "wels"] and (folder / "former" / made.id / "exchanges" / "1.json").exists()
    )
    with pytest.raises(UsageError, match="no key of a site wels"):
        record.leave("wels")


@pytest.mark.parametrize("address", ["nowhere", "host:port", "https://host:9443", ":9443", ""])
def test_a_site_is_told_that_an_address_is_none_and_does_not_wait(tmp_path: Path, address: str) -> None:
    keys.make_site_key(tmp_path, "graz")
    shutil.copy(keys.make_coordinator_keys(tmp_path / "at", ["127.0.0.1"]), tmp_path / keys.AUTHORITY)
    setting = SiteSetting(tmp_path, "graz", address)
    with pytest.raises(UsageError, match="is no address: give the coordinator's as HOST:PORT"):
        attend(setting, Flower(tmp_path), _Nobody(), say=print)


class _Nobody:
    """A hospital that is not asked."""

    def learn(self, asked: Ask) -> tuple[SharedState, int]:
        raise AssertionError("asked to learn")

    def receive(self, asked: Ask) -> str:
        raise AssertionError("asked to receive")
