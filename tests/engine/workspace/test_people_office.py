"""Accounts are kept by administrators alone, one of whom stays; what somebody would see can be tried by officers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.studies import COHORT, fill

from engine.access import accounts, sessions
from engine.access.policies import policy_files
from engine.access.sessions import Session
from engine.actor import Actor, single_user
from engine.errors import NotPermittedError, UsageError
from engine.store.classes import Attributes
from engine.store.people import People
from engine.workspace import people_office
from engine.workspace.agreements import agree
from engine.workspace.workspace import Workspace, open_workspace

PASSWORD = "four unrelated words stand here"


def signed_in(*roles: str) -> Actor:
    return Session("s", "ada", roles, (), 60.0, "operations").actor()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Workspace, People]]:
    """A workspace with studies and its accounts."""
    with open_workspace(tmp_path / "ws", create=True) as workspace:
        fill(workspace)
        people = People(workspace.path)
        yield workspace, people
        people.close()


def test_only_administrators_keep_accounts(place: tuple[Workspace, People]) -> None:
    workspace, people = place
    admin = signed_in("administrator")
    token = people_office.add(workspace, people, "Ben ", ["rater"], {"department": " x ", "project": ""}, actor=admin)
    accounts.set_password(people, token, PASSWORD)
    sessions.begin(people, "ben", PASSWORD, "here")
    (session,) = people_office.open_sessions(workspace, people, actor=signed_in("privacy-officer"))
    for other in ("clinician", "curator", "privacy-officer", "teacher"):
        for act in (
            lambda actor: people_office.add(workspace, people, "eve", ["administrator"], {}, actor=actor),
            lambda actor: people_office.new_link(workspace, people, "ben", actor=actor),
            lambda actor: people_office.set_roles(workspace, people, "ben", ["administrator"], actor=actor),
            lambda actor: people_office.close(workspace, people, "ben", actor=actor),
            lambda actor: people_office.end_session(workspace, people, session.number, actor=actor),
        ):
            with pytest.raises(NotPermittedError):
                act(signed_in(other))
    with pytest.raises(NotPermittedError):
        people_office.listed(workspace, people, actor=signed_in("clinician"))
    (ben,) = people_office.listed(workspace, people, actor=admin)
    assert (ben.name, ben.roles, ben.attributes) == ("ben", ("rater",), (("department", "x"),))
    people_office.end_session(workspace, people, session.number, actor=admin)
    assert people_office.open_sessions(workspace, people, actor=admin) == []


def test_an_administrator_stays(place: tuple[Workspace, People]) -> None:
    workspace, people = place
    accounts.add(people, "ada", ["administrator"], {}, actor=single_user())
    for act in (
        lambda: people_office.close(workspace, people, "ada", actor=signed_in("administrator")),
        lambda: people_office.set_roles(workspace, people, "ada", ["rater"], actor=signed_in("administrator")),
    ):
        with pytest.raises(UsageError, match="Somebody must stay administrator"):
            act()
    accounts.add(people, "bob", ["administrator"], {}, actor=single_user())
    people_office.close(workspace, people, "ada", actor=signed_in("administrator"))


def test_what_somebody_would_see_is_tried_against_the_policies(place: tuple[Workspace, People]) -> None:
    workspace, _ = place
    agree(workspace, COHORT.name, Attributes("cardiology"), actor=single_user())
    officer = signed_in("privacy-officer")
    for department, use, seen in (("cardiology", "treatment", True), ("radiology", "treatment", False)):
        found = people_office.try_out(workspace, ["clinician"], {"department": department}, use, actor=officer)
        (line,) = found.classes
        assert (line.attributes.department, line.studies, line.is_seen) == ("cardiology", 12, seen)
        assert bool(line.policies) is seen and "rate" in found.acts and "curate" not in found.acts
    (line,) = people_office.try_out(workspace, ["clinician"], {}, "emergency", actor=officer).classes
    assert line.is_seen and line.policies == ("clinicians see every department's in an emergency",)
    with pytest.raises(NotPermittedError):
        people_office.try_out(workspace, ["clinician"], {}, "treatment", actor=signed_in("clinician"))
    with pytest.raises(UsageError):
        people_office.try_out(workspace, [], {}, "treatment", actor=officer)


def test_a_trial_names_the_acts_that_no_policy_permits(place: tuple[Workspace, People]) -> None:
    workspace, _ = place
    officer = signed_in("privacy-officer")
    assert people_office.try_out(workspace, ["clinician"], {}, "treatment", actor=officer).unnamed == ()
    own = workspace.path / policy_files.FOLDER
    own.mkdir()
    words = policy_files.start_text().replace('Action::"fetch"', 'Action::"rate"')
    (own / "site.cedar").write_text(words, encoding="utf-8")
    found = people_office.try_out(workspace, ["clinician"], {}, "treatment", actor=officer)
    assert found.unnamed == ("fetch",) and "fetch" not in found.acts
