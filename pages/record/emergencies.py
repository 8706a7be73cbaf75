"""Emergency accesses that no officer has read about: who, when, how many studies, why, and whether a mail went out."""

from __future__ import annotations

import streamlit as st

from engine.access.emergencies import Emergency
from engine.access.mail_server import mail_server
from engine.sentences import spoken
from engine.strings import several, text
from pages.record import state
from pages.shared.markdown import escaped
from pages.shared.session import show_error


def draw_emergencies() -> None:
    """Draw a line for each with the button that marks it as read; nothing where there is none."""
    show_error(state.EMERGENCY_ERROR)
    found, n = state.emergencies()
    if not found:
        return
    with st.container(border=True, key="record-emergencies"):
        st.markdown(several(n, "record.unread"))
        for one in found:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"{_line(one)}  \n:small[{_mail(one)}]", width="stretch")
                st.button(
                    text("record.emergency_read", row=one.row),
                    key=f"record-emergency-{one.row}",
                    icon=":material/mark_email_read:",
                    on_click=state.mark_read,
                    args=(one.row,),
                )
        if n > len(found):
            st.markdown(text("record.unread_more", n=n - len(found)))


def _line(one: Emergency) -> str:
    began, ended = (f"{when:%Y-%m-%d %H:%M}" for when in (one.began, one.ended or one.began))
    key = "record.emergency_open" if one.ended is None else "record.emergency"
    return text(key, who=escaped(one.who), began=began, ended=ended, studies=one.studies, reason=escaped(one.reason))


def _mail(one: Emergency) -> str:
    """Return whether officers were sent a mail."""
    if one.due is None or one.mailed:
        return text("record.mail_sent")
    if mail_server() is None:
        return text("record.mail_off")
    why = one.failed.get(one.due)
    return text("record.mail_waits", reason=escaped(spoken(why))) if why else text("record.mail_due")
