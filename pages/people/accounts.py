"""The accounts of a workspace as a table, and what an administrator does with them."""

from __future__ import annotations

import streamlit as st

from engine.access import mode
from engine.access.accounts import ROLES
from engine.store.people import Account, People
from engine.strings import text
from engine.workspace import people_office
from pages.shared import html_table, resources
from pages.shared.markdown import escaped
from pages.shared.session import attempt

ERROR, LINK = "people-error", "people-made-link"


def role_name(role: str) -> str:
    """Return a role in the reader's language."""
    return text(f"role.{role.replace('-', '_')}")


def draw_accounts(people: People) -> None:
    """Draw all accounts, closed ones too."""
    st.header(text("people.accounts"), anchor=False)
    found = people_office.listed(resources.workspace(), people, actor=resources.actor())
    heads = [text(f"people.column_{name}") for name in ("name", "state", "roles", "about")]
    html_table.draw_html_table(heads, [_row(one) for one in found])


def draw_changes(people: People) -> None:
    """Draw the forms that change an account and that add one, and the one-time link that came of it."""
    with st.container(key="beside"):
        left, right = st.columns(2, gap="large")
    with left:
        _change(people)
    if mode.sign_in() == "accounts":
        with right:
            _add(people)
    _draw_link()


def _row(one: Account) -> tuple[str, ...]:
    source = text("people.from_provider", issuer=one.issuer) if one.issuer else ""
    about = " · ".join(value for value in (*(value for _, value in one.attributes), source) if value)
    return one.name, text(f"people.{one.state}"), ", ".join(map(role_name, one.roles)), about


def _change(people: People) -> None:
    """Draw roles, link and end of one account."""
    st.subheader(text("people.change"), anchor=False)
    found = people_office.listed(resources.workspace(), people, actor=resources.actor())
    known = {one.name: one for one in found if one.closed_at is None}
    name = st.selectbox(text("people.column_name"), known, key="people-name")
    if name is None:
        return
    if issuer := known[name].issuer:
        st.markdown(text("people.changed_there", name=escaped(name), issuer=escaped(issuer)))
    else:
        _draw_roles(people, known[name])
    with st.popover(text("people.close"), icon=":material/person_off:", key="people-close-open"):
        st.markdown(text("people.close_about", name=name))
        st.button(text("people.close_do", name=name), key="people-close", on_click=_close, args=(people, name))


def _draw_roles(people: People, account: Account) -> None:
    """Draw the roles of an account of this workspace, and the way to a new password."""
    name, key = account.name, f"people-roles-{account.name}-{'-'.join(account.roles)}"
    st.pills(
        text("people.column_roles"),
        ROLES,
        selection_mode="multi",
        default=account.roles,
        format_func=role_name,
        key=key,
    )
    chosen = st.session_state[key]
    with st.container(horizontal=True, gap="small"):
        st.button(
            text("people.save"),
            key="people-save",
            type="primary",
            disabled=set(chosen) == set(account.roles),
            on_click=_set_roles,
            args=(people, name, tuple(chosen)),
        )
        st.button(
            text("people.link"), icon=":material/link:", key="people-link", on_click=_new_link, args=(people, name)
        )


def _add(people: People) -> None:
    """Draw the form that adds an account."""
    st.subheader(text("people.add"), anchor=False)
    with st.form("people-add", border=False):
        st.text_input(text("people.column_name"), key="people-new-name", help=text("people.name_help"))
        st.pills(
            text("people.column_roles"), ROLES, selection_mode="multi", format_func=role_name, key="people-new-roles"
        )
        with st.container(horizontal=True):
            st.text_input(text("people.department"), key="people-new-department")
            st.text_input(text("people.project"), key="people-new-project", help=text("people.project_help"))
        st.form_submit_button(text("people.add_do"), type="primary", on_click=_store, args=(people,))


def _draw_link() -> None:
    """Draw once the link that was made last; it is nowhere else."""
    name, token = st.session_state.pop(LINK, ("", ""))
    if token:
        st.success(text("people.link_about", name=name), icon=":material/link:")
        st.code(f"{_address()}/invitation?token={token}", language=None, wrap_lines=True)


def _address() -> str:
    return mode.public_address() or "/".join(str(st.context.url).split("/")[:3])


def _store(people: People) -> None:
    values = {one: st.session_state[f"people-new-{one}"] for one in ("name", "roles", "department", "project")}
    attributes = {one: values[one] for one in ("department", "project")}

    def store() -> None:
        workspace, actor = resources.workspace(), resources.actor()
        token = people_office.add(workspace, people, values["name"], values["roles"], attributes, actor=actor)
        st.session_state[LINK] = (values["name"].strip().lower(), token)
        for one in ("name", "department", "project"):
            st.session_state[f"people-new-{one}"] = ""
        st.session_state["people-new-roles"] = []

    attempt(ERROR, store)


def _new_link(people: People, name: str) -> None:
    def make() -> None:
        token = people_office.new_link(resources.workspace(), people, name, actor=resources.actor())
        st.session_state[LINK] = (name, token)

    attempt(ERROR, make)


def _set_roles(people: People, name: str, roles: tuple[str, ...]) -> None:
    workspace, actor = resources.workspace(), resources.actor()
    attempt(ERROR, lambda: people_office.set_roles(workspace, people, name, roles, actor=actor))


def _close(people: People, name: str) -> None:
    attempt(ERROR, lambda: people_office.close(resources.workspace(), people, name, actor=resources.actor()))
