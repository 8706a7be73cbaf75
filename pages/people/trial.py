"""Who may see what: roles, attributes and a purpose are tried against the policies; nothing is recorded of it."""

from __future__ import annotations

import streamlit as st

from engine.access.accounts import ROLES
from engine.actor import USES
from engine.errors import CasebindError
from engine.strings import text
from engine.workspace import people_office
from engine.workspace.people_office import ClassLine, Trial
from pages.people.accounts import role_name
from pages.shared import html_table, resources
from pages.shared.markdown import escaped, said


def draw_trial() -> None:
    """Draw the form, what somebody like that would see, and what they may do."""
    st.header(text("people.trial"), anchor=False)
    st.markdown(text("people.trial_about"))
    roles = st.pills(
        text("people.column_roles"),
        ROLES,
        selection_mode="multi",
        default=["clinician"],
        format_func=role_name,
        key="trial-roles",
    )
    with st.container(key="beside-trial"):
        columns = st.columns(3)
    with columns[0]:
        use = st.selectbox(
            text("sign_in.purpose"), USES, format_func=lambda one: text(f"purpose.{one}"), key="trial-use"
        )
    with columns[1]:
        department = st.text_input(text("people.department"), key="trial-department")
    with columns[2]:
        project = st.text_input(text("people.project"), key="trial-project")
    attributes = {"department": department, "project": project}
    try:
        found = people_office.try_out(resources.workspace(), roles, attributes, use, actor=resources.actor())
    except CasebindError as problem:
        st.warning(said(problem), icon=":material/warning:")
        return
    _draw(found)


def _draw(found: Trial) -> None:
    seen = sum(one.studies for one in found.classes if one.is_seen)
    st.markdown(f"**{text('people.trial_seen', seen=seen, n=sum(one.studies for one in found.classes))}**")
    heads = [text(f"people.column_{name}") for name in ("studies", "stated", "seen", "policies")]
    html_table.draw_html_table(heads, [_row(one) for one in found.classes])
    acts = ", ".join(text(f"people.act_{act}") for act in found.acts)
    st.markdown(text("people.trial_acts", acts=escaped(acts) or text("people.nothing")))
    if found.unnamed:
        unnamed = ", ".join(text(f"people.act_{act}") for act in found.unnamed)
        st.warning(text("people.trial_unnamed", acts=escaped(unnamed)), icon=":material/warning:")


def _row(one: ClassLine) -> tuple[str, ...]:
    known = one.attributes
    parts = [known.department, known.project, known.agreement_ends and text("people.until", day=known.agreement_ends)]
    parts += [text("people.sensitive")] if known.sensitive else []
    stated = " · ".join(part for part in parts if part) or text("people.nothing_stated")
    policies = "; ".join(one.policies) or text("people.no_policy")
    return (
        f"{one.studies:,}".replace(",", "\u202f"),
        stated,
        text("people.yes" if one.is_seen else "people.no"),
        policies,
    )
