"""Consent: one patient by pseudonym, who has withdrawn what, who is due for erasure, and the certificates."""

from __future__ import annotations

import streamlit as st

from engine.consent.overview import PatientConsent
from engine.store.consents import Withdrawal
from engine.store.records import SCOPES
from engine.strings import number, several, text
from engine.workspace.certificate import Certificate
from pages.consent import state
from pages.shared import frame, html_table, resources, session
from pages.shared.markdown import escaped

WITHDRAWN = ("patient", "scope", "since", "who", "cohort", "studies")
CERTIFICATES = ("number", "when", "of", "who", "rows", "bytes", "found")


def draw() -> None:
    """Draw everything, for whoever keeps consent."""
    st.title(text("consent.title"), anchor=False)
    found = state.everything()
    st.markdown(text("consent.lead"))
    _patient()
    st.header(text("consent.due"), anchor=False)
    _due(found.due)
    st.header(text("consent.withdrawn"), anchor=False)
    _withdrawn(found.withdrawn)
    st.header(text("consent.certificates"), anchor=False)
    _certificates(found.certificates)
    st.header(text("consent.encryption"), anchor=False)
    st.markdown(text("consent.encrypted" if resources.workspace().files.is_encrypting else "consent.plain"))
    state.draw_asked()
    frame.describe(text("consent.title"), screen="consent")


def _patient() -> None:
    """Draw the field for a pseudonym and what is known of that patient."""
    st.text_input(text("consent.patient"), key=state.PATIENT, placeholder=text("consent.pseudonym"), width=420)
    with frame.heard("consent-said"):
        state.draw_said()
        session.show_error(state.ERROR)
    named = st.session_state.get(state.PATIENT, "").strip()
    if not named:
        return
    known = state.patient(named)
    if known.studies:
        _here(known)
    elif known.certificate is not None:
        st.markdown(text("consent.erased", when=known.certificate.ended[:16].replace("T", " ")))
        _learnt(known)
    else:
        st.info(text("consent.unknown"), icon=":material/person_off:")


def _here(known: PatientConsent) -> None:
    """Draw the scopes of a patient who is here, and what erases and unlearns."""
    with st.container(border=True, key="consent-patient"):
        holds = several(known.studies, "consent.studies", cohort=escaped(known.cohort))
        st.markdown(f"**{escaped(known.patient_id)}** · {holds}")
        for scope in SCOPES:
            st.toggle(
                text(f"consent.scope_{scope}"),
                value=known.scopes[scope],
                key=f"consent-{scope}-{known.patient_id}-{known.scopes[scope]}",
                on_change=state.decide,
                args=(known.patient_id, scope, not known.scopes[scope]),
            )
        if not known.scopes["retrieval"]:
            st.markdown(f":small[{text('consent.needs_first')}]")
        st.button(
            text("consent.erase"),
            key="erase",
            icon=":material/delete_forever:",
            on_click=state.ask,
            args=(known.patient_id, (known.patient_id,)),
        )
    _learnt(known)


def _learnt(known: PatientConsent) -> None:
    """Draw which releases may have learnt from a patient, and what learns anew; nothing where none has."""
    if known.learnt:
        st.markdown(text("consent.learnt", names=escaped(", ".join(known.learnt))))
        if st.button(text("consent.unlearn"), key="unlearn", icon=":material/model_training:"):
            state.unlearn(known.patient_id)


def _due(due: dict[str, list[str]]) -> None:
    if not due:
        st.markdown(text("consent.due_none"))
    for cohort, patients in due.items():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(several(len(patients), "consent.due_lead", cohort=escaped(cohort)), width="content")
            st.button(
                text("consent.due_erase", cohort=escaped(cohort)),
                key=f"erase-{cohort}",
                icon=":material/delete_forever:",
                on_click=state.ask,
                args=(cohort, tuple(patients)),
            )


def _withdrawn(rows: list[Withdrawal]) -> None:
    if not rows:
        st.markdown(text("consent.withdrawn_none"))
        return
    heads = [text(f"consent.column_{name}") for name in WITHDRAWN]
    html_table.draw_html_table(heads, [_withdrawal(one) for one in rows])


def _withdrawal(one: Withdrawal) -> tuple[str, ...]:
    since, scope = f"{one.since:%Y-%m-%d %H:%M}", text(f"consent.word_{one.scope}")
    return (one.patient_id, scope, since, one.who, one.cohort, number(one.studies))


def _certificates(found: list[Certificate]) -> None:
    """Draw the certificates, and one as a file."""
    if not found:
        st.markdown(text("consent.certificates_none"))
        return
    heads = [text(f"consent.column_{name}") for name in CERTIFICATES]
    html_table.draw_html_table(heads, [_certificate(one) for one in found])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            text("consent.choose"), [one.number for one in found], key="consent-certificate", width=320
        )
        page = next(one.page for one in found if one.number == chosen)
        st.download_button(
            text("consent.download"),
            data=page,
            file_name=f"{chosen}.txt",
            mime="text/plain",
            key="consent-file",
            icon=":material/download:",
            on_click="ignore",
        )


def _certificate(one: Certificate) -> tuple[str, ...]:
    about = several(len(one.references), f"consent.of_{one.kind}")
    counted = (number(sum(one.rows.values())), number(one.searched_bytes), number(sum(one.found.values())))
    return (one.number, one.ended[:16].replace("T", " "), about, one.who, *counted)


draw()
