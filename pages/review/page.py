"""Review: pairs worth rating one after the other by one key each, and everything around that.

/review?who=<rater>&strategy=<name>&n=<pairs>&seed=<number> opens a queue, the same one after a refresh or a restart;
&view=<name of VIEWS> the other screens, &view=check&run=<id> a check.
"""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from pages.review import agree, assign, check, disputes, guide, home, mine, rate, share, state
from pages.shared import resources
from pages.shared.markdown import said
from pages.shared.session import show_error

VIEWS = {
    "agreement": agree.draw_agreement,
    "share": share.draw_share,
    "guide": guide.draw_guide,
    "check": check.draw_check,
    "disputes": disputes.draw_disputes,
    "assign": assign.draw_assignments,
    "mine": mine.draw_own_figures,
}


def draw() -> None:
    """Draw what the URL asks for; what cannot be is one sentence and the way back."""
    show_error(state.ERROR)
    resources.freeze_gc()
    try:
        if state.view() in VIEWS:
            VIEWS[state.view()]()
        elif state.has_queue():
            rate.draw_queue(state.review())
        else:
            home.draw_review_home()
    except CasebindError as error:
        st.error(said(error), icon=":material/error:")
        state.draw_back_button()


draw()
