"""Review: pairs worth rating one after the other by one key each, how far raters agree, and ratings of other sites.

/review?who=<rater>&strategy=<name>&n=<pairs>&seed=<number> opens a queue, the same one after a refresh or a restart;
&view=agreement or &view=share the other two screens.
"""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from pages.review import agree, home, rate, share, state
from pages.shared import resources


def draw() -> None:
    """Draw what the URL asks for; what cannot be is one sentence and the way back."""
    state.say()
    resources.settle()
    try:
        if state.view() == "agreement":
            agree.draw()
        elif state.view() == "share":
            share.draw()
        elif state.asked():
            rate.draw(state.review())
        else:
            home.draw()
    except CasebindError as error:
        st.error(str(error), icon=":material/error:")
        state.way_back()


draw()
