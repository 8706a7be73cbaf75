"""Nobody is signed in for an emergency that would open nothing to them: officers would read about nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.access import accounts, sessions
from engine.access.policies.emergency_use import opens_more
from engine.actor import Actor, single_user
from engine.errors import UsageError
from engine.store.people import People

PASSWORD, REASON = "four unrelated words stand here", "shock room, no history"
SEE = 'permit (principal, action == Casebind::Action::"see", resource) when { '


def somebody(*roles: str) -> Actor:
    known = (("department", "icu"), ("project", "a, b"))
    return Actor("kim", roles=roles, attributes=known, signed_in=True, reason=REASON)


@pytest.mark.parametrize(
    ("roles", "is_opened"),
    [
        (("clinician",), True),
        (("learner", "clinician"), True),
        (("learner",), False),
        (("teacher", "rater", "curator"), False),
        (("privacy-officer",), False),
        (("administrator",), False),
    ],
)
def test_the_start_set_opens_an_emergency_to_clinicians_alone(roles, is_opened, tmp_path: Path) -> None:
    assert opens_more(tmp_path, somebody(*roles)) is is_opened


@pytest.mark.parametrize(
    ("words", "is_opened"),
    [
        (SEE + 'context.purpose == "emergency" && resource.department == "cardiology" };', True),
        (
            '@id("on one line") ' + SEE + 'context.purpose == "emergency" && ["x", "y"].contains(resource.project) };',
            True,
        ),
        (SEE + 'context.purpose != "treatment" && resource.department == "cardiology" };', False),
        (SEE + 'principal.roles.contains("clinician") && context.purpose == "emergency" };', False),
        (SEE + 'context.reason like "*room*" && context.purpose == "emergency" };', True),
        (SEE + 'context.reason like "*" };', True),  # cannot be said for certain
        (SEE.replace("see", "export") + 'context.purpose == "emergency" };', True),
        ("nothing that can be read", True),
    ],
)
def test_policies_of_a_site_are_asked(words: str, is_opened: bool, tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "own.cedar").write_text(words, encoding="utf-8")
    assert opens_more(tmp_path, somebody("learner")) is is_opened


def test_an_emergency_that_opens_nothing_is_refused_and_mails_nobody(tmp_path: Path) -> None:
    people = People(tmp_path)
    accounts.set_password(people, accounts.add(people, "lee", ["learner"], {}, actor=single_user()), PASSWORD)
    with pytest.raises(UsageError, match="opens nothing more to your roles"):
        sessions.begin(people, "lee", PASSWORD, "here", use="emergency", reason=REASON)
    kinds = [row["kind"] for row in people.audit.rows()]
    assert "break-glass" not in kinds and kinds[-1] == "sign-in refused" and people.sessions() == []
    assert sessions.begin(people, "lee", PASSWORD, "here", use="teaching")
    people.close()
