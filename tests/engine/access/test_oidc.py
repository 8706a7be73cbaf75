"""People sign in at a hospital's provider, by real requests over loopback; what it takes away is gone at the click."""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import pytest
from helpers.accounts import ask, users
from helpers.provider import DOCTOR, SECRET, alert
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from engine.access import accounts, sessions
from engine.access.oidc import provider
from engine.actor import single_user
from engine.errors import UsageError


def test_somebody_signs_in_with_what_the_groups_are_worth_here(site):
    site.provider.has("u1", preferred_username="Anna.Meier@hospital.example", **DOCTOR)
    anna = site.visitor()
    back = anna.sign_in("u1", then="/compare?query=q-1", purpose="teaching")
    assert (back.status, back.headers["location"]) == (303, "/compare?query=q-1"), back.text
    assert anna.name() == "anna.meier" and anna.ask("/").text == "the app"
    session = sessions.live(site.people, anna.cookies["casebind_session"])
    assert session.roles == ("clinician", "rater") and session.use == "teaching"
    assert dict(session.attributes) == {"department": "radiology", "project": "afib"}
    listed = json.loads(users("list", "--json", "--workspace", str(site.folder)))
    found = next(one for one in listed if one["name"] == "anna.meier")
    assert (found["from"], found["subject"], found["state"]) == (site.provider.url, "u1", "open")
    assert f"from {site.provider.url}" in users("list", "--workspace", str(site.folder))
    assert site.acts("signed in")[-1]["about"] == {"issuer": site.provider.url}


def test_the_sign_in_is_bound_to_the_browser_and_to_one_use_of_a_secret(site):
    asked = {name: value for name, (value,) in parse_qs(urlsplit(site.visitor().leave()).query).items()}
    assert asked["code_challenge_method"] == "S256" and len(asked["state"]) >= 20 and len(asked["nonce"]) >= 20
    visitor = site.visitor()
    site.provider.has("u2", **DOCTOR)
    address = visitor.leave()
    assert visitor.ask(visitor.agreed(address, "u2")).status == 303
    challenge = parse_qs(urlsplit(address).query)["code_challenge"][0]
    verifier = next(fields for path, fields in site.provider.asked[::-1] if "code_verifier" in fields)["code_verifier"]
    assert base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=") == challenge


def test_unknown_groups_give_nothing_and_leave_no_account(site):
    site.provider.has("u3", preferred_username="clerk", groups=["canteen", "administrator", "clinician"])
    clerk = site.visitor()
    page = clerk.sign_in("u3")
    assert page.status == 401 and alert(page).startswith("Hospital gives you no role in Casebind")
    assert clerk.name() is None and site.people.account("clerk") is None
    row = site.acts("sign-in refused")[-1]
    assert (row["who"], row["about"]["subject"]) == ("unknown", "u3")


def test_people_are_told_apart_by_issuer_and_subject_and_by_nothing_that_they_choose(site):
    accounts.add(site.people, "berta", ["administrator"], {}, actor=single_user())
    named = {"preferred_username": "berta", "email": "berta@hospital.example", **DOCTOR}
    for subject in ("b1", "b2"):
        site.provider.has(subject, **named)
        assert site.visitor().sign_in(subject).status == 303
    assert {one.subject: one.name for one in site.people.accounts() if one.name.startswith("berta")} == {
        "": "berta",
        "b1": "berta-2",
        "b2": "berta-3",
    }
    site.provider.has("b1", **named | {"preferred_username": "renamed", "email": "other@hospital.example"})
    visitor = site.visitor()
    visitor.sign_in("b1")
    assert visitor.name() == "berta-2", "the name at the first sign-in stays"
    for name in ("local", "unknown"):  # they stand for somebody else in the record
        site.provider.has(name, preferred_username=name, **DOCTOR)
        visitor = site.visitor()
        visitor.sign_in(name)
        assert visitor.name() == f"{name}-2"


def test_a_callback_that_is_replayed_forged_or_of_another_browser_is_the_sign_in_again(site):
    site.provider.has("u4", **DOCTOR)
    dora, thief = site.visitor(), site.visitor()
    way_back = dora.agreed(dora.leave("/map"), "u4")
    for page in (
        thief.ask(way_back),
        ask(site.url, "/callback?code=made-up&state=made-up", accept="text/html"),
        ask(site.url, "/callback", accept="text/html"),
        ask(site.url, way_back, accept="text/html", cookie="casebind_pending=bm90aGluZw=="),
        ask(site.url, "/callback?error=access_denied&error_description=%3Cscript%3E", accept="text/html"),
    ):
        assert page.status == 401 and alert(page) == "That sign-in was used before, or took too long: sign in again."
        assert not any("casebind_session=" in one for one in page.headers.get_all("set-cookie", ()))
    before = dict(dora.cookies)
    assert dora.ask(way_back).headers["location"] == "/map"
    again = dora.ask(way_back)
    assert (again.status, again.headers["location"]) == (303, "/"), "the back button of somebody who is signed in"
    dora.ask("/sign-out", "POST")
    assert alert(dora.ask(way_back)).startswith("That sign-in was used before")
    dora.cookies = before  # with the old cookie it is the provider that knows the code was used
    assert alert(dora.ask(way_back)).startswith("Hospital did not let you in") and dora.name() is None


def test_an_identity_token_that_does_not_hold_lets_nobody_in(site):
    other = RSAKey.generate_key(2048)
    site.provider.has("f1", preferred_username="forged", **DOCTOR)
    header, nobody = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("="), site.visitor()
    forgeries = [
        *(
            lambda claims, change=change: site.provider.sign({**claims, **change})
            for change in (
                {"iss": "https://elsewhere.example"},
                {"aud": "another-app"},
                {"aud": ["casebind", "another-app"], "azp": "another-app"},
                {"nonce": "of another sign-in"},
                {"exp": 1},
                {"sub": None},
            )
        ),
        lambda claims: jwt.encode({"alg": "RS256"}, claims, other),
        lambda claims: f"{header}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.",
        lambda claims: jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET)),
    ]
    try:
        for site.provider.forge in forgeries:
            page = nobody.sign_in("f1")
            assert page.status == 401 and alert(page).startswith("Hospital did not let you in"), page.text
        assert nobody.name() is None and site.people.account("forged") is None
    finally:
        site.provider.forge = None
    assert nobody.sign_in("f1").status == 303


def test_two_tabs_sign_in_side_by_side_and_the_browser_keeps_one_session(site):
    site.provider.has("u5", **DOCTOR)
    visitor = site.visitor()
    first, second = visitor.leave("/map"), visitor.leave("/quiz")
    assert visitor.ask(visitor.agreed(first, "u5")).headers["location"] == "/map"
    replaced = visitor.cookies["casebind_session"]
    assert visitor.ask(visitor.agreed(second, "u5")).headers["location"] == "/quiz"
    assert visitor.cookies["casebind_session"] != replaced and sessions.live(site.people, replaced) is None


def test_while_the_provider_is_away_sessions_go_on_and_nobody_new_comes_in(site):
    site.provider.has("u9", preferred_username="hal", **DOCTOR)
    hal, new = site.visitor(), site.visitor()
    hal.sign_in("u9")
    way_back = new.agreed(new.leave(), "u9")
    site.provider.is_away = True
    try:
        assert hal.ask("/").status == 200 and hal.name() == "hal"
        page = new.ask(way_back)
        assert page.status == 503 and alert(page) == "Hospital cannot be reached now: try again in a moment."
    finally:
        site.provider.is_away = False
    assert new.name() is None and new.sign_in("u9").status == 303


def test_a_provider_that_was_away_at_the_start_is_asked_once_it_is_there(tmp_path, gate_of, site, monkeypatch):
    monkeypatch.setattr(provider, "AGAIN_AFTER_S", 0.0)
    with gate_of(tmp_path, issuer=site.provider.url) as later:
        site.provider.is_away = True
        try:
            page = later.visitor().ask("/sign-in", "POST", form={"then": "/map"})
            assert page.status == 503 and alert(page).startswith("Hospital cannot be reached now")
            assert 'name="then" value="/map"' in page.text, "what was wanted is kept"
        finally:
            site.provider.is_away = False
        site.provider.has("v1", **DOCTOR)
        assert later.visitor().sign_in("v1").status == 303


def test_an_account_that_is_opened_again_comes_in_again(site):
    site.provider.has("y2", preferred_username="max", **DOCTOR)
    max_ = site.visitor()
    max_.sign_in("y2")
    users("close", "max", "--workspace", str(site.folder))
    assert users("open", "max", "--workspace", str(site.folder)) == "", "no link: there is no password"
    assert max_.name() is None and max_.sign_in("y2").status == 303 and max_.name() == "max"


def test_whoever_had_an_account_of_the_workspace_goes_on_under_its_name(site):
    token = accounts.add(site.people, "nora", ["teacher"], {}, actor=single_user())
    accounts.set_password(site.people, token, "four unrelated words stand here")
    site.provider.has("y3", preferred_username="nora", **DOCTOR)
    nora = site.visitor()
    nora.sign_in("y3")
    assert nora.name() == "nora-2"
    with pytest.raises(UsageError, match="comes from no provider"):
        accounts.join(site.people, "nora", "nora", actor=single_user())
    users("join", "nora", "nora-2", "--workspace", str(site.folder))
    assert nora.name() is None, "with a new sign-in"
    nora.sign_in("y3")
    account = site.people.account("nora")
    assert nora.name() == "nora" and account.roles == ("clinician", "rater")
    assert account.password is None and site.people.account("nora-2").state == "closed"
    with pytest.raises(UsageError, match="comes from http://localhost"):
        accounts.join(site.people, "nora", "nora", actor=single_user())


def test_an_emergency_needs_its_reason_before_the_way_to_the_provider(site):
    site.provider.has("z1", **DOCTOR)
    visitor = site.visitor()
    page = visitor.ask("/sign-in", "POST", form={"then": "/", "purpose": "emergency", "reason": "now"})
    assert page.status == 401 and "needs a reason" in alert(page)
    visitor.sign_in("z1", purpose="emergency", reason="shock room, no history")
    session = sessions.live(site.people, visitor.cookies["casebind_session"])
    assert (session.use, session.reason) == ("emergency", "shock room, no history")


def test_a_password_opens_nothing_and_no_address_leads_away(site):
    page = ask(site.url, "/sign-in", "POST", form={"name": "berta", "password": "four unrelated words", "then": "/"})
    assert page.status == 200 and "casebind_session" not in str(page.headers)
    assert ask(site.url, "/invitation?token=x").status == 401
    site.provider.has("z2", **DOCTOR)
    for then in ("https://elsewhere.example/", "/callback?x=1", "/" + "x" * 700):
        assert site.visitor().sign_in("z2", then=then).headers["location"] == "/"


def test_under_another_name_people_are_sent_to_the_public_address_once(site, monkeypatch):
    monkeypatch.setenv("CASEBIND_ADDRESS", "https://casebind.example")
    moved = site.visitor().ask("/sign-in?then=%2Fmap")
    assert (moved.status, moved.headers["location"]) == (303, "https://casebind.example/sign-in?moved=1&then=%2Fmap")
    assert site.visitor().ask("/sign-in?moved=1&then=%2Fmap").status == 200, "a proxy that renames is no endless loop"
    assert ask(site.url, "/sign-in", host="casebind.example").status == 200
    assert "redirect_uri=https%3A%2F%2Fcasebind.example%2Fcallback" in site.visitor().leave()
