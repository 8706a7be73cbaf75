"""Review: pairs worth rating one after the other by one key each, how far raters agree, and ratings of other sites.

/review?who=<rater>&strategy=<name>&n=<pairs>&seed=<number> opens a queue, the same one after a refresh or a restart;
&view=agreement or &view=share the other two screens.
"""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from pages.review import agree, home, rate, share, state
from pages.shared import resources
from pages.shared.session import show_error


def draw() -> None:
    """Draw what the URL asks for; what cannot be is one sentence and the way back."""
    show_error(state.ERROR)
    resources.freeze_gc()
    try:
        if state.view() == "agreement":
            agree.draw_agreement()
        elif state.view() == "share":
            share.draw_share()
        elif state.has_queue():
            rate.draw_queue(state.review())
        else:
            home.draw_review_home()
    except CasebindError as error:
        st.error(str(error), icon=":material/error:")
        state.draw_back_button()


draw()
