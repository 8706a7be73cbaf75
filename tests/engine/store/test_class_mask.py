"""Policies decide once for each class of studies; what a search may return is what each study's own decision says."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import product
from pathlib import Path

import cedarpy
import numpy as np
import pytest
from helpers.studies import fill
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.access.policies import policy_files
from engine.access.sessions import Session
from engine.actor import USES, Actor
from engine.errors import NotPermittedError, UsageError
from engine.store import permission
from engine.store.classes import Attributes, assign, read_classes
from engine.workspace.agreements import agree
from engine.workspace.workspace import Workspace, open_workspace

EXAMPLES = int(os.environ.get("CASEBIND_POLICY_EXAMPLES", "20"))
DEPARTMENTS, PROJECTS, ENDS = ("", "cardiology", "radiology"), ("", "trial"), ("", "2020-01-01", "2999-12-31")
STATED = [Attributes(*one) for one in product(DEPARTMENTS, PROJECTS, ENDS, (False, True))]
LINES = (  # of which random sets of policies are made
    'permit (principal, action == Casebind::Action::"see", resource);',
    'permit (principal, action == Casebind::Action::"see", resource) when {{ resource.department == "{department}" }};',
    "permit (principal, action, resource is Casebind::StudyClass)"
    " when {{ resource.department == principal.department }};",
    'permit (principal, action, resource) when {{ context.purpose == "{use}" && principal.roles.contains("{role}") }};',
    'forbid (principal, action == Casebind::Action::"see", resource) when {{ resource.sensitive }};',
    'forbid (principal, action == Casebind::Action::"see", resource) when {{ resource.project == "{project}" }};',
    'forbid (principal, action == Casebind::Action::"see", resource)'
    " when {{ resource has agreement_ends && context.today > resource.agreement_ends }};",
)
ROLES = ("clinician", "teacher", "rater", "privacy-officer", "learner")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A workspace of a few studies, a third of whose patients have withdrawn from something."""
    folder = tmp_path_factory.mktemp("classes") / "ws"
    with open_workspace(folder, create=True) as workspace:
        fill(workspace, 48)
        patients = sorted({row.patient_id for row in workspace.all_rows()})
        for patient_id, scope in zip(patients[::3], ("retrieval", "teaching") * len(patients), strict=False):
            workspace.set_consent(patient_id, False, actor=Actor("local"), scope=scope)
        yield workspace


def set_attributes(workspace: Workspace, stated: dict[str, Attributes]) -> None:
    """Let studies have these attributes, as their manifest would state them."""
    with workspace.database.write() as cursor:
        for study_id, one in stated.items():
            known = {name: str(value).lower() for name, value in vars(one).items()}
            cursor.execute("UPDATE studies SET extra = ? WHERE study_id = ?", [known, study_id])
        assign(cursor, list(stated))
    workspace.policies.look_again()
    workspace.snapshots.invalidate_masks()


def decision(policies: str, actor: Actor, known: Attributes) -> bool:
    """Ask Cedar about one study, by a request that is written here."""
    person = dict(actor.attributes)
    day = {"__extn": {"fn": "datetime", "arg": known.agreement_ends}}
    resource = {"department": known.department, "project": known.project, "sensitive": known.sensitive}
    ends = {"agreement_ends": day} if known.agreement_ends else {}
    entities = [
        {
            "uid": {"type": "Casebind::Person", "id": "p"},
            "attrs": {"roles": list(actor.roles), "department": person.get("department", ""), "projects": []},
            "parents": [],
        },
        {"uid": {"type": "Casebind::StudyClass", "id": "s"}, "attrs": {**resource, **ends}, "parents": []},
    ]
    context = {"purpose": actor.use, "reason": "", "today": {"__extn": {"fn": "datetime", "arg": "2026-06-01"}}}
    request = {
        "principal": 'Casebind::Person::"p"',
        "action": 'Casebind::Action::"see"',
        "resource": 'Casebind::StudyClass::"s"',
        "context": context,
    }
    return bool(cedarpy.is_authorized(request, policies, entities).allowed)


@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.data())
def test_the_mask_is_what_each_studys_decision_says(place: Workspace, data: st.DataObject) -> None:
    rows = place.all_rows()
    stated = {row.study_id: data.draw(st.sampled_from(STATED)) for row in rows}
    set_attributes(place, stated)
    chosen = data.draw(st.lists(st.sampled_from(LINES), max_size=4))
    words = {
        "department": st.sampled_from(DEPARTMENTS),
        "use": st.sampled_from(USES),
        "role": st.sampled_from(ROLES),
        "project": st.sampled_from(PROJECTS),
    }
    policies = "\n".join(line.format(**{name: data.draw(one) for name, one in words.items()}) for line in chosen)
    folder = place.path / policy_files.FOLDER
    folder.mkdir(exist_ok=True)
    (folder / "site.cedar").unlink(missing_ok=True)
    (folder / "site.cedar").write_text(policies, encoding="utf-8")

    roles = tuple(sorted(data.draw(st.sets(st.sampled_from(ROLES), min_size=1))))
    department = data.draw(st.sampled_from(DEPARTMENTS))
    person = Session("s", "ada", roles, (("department", department),), 60.0).actor()
    actor = replace(person, use=data.draw(st.sampled_from(USES)))
    gone = {scope: set() for scope in ("retrieval", "teaching")}
    for patient_id, scope in place.database.read("SELECT patient_id, scope FROM withdrawn"):
        gone[scope].add(patient_id)
    out = gone["retrieval"] | (gone["teaching"] if actor.use == "teaching" else set())
    expected = {
        row.study_id for row in rows if row.patient_id not in out and decision(policies, actor, stated[row.study_id])
    }

    assert permission.permitted_ids(place.database, actor, list(stated)) == expected
    assert {row.study_id for row in place.rows(actor=actor)} == expected
    hidden = permission.study_ids_of(place.database, place.denied([], actor=actor))
    assert set(stated) - set(hidden.values()) == expected
    for modality in {row.modality for row in rows}:
        ordinals = permission.permitted(place.database, permission.policies(place.database, actor), modality)
        found = set(permission.study_ids_of(place.database, np.asarray(ordinals)).values())
        assert found == {row.study_id for row in rows if row.modality == modality} & expected
    assert sum(place.counts(actor=actor).values()) == len(expected)
    for row in rows[:3]:
        if row.study_id not in expected:
            with pytest.raises(NotPermittedError) as refused:
                place.row(row.study_id, actor=actor)
            with pytest.raises(UsageError) as missing:
                place.row("none", actor=actor)
            assert str(refused.value).replace(row.study_id, "none") == str(missing.value)


@pytest.mark.parametrize(
    ("roles", "use", "seen"),
    [
        ("clinician", "treatment", {"open", "ours"}),
        ("clinician", "teaching", {"open"}),
        ("clinician", "emergency", {"open", "ours", "theirs", "sensitive"}),
        ("teacher", "teaching", {"open", "ours", "theirs"}),
        ("learner", "teaching", {"open", "ours"}),
        ("rater", "operations", {"open", "ours"}),
        ("clinician", "research", {"open", "trial"}),
        ("privacy-officer", "operations", {"open", "ours", "theirs", "sensitive", "trial"}),
        ("administrator", "treatment", {"open"}),
    ],
)
def test_what_the_start_set_lets_each_role_see(tmp_path: Path, roles: str, use: str, seen: set[str]) -> None:
    known = {
        "open": Attributes(),
        "ours": Attributes("radiology"),
        "theirs": Attributes("cardiology"),
        "sensitive": Attributes("radiology", sensitive=True),
        "trial": Attributes("cardiology", "trial", "2999-12-31"),
        "ended": Attributes("radiology", "", "2020-01-01"),
    }
    with open_workspace(tmp_path / "ws", create=True) as workspace:
        fill(workspace)
        ids = [row.study_id for row in workspace.all_rows()][: len(known)]
        named = dict(zip(ids, known, strict=True))
        set_attributes(workspace, {study_id: known[name] for study_id, name in named.items()})
        assert set(known.values()) <= set(read_classes(workspace.database).values())
        attributes = (("department", "radiology"), ("project", "trial"))
        person = Session("s", "ada", (roles,), attributes, 60.0).actor()
        actor = replace(person, use=use, reason="shock room 2" if use == "emergency" else "")
        assert {named[row.study_id] for row in workspace.rows(ids, actor=actor)} == seen
        if use == "emergency":
            calm = replace(actor, reason="")
            assert {named[row.study_id] for row in workspace.rows(ids, actor=calm)} == {"open"}


def test_an_agreement_counts_in_the_next_answer_and_for_what_comes_later(tmp_path: Path) -> None:
    with open_workspace(tmp_path / "ws", create=True) as workspace:
        row = fill(workspace)[0].row
        clinician = Session("s", "ada", ("clinician",), (), 60.0).actor()
        officer = replace(clinician, roles=("privacy-officer",))
        before = workspace.counts(actor=clinician)
        with pytest.raises(NotPermittedError, match="your roles"):
            agree(workspace, row.cohort, Attributes("cardiology"), actor=clinician)
        assert workspace.counts(actor=clinician) == before
        n = agree(workspace, row.cohort, Attributes("cardiology"), actor=officer)
        assert n == len([one for one in workspace.all_rows() if one.cohort == row.cohort])
        assert sum(workspace.counts(actor=clinician).values()) == sum(before.values()) - n
        with pytest.raises(UsageError, match="is no day"):
            agree(workspace, row.cohort, Attributes(agreement_ends="31.12.2027"), actor=officer)
        agree(workspace, row.cohort, Attributes(), actor=officer)
        assert workspace.counts(actor=clinician) == before


def test_a_policy_that_does_not_fit_the_schema_opens_nothing(tmp_path: Path) -> None:
    with open_workspace(tmp_path / "ws", create=True) as workspace:
        fill(workspace)
        actor = Session("s", "ada", ("clinician",), (), 60.0).actor()
        assert workspace.rows(actor=actor) and permission.may(workspace.database, actor, "rate")
        (tmp_path / "ws" / policy_files.FOLDER).mkdir()
        file = tmp_path / "ws" / policy_files.FOLDER / "site.cedar"
        wrong = policy_files.start_text().replace("{ resource.sensitive }", "{ resource.sensitiv }")
        file.write_text(wrong, encoding="utf-8")
        for act in (lambda: workspace.rows(actor=actor), lambda: permission.may(workspace.database, actor, "rate")):
            with pytest.raises(NotPermittedError, match="cannot be read"):
                act()
        (problem,) = policy_files.parsed(wrong).problems
        assert "sensitive studies are the privacy officer's" in problem and "`sensitiv`" in problem
        assert workspace.rows(actor=Actor("local")), "without sign-in there is one person"
        file.write_text(policy_files.start_text(), encoding="utf-8")
        assert workspace.rows(actor=actor)
