"""Sessions that a provider let in: what it takes away or ends is gone here, and so is what is closed here."""

from __future__ import annotations

import json
import sqlite3
from urllib.parse import parse_qs, urlsplit

import pytest
from helpers.accounts import ask, users
from helpers.provider import DOCTOR, alert
from joserfc import jwt
from joserfc.jwk import RSAKey

from engine.access import accounts, sessions
from engine.access.accounts import digest
from engine.access.ways import way_in
from engine.actor import single_user
from engine.errors import UsageError
from engine.store.people import People
from engine.store.provider_people import find


def test_a_role_that_is_taken_away_is_gone_at_the_next_click(site):
    site.provider.has("u6", preferred_username="emil", **DOCTOR)
    emil, elsewhere = site.visitor(), site.visitor()
    for one in (emil, elsewhere):
        one.sign_in("u6")
    site.provider.has("u6", preferred_username="emil", groups=["it"], unit="unknown here")
    assert emil.ask("/session").status == 200, "asking how long it lasts is no click"
    assert site.people.account("emil").roles == ("clinician", "rater")
    assert emil.ask("/").status == 200
    account = site.people.account("emil")
    assert (account.roles, account.attributes) == (("administrator",), ())
    row = site.acts("role changed")[-1]["about"]
    assert (row["account"], row["before"], row["roles"]) == ("emil", ["clinician", "rater"], ["administrator"])
    site.provider.has("u6", preferred_username="emil", groups=[])
    assert emil.ask("/").headers["location"] == "/sign-in"
    assert elsewhere.name() is None, "nor has any other session of theirs"
    assert site.acts("sessions ended")[-1]["about"]["why"] == "the provider gives no role any more"
    assert site.visitor().sign_in("u6").status == 401


def test_a_session_that_the_provider_does_not_stand_by_ends(site):
    site.provider.has("u7", preferred_username="fay", **DOCTOR)
    fay = site.visitor()
    fay.sign_in("u7")
    assert fay.ask("/").status == 200
    site.provider.revoke("u7")
    assert fay.ask("/").status == 303 and fay.name() is None
    assert site.acts("sessions ended")[-1]["about"]["why"] == "The provider answers invalid_grant."


def test_what_an_identity_token_says_anew_counts_where_userinfo_names_no_groups(site):
    site.provider.has("u8", preferred_username="gus", **DOCTOR)
    site.provider.speaks_by_token = True
    try:
        gus = site.visitor()
        assert gus.sign_in("u8").status == 303
        assert gus.ask("/").status == 200
        site.provider.has("u8", preferred_username="gus", groups=["it"])
        assert gus.ask("/").status == 200 and site.people.account("gus").roles == ("administrator",)
    finally:
        site.provider.speaks_by_token = False
    assert gus.ask("/").status == 200, "userinfo names the groups again"


def test_a_refresh_token_that_lasts_shorter_is_used_in_time(tmp_path, gate_of, site):
    with gate_of(tmp_path, issuer=site.provider.url, more="") as later:
        site.provider.has("v3", preferred_username="mia", **DOCTOR)
        site.provider.refresh_lasts_s = 1800
        try:
            mia = later.visitor()
            mia.sign_in("v3")
        finally:
            site.provider.refresh_lasts_s = 0
        kept = find(later.people, sessions.live(later.people, mia.cookies["casebind_session"]).number)
        assert kept.good_for == 900
        asked = len(site.provider.asked)
        assert mia.ask("/").status == 200 and len(site.provider.asked) == asked, "an hour has not passed"
        with sqlite3.connect(tmp_path / "people.db") as file:
            file.execute("UPDATE provider_sessions SET asked_at = asked_at - 901")
        assert mia.ask("/").status == 200 and len(site.provider.asked) > asked


def test_the_provider_ends_sessions_by_a_signed_message_once(site):
    site.provider.has("w1", preferred_username="ida", sid="s-1", **DOCTOR)
    site.provider.has("w2", preferred_username="jon", **DOCTOR)
    ida, jon = site.visitor(), site.visitor()
    ida.sign_in("w1")
    jon.sign_in("w2")

    def message(token: str) -> int:
        return ask(site.url, "/backchannel-logout", "POST", form={"logout_token": token}).status

    other = RSAKey.generate_key(2048)
    good = jwt.decode(site.provider.logout_token(sub="w1"), key=site.provider.key).claims
    for bad in (
        "",
        "not.a.token",
        jwt.encode({"alg": "RS256"}, good, other),
        jwt.encode({"alg": "RS256", "kid": "unknown"}, good, other),
        *(
            site.provider.logout_token(**{"sub": "w1", **change})
            for change in (
                {"iss": "https://elsewhere.example"},
                {"aud": "another-app"},
                {"iat": 1},
                {"iat": None},
                {"exp": 1},
                {"nonce": "n"},
                {"events": {}},
                {"events": None},
                {"jti": None},
                {"sub": None},
            )
        ),
    ):
        assert message(bad) == 400, bad
    assert (ida.name(), jon.name()) == ("ida", "jon")
    assert message(site.provider.logout_token(sid="another")) == 200, "nobody is in that session"
    assert message(site.provider.logout_token(sub="w1", sid="another")) == 200
    assert (ida.name(), jon.name()) == ("ida", "jon")
    token = site.provider.logout_token(sub="w1", sid="s-1")
    assert message(token) == 200 and (ida.name(), jon.name()) == (None, "jon")
    ida.sign_in("w1")
    assert message(token) == 400 and ida.name() == "ida", "a message counts once"
    assert message(site.provider.logout_token(sid="s-1")) == 200 and ida.name() is None
    assert site.acts("sessions ended")[-1]["about"]["why"] == "the provider ended the session"
    assert message(site.provider.logout_token(sub="w2", sid="that it did not name")) == 200 and jon.name() is None


def test_signing_out_ends_the_session_here_and_leads_to_the_end_of_the_one_there(site):
    site.provider.has("x1", preferred_username="kim", **DOCTOR)
    kim = site.visitor()
    kim.sign_in("x1")
    cookie, kept = kim.cookies["casebind_session"], site.people.by_token(digest(kim.cookies["casebind_session"]))
    said = kim.ask("/sign-out", "POST")
    to = urlsplit(json.loads(said.text)["to"])
    asked = parse_qs(to.query)
    assert f"{to.scheme}://{to.netloc}{to.path}" == f"{site.provider.url}/oauth2/end_session"
    assert asked["post_logout_redirect_uri"] == [f"{site.url}/sign-in"] and asked["id_token_hint"]
    copied = site.visitor()
    copied.cookies["casebind_session"] = cookie
    assert copied.name() is None and copied.ask("/").status == 303
    assert site.people.read("SELECT 1 FROM provider_sessions WHERE session = ?", (kept.session,)) == []
    assert json.loads(kim.ask("/sign-out", "POST").text) == {"to": "/sign-in"}


def test_tokens_do_not_lie_open_in_the_file_of_accounts(site):
    site.provider.has("x2", **DOCTOR)
    visitor = site.visitor()
    visitor.sign_in("x2")
    visitor.ask("/")
    secrets = {value for _, fields in site.provider.asked for name, value in fields.items() if name == "refresh_token"}
    assert secrets
    for file in site.folder.glob("people.db*"):
        content = file.read_bytes()
        assert not any(one.encode() in content for one in secrets)


def test_a_closed_account_is_out_at_once_and_stays_out(site):
    site.provider.has("y1", preferred_username="lea", **DOCTOR)
    lea = site.visitor()
    lea.sign_in("y1")
    with pytest.raises(UsageError, match="comes from http://localhost"):
        accounts.set_roles(site.people, "lea", ["administrator"], actor=single_user())
    with pytest.raises(UsageError, match="comes from http://localhost"):
        accounts.new_link(site.people, "lea", actor=single_user())
    users("close", "lea", "--workspace", str(site.folder))
    assert lea.name() is None and lea.ask("/").status == 303
    page = lea.sign_in("y1")
    assert page.status == 401 and alert(page).startswith("Your account in Casebind is closed")
    assert site.acts("sign-in refused")[-1]["who"] == "lea"


def test_sessions_of_another_way_in_end_when_the_way_is_changed(tmp_path, gate_of, site, monkeypatch):
    site.provider.has("v2", **DOCTOR)
    with gate_of(tmp_path, issuer=site.provider.url) as later:
        visitor = later.visitor()
        visitor.sign_in("v2")
        assert visitor.name() == "person"
        monkeypatch.setenv("CASEBIND_SIGN_IN", "accounts")
        people = People(tmp_path)
        way_in(people, tmp_path)
        people.close()
        assert visitor.name() is None
