"""sign_in.toml says what a provider's groups are worth; what it does not name gives nothing, and a slip is said."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.provider import SECRET, write_settings

from engine.access.accounts import ROLES
from engine.access.oidc import claims, settings_file
from engine.access.oidc.sealed import Seal
from engine.cli import casebind
from engine.errors import UsageError
from engine.settings import ROOT

ISSUER = "https://login.hospital.example/realms/main"


def written(folder: Path, old: str = "", new: str = "", more: str = "") -> Path:
    write_settings(folder, ISSUER, more)
    file = folder / settings_file.FILE
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1) if old else text)
    return folder


def test_the_file_is_read_whole(tmp_path):
    found = settings_file.read(written(tmp_path))
    assert (found.name, found.issuer, found.client_id, found.client_secret) == ("Hospital", ISSUER, "casebind", SECRET)
    assert (found.scopes, found.ask_again_s, found.sign_out, found.prompt) == ("openid profile", 3600, "provider", "")
    assert found.roles == {
        "rad-doctors": ("clinician", "rater"),
        "rad-readers": ("clinician",),
        "it": ("administrator",),
    }


def test_the_example_of_the_documents_is_a_file_that_is_read(tmp_path):
    example = re.findall(r"^```toml\n(.*?)^```", (ROOT / "docs" / "access.md").read_text("utf-8"), re.M | re.S)[0]
    written(tmp_path)
    secret = re.search(r'client_secret_file = "([^"]*)"', example)[1]
    (tmp_path / settings_file.FILE).write_text(example.replace(secret, "oidc-secret"), encoding="utf-8")
    found = settings_file.read(tmp_path)
    assert found.roles["radiology-doctors"] == ("clinician", "rater")
    assert (found.sign_out, found.ask_again_s) == (settings_file.SIGN_OUT[0], 3600)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[roles]", "[role]", "there is no role; known are provider, claims, roles"),
        ('name = "Hospital"', 'nme = "Hospital"', "there is no provider.nme"),
        ('unit"', 'unit"\nmail = "x"', "there is no claims.mail"),
        ('"administrator"', '"admin"', "roles are learner, teacher"),
        ('["clinician", "rater"]', "[]", "roles are learner"),
        ('["clinician", "rater"]', "3", "roles are learner"),
        ("https://", "http://", "it is an https address"),
        ("/main", "/main?x=1", "it is an https address"),
        ('client_id = "casebind"', 'client_id = ""', "client_id is missing"),
        ('"oidc-secret"', '"nowhere"', "cannot be read"),
        ('name = "Hospital"', "name = 3", "name is missing, or is no text"),
        ("[provider]", "[provider", "cannot be read"),
        ('department = "unit"', "", "claims.department does not say where"),
        ('"radiology"', '"a,b"', "without commas"),
        (
            '[roles]\n"rad-doctors" = ["clinician", "rater"]\n"rad-readers" = "clinician"\n"it" = "administrator"',
            "[roles]",
            "[roles] is empty",
        ),
        ('name = "Hospital"', 'name = "Hospital"\nscopes = "profile"', "openid must be among them"),
        ('name = "Hospital"', 'name = "Hospital"\nask_again_minutes = 61', "above 0 and at most 60"),
        ('name = "Hospital"', 'name = "Hospital"\nask_again_minutes = true', "above 0 and at most 60"),
        ('name = "Hospital"', 'name = "Hospital"\nsign_out = "later"', "take 'provider' or 'here'"),
        ('name = "Hospital"', 'name = "Hospital"\nprompt = "none"', "take '' or 'login' or 'select_account'"),
    ],
)
def test_a_slip_is_one_sentence(tmp_path, old, new, said):
    with pytest.raises(UsageError) as problem:
        settings_file.read(written(tmp_path, old, new))
    assert said in str(problem.value) and str(problem.value).endswith(".") and "\n" not in str(problem.value)


def test_a_secret_that_everybody_may_read_is_refused_and_so_is_a_missing_file(tmp_path):
    with pytest.raises(UsageError, match="has an example"):
        settings_file.read(tmp_path)
    written(tmp_path)
    os.chmod(tmp_path / "oidc-secret", 0o644)
    with pytest.raises(UsageError, match="can be read by everybody"):
        settings_file.read(tmp_path)


@pytest.mark.parametrize(
    ("place", "given"),
    [
        ("groups", {"groups": ["rad-doctors"]}),
        ("groups", {"groups": "rad-doctors"}),
        ("realm_access.roles", {"realm_access": {"roles": ["x", "rad-doctors"]}}),
        ("https://hospital.example/roles", {"https://hospital.example/roles": ["rad-doctors"]}),
    ],
)
def test_groups_are_found_wherever_a_provider_puts_them(tmp_path, place, given):
    found = settings_file.read(written(tmp_path, 'roles = "groups"', f'roles = "{place}"'))
    assert claims.person(found, {"sub": "1", **given}).roles == ("clinician", "rater")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"groups": []},
        {"groups": None},
        {"groups": ["Rad-Doctors", "rad-doctors "]},
        {"groups": {"rad-doctors": True}},
        {"groups": [["rad-doctors"], 1, None]},
        {"groups": list(ROLES), "roles": list(ROLES), "role": "administrator"},
        {"_claim_names": {"groups": "src1"}},
    ],
)
def test_what_the_file_does_not_name_gives_nothing(tmp_path, given):
    found = claims.person(settings_file.read(written(tmp_path)), {"sub": "1", "unit": "ICU", **given})
    assert (found.roles, dict(found.attributes)) == ((), {})


def test_somebody_of_two_departments_is_of_none_and_projects_add_up(tmp_path):
    settings = settings_file.read(written(tmp_path, '"RAD" = "radiology"', '"RAD" = "radiology"\n"CAR" = "cardiology"'))
    both = claims.person(settings, {"sub": "1", "unit": ["RAD", "CAR"], "groups": ["study-42", "study-42"]})
    assert dict(both.attributes) == {"project": "afib"}
    assert dict(claims.person(settings, {"sub": "1", "unit": "CAR"}).attributes) == {"department": "cardiology"}


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"preferred_username": "Anna.Meier@hospital.example"}, "anna.meier"),
        ({"preferred_username": "HOSP\\müller"}, "hosp.muller"),
        ({"name": "Dr Who"}, "dr.who"),
        ({"preferred_username": "日本", "name": "Sato"}, "sato"),
        ({"preferred_username": 7}, "person"),
    ],
)
def test_an_account_is_called_as_the_provider_calls_the_person(tmp_path, given, name):
    assert claims.person(settings_file.read(written(tmp_path)), {"sub": "1", **given}).name == name


def test_sealed_facts_open_for_their_session_and_secret_alone():
    seal, facts = Seal(b"secret", "tokens"), {"refresh": "r-1"}
    closed = seal.close(facts, "s-1")
    assert b"r-1" not in closed and seal.open(closed, "s-1") == facts
    for other, of, changed in (
        (seal, "s-2", closed),
        (Seal(b"secret", "another use"), "s-1", closed),
        (Seal(b"another secret", "tokens"), "s-1", closed),
        (seal, "s-1", closed[:-1] + bytes([closed[-1] ^ 1])),
        (seal, "s-1", b""),
    ):
        assert other.open(changed, of) is None


def run(*words: str) -> str:
    """Run `casebind users …`; return what it prints, or the sentence with which it ends."""
    done = CliRunner().invoke(casebind, ["users", *words])
    assert done.exception is None or isinstance(done.exception, UsageError), done.output
    return str(done.exception or done.output)


def test_the_command_says_what_claims_are_worth(tmp_path):
    file = written(tmp_path) / "claims.json"
    file.write_text(json.dumps({"preferred_username": "anna", "groups": ["it", "x"], "unit": "RAD"}))
    printed = run("provider", "--claims", str(file), "--workspace", str(tmp_path))
    assert json.loads(printed) == {
        "name": "anna",
        "roles": ["administrator"],
        "attributes": {"department": "radiology"},
    }


def test_the_command_asks_the_provider_and_names_the_addresses_to_enter_there(tmp_path, site, monkeypatch):
    monkeypatch.setenv("CASEBIND_ADDRESS", "https://casebind.example")
    write_settings(tmp_path, site.provider.url)
    printed = run("provider", "--workspace", str(tmp_path))
    assert "Hospital, http://localhost" in printed and "RS256" in printed
    for path in ("callback", "sign-in", "backchannel-logout"):
        assert f"https://casebind.example/{path}" in printed
    write_settings(tmp_path, f"{site.provider.url}/another")
    assert re.search(
        r"cannot be used: The provider (calls itself|answers 404)", run("provider", "--workspace", str(tmp_path))
    )
    write_settings(tmp_path, "http://localhost:9")
    assert "cannot be used: The provider cannot be asked" in run("provider", "--workspace", str(tmp_path))
