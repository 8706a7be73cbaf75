"""Reader study: the studies that somebody reads in or made, one case to read, or a maker's view of how far it is."""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from engine.reader_study import design
from engine.strings import text
from pages.reader_study import home, make, maker, read, state
from pages.shared import resources
from pages.shared.markdown import said


def draw() -> None:
    """Draw what the URL asks for; an unknown id leads back to the list with one sentence."""
    which = st.query_params.get(state.STUDY)
    try:
        if which is None and st.query_params.get(state.VIEW) == state.MAKE:
            make.draw_make()
            return
        if which is None:
            home.draw_list()
            return
        if state.KEY in st.query_params:
            state.enter_as_maker(which)
        study = design.load(resources.workspace(), which, actor=state.reader())
        if st.query_params.get(state.VIEW) == state.MAKER:
            maker.draw_maker(study)
        else:
            read.draw_reading(study)
    except CasebindError as error:
        st.error(said(error), icon=":material/error:")
        st.button(text("reader_study.home"), icon=":material/arrow_back:", key="home", on_click=state.home)


draw()
