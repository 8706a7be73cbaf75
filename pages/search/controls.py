"""The bar over the results: how near, and the filters; kinds, number, code length and order stand under "Advanced".

Everything chosen is in the URL, so that a view can be kept and shared; what is at its default is left out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine.modalities import MODALITIES
from engine.retrieval import wording
from engine.retrieval.answer import Answer, Options
from engine.retrieval.radius_counts import count_within
from engine.strings import several, text
from pages.search import filtering
from pages.shared import filter_address, resources
from pages.shared.query_address import ALLOWED, DEFAULTS, in_address, options_in_address

CHANGED = "controls-changed"  # in the session: a setting in a panel, since the page was drawn


def draw_controls() -> tuple[Options, DeltaGenerator]:
    """Put what is chosen into the URL and draw the bar; return what is chosen, and the place at the end of the bar."""
    _follow_address()
    _say_ignored()
    _prepare()
    filtering.prepare()
    _write_address()
    settings = options_in_address()
    st.session_state.pop(CHANGED, None)  # this run has taken it in
    with st.container(horizontal=True, vertical_alignment="center", key="controls", gap="small"):
        st.markdown(text("controls.at"), width="content")
        _choice("at", ALLOWED["at"], lambda name: text(f"controls.{name}"), shown_label=False)
        with st.container(width="content", key="panels"):
            _draw_panels(settings)
        end = st.container(key="within", width="content")
    filtering.draw_applied(settings)
    return settings, end


@st.fragment
def _draw_panels(settings: Options) -> None:
    """Draw the two buttons, and of the panel that is open its widgets; opening one redraws these alone."""
    if st.session_state.pop(CHANGED, False):
        st.rerun(scope="app")
    with st.container(horizontal=True, gap="small"):
        filters = st.popover(text("controls.filters"), icon=":material/filter_alt:", key="filters", on_change="rerun")
        advanced = st.popover(text("controls.advanced"), icon=":material/tune:", key="advanced", on_change="rerun")
    if filters.open:
        with filters:
            filtering.draw_filters(settings, on_change=_note_change)
    if advanced.open:
        with advanced:
            _draw_advanced()


def _note_change() -> None:
    """Have the whole page drawn anew: a setting in a panel was changed."""
    st.session_state[CHANGED] = True


def draw_within(found: Answer, settings: Options, place: DeltaGenerator) -> None:
    """Say how many of what was found lie within each radius, so that nobody narrows down to nothing unawares."""
    if settings.operating_point is not None or found.typed is not None or not found.neighbours:
        return
    counts = count_within(resources.release(), found, settings.targets, settings.k)
    said = [
        text("controls.within_more" if one.more else "controls.within", at=text(f"controls.{point}"), n=one.n)
        for point, one in counts.items()
    ]
    place.markdown(f":small[{text('controls.within_line', counts=' · '.join(said))}]")


def draw_group_radii(found: Answer) -> None:
    """Say which radius the query's own group has, where one of its own is in use."""
    if said := wording.group_radii(found):
        st.markdown(f":small[:material/tune: {' · '.join(said)}]")


def _prepare() -> None:
    """Give every widget its value on every run, or that of the URL where it has none; see filtering.prepare."""
    for name in DEFAULTS:
        values = in_address(name)
        held = st.session_state.get(f"set-{name}", list(values) if name == "into" else values[0])
        st.session_state[f"set-{name}"] = held


def _write_address() -> None:
    """Put what the widgets hold into the URL."""
    for name, default in DEFAULTS.items():
        held = st.session_state[f"set-{name}"]
        to_url(name, [str(one) for one in held] if isinstance(held, Sequence) and name == "into" else [held], default)
    filtering.to_url()
    st.session_state["address"] = _address()


def to_url(name: str, values: list[str], default: list[str]) -> None:
    """Write one setting into the URL, or take it out where it is at its default."""
    if values == default or not values:
        st.query_params.pop(name, None)
    elif st.query_params.get_all(name) != values:
        st.query_params[name] = values


def _address() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in (*DEFAULTS, *filter_address.DEFAULTS)}


def _follow_address() -> None:
    """Let the widgets take the address's values where the browser went back or forward since they last wrote it."""
    if st.session_state.get("address", _address()) != _address():
        for name in _address():
            st.session_state.pop(f"set-{name}", None)


def _say_ignored() -> None:
    """Say in one sentence which settings of the address do not exist here; they are gone from it after this run."""
    wrong = [name for name in DEFAULTS if st.query_params.get_all(name) and _is_wrong(name)]
    wrong += filtering.wrong()
    if wrong:
        st.warning(several(len(wrong), "filters.ignored", names=", ".join(wrong)), icon=":material/link_off:")


def _is_wrong(name: str) -> bool:
    return f"set-{name}" not in st.session_state and in_address(name) is DEFAULTS[name]


def _choice(
    name: str,
    options: Sequence[str],
    shown: Callable[[str], str],
    *,
    shown_label: bool = True,
    on_change: Callable[[], None] | None = None,
) -> None:
    st.segmented_control(
        text(f"controls.{name}"),
        options,
        required=True,
        key=f"set-{name}",
        format_func=shown,
        help=text(f"controls.{name}_help"),
        label_visibility="visible" if shown_label else "collapsed",
        on_change=on_change,
    )


def _draw_advanced() -> None:
    """Draw the widgets, inside the popover."""
    st.pills(
        text("controls.into"),
        list(MODALITIES),
        selection_mode="multi",
        key="set-into",
        format_func=lambda name: text(f"modality.{name}"),
        on_change=_note_change,
    )
    st.select_slider(text("controls.k"), ALLOWED["k"], key="set-k", on_change=_note_change)
    _choice("bits", ALLOWED["bits"], str, on_change=_note_change)
    _choice("rerank", ALLOWED["rerank"], lambda name: text(f"controls.rerank_{name}"), on_change=_note_change)
