"""Sending what was found into the study of the archive that the query was taken from: find it, look, confirm.

The work goes on when the dialog is closed; how it ended stands there when it is opened again.
"""

from __future__ import annotations

import streamlit as st

from engine.hospital import fetching
from engine.hospital.archive import FoundStudy, WantedStudies
from engine.hospital.sending import STEPS, SendJob
from engine.hospital.settings import names_archive
from engine.retrieval.answer import Answer
from engine.settings import workspace_path
from engine.strings import several, text
from pages.shared import archive_study, permitted, resources, session
from pages.shared.markdown import said
from pages.shared.viewer import shown_window

FOUND, JOB, ERROR = "send-found", "send-job", "send-error"
NUMBER = "send-accession"
POLL_S = 0.5


def draw(answer: Answer, cases: tuple[str, ...]) -> None:
    """Draw the part of a dialog that sends these cases of an answer; nothing where there is no archive to send to."""
    if not permitted.may("fetch") or not answer.neighbours or not names_archive(workspace_path()):
        return
    with st.container(border=True, key="send-back"):
        st.markdown(f"**{text('send.title')}**  \n:small[{text('send.lead')}]")
        job = _of(answer, JOB)
        if isinstance(job, SendJob) and not job.over:
            _progress(job)
            return
        with st.form("send-question", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(text("pacs.accession"), archive_study.accession(), key=NUMBER)
            st.form_submit_button(text("send.find"), icon=":material/search:", on_click=_find, args=(answer,))
        with st.container(key="heard-send-said", gap=None):  # screen readers say what comes to stand here
            session.show_error(ERROR)
            if isinstance(job, SendJob):
                _outcome(job)
        found = _of(answer, FOUND)
        if isinstance(found, list):
            _confirm(answer, cases, found)


def forget() -> None:
    """Forget which studies were found, as the dialog is closed; work that began goes on."""
    for name in (FOUND, ERROR):
        st.session_state.pop(name, None)


def _of(answer: Answer, name: str) -> object:
    """Return what is kept under a name for an answer; None where nothing is, or it is another answer's."""
    query_id, kept = st.session_state.get(name, ("", None))
    return kept if query_id == answer.query_id else None


@st.fragment(run_every=POLL_S)
def _progress(job: SendJob) -> None:
    """Draw how far the sending is; the dialog is drawn anew at its end."""
    if job.over:
        st.rerun()
    step = job.step if job.step in STEPS else STEPS[-1]
    st.progress(job.share, text=text(f"send.step_{step}"))
    st.markdown(archive_study.line(job.study))


def _outcome(job: SendJob) -> None:
    if job.sent is not None:
        st.success(several(len(job.sent.objects), "send.sent"), icon=":material/check:")
        st.markdown(archive_study.line(job.study))
    else:
        st.error(said(job.error), icon=":material/error:")


def _confirm(answer: Answer, cases: tuple[str, ...], found: list[FoundStudy]) -> None:
    """Draw the studies that were found, and the button that sends into the one that is chosen."""
    if not found:
        st.markdown(text("pacs.nothing"))
        return
    lines = {one.uid: archive_study.line(one) for one in found}
    chosen = st.radio(text("pacs.choose"), list(lines), key="send-study", format_func=lines.__getitem__)
    study = next(one for one in found if one.uid == chosen)
    st.button(
        text("send.into"),
        type="primary",
        icon=":material/send:",
        key="send-confirm",
        on_click=_send,
        args=(answer, cases, study),
    )


def _find(answer: Answer) -> None:
    """Ask the archive for the study of the number that was typed."""
    st.session_state.pop(FOUND, None)
    st.session_state.pop(JOB, None)
    wanted = WantedStudies(accession=st.session_state[NUMBER])

    def act() -> None:
        found = fetching.find(resources.workspace(), wanted, actor=session.reader())
        st.session_state[FOUND] = answer.query_id, found

    session.attempt(ERROR, act)


def _send(answer: Answer, cases: tuple[str, ...], study: FoundStudy) -> None:
    """Begin to send."""
    st.session_state.pop(FOUND, None)
    job = SendJob(study)

    def act() -> None:
        window = shown_window.window_of(answer.study)
        job.begin(resources.workspace(), answer, cases, window, actor=session.reader())
        st.session_state[JOB] = answer.query_id, job

    session.attempt(ERROR, act)
