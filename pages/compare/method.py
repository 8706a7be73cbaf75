"""How a match is explained: the switch between methods, which one is shown first, and what their checks say."""

from __future__ import annotations

import streamlit as st

from engine.evaluate.explanation_verdicts import Verdicts, verdicts
from engine.explain.agreement import agreement
from engine.explain.maps import GRADIENTS, METHODS, InputMap, PairMaps, RawMap
from engine.explain.methods import default_method
from engine.explain.players import Name, Players
from engine.explain.waves import REST
from engine.modalities import spec_of
from engine.strings import text
from engine.study import Film, Study
from pages.compare import parts
from pages.shared import resources
from pages.shared.keys import KEYS
from pages.shared.markdown import escaped

CHOSEN = "why-method"  # in the session: the method that the user chose; none until then
SWITCH = "why-method-switch"


def shown(query: Study, match: Study) -> str | None:
    """Return the method that is shown: the user's, else the first that passed its checks; None where none did."""
    chosen: str | None = st.session_state.get(CHOSEN)
    return chosen or _verdicts().first(_kinds(query, match), default_method(query, match))


def draw_switch(method: str | None) -> None:
    """Draw the switch between methods, and the button whose key goes to the next one."""
    st.session_state[SWITCH] = method
    st.segmented_control(
        text("explained.method"),
        METHODS,
        key=SWITCH,
        format_func=_name,
        label_visibility="collapsed",
        on_change=_choose,
    )
    at = METHODS.index(method) if method in METHODS else -1
    st.button(
        text("explained.next"),
        key="why-next",
        icon=":material/swap_horiz:",
        shortcut=KEYS["method"],
        help=text("explained.next_help"),
        on_click=st.session_state.update,
        args=({CHOSEN: METHODS[(at + 1) % len(METHODS)]},),
    )


def _choose() -> None:
    if st.session_state.get(SWITCH):
        st.session_state[CHOSEN] = st.session_state[SWITCH]


def draw_checks(query: Study, match: Study, method: str | None) -> None:
    """Draw what the recorded evaluation says: of the method that is shown, of those that are not, and of films."""
    known, kinds = _verdicts(), _kinds(query, match)
    if method is None:
        for kind in kinds:
            if known.first([kind], GRADIENTS) is None:
                st.info(text("explained.none", kind=_plural(kind)), icon=":material/visibility_off:")
        return
    for kind in kinds:
        if failed := known.failed(kind, method):
            said = text("explained.check_failed", method=_name(method), kind=_plural(kind), why=_why(failed))
            st.warning(said, icon=":material/warning:")
    pointing = known.pointing(method) if "cxr" in kinds else None
    if pointing is not None:
        words = "explained.pointing_better" if pointing.hit > pointing.middle else "explained.pointing"
        hit, middle = (f"{100 * share:.0f}" for share in (pointing.hit, pointing.middle))
        points = text(words, n=pointing.n, hit=hit, middle=middle, release=known.release)
        st.markdown(f":material/my_location: {escaped(points)}")
    for kind in kinds:
        for other in METHODS:
            if other != method and (failed := known.failed(kind, other)):
                off = text("explained.off", kind=_plural(kind), method=_name(other), why=_why(failed))
                st.markdown(f":small[{escaped(off)}]")


def agreement_said(input_map: InputMap | None, raw: RawMap | None, beside: PairMaps, side: str, study: Study) -> str:
    """Return how far a map agrees with gradients, in the order of parts and in where either puts most; "" of neither.

    beside : the gradients of the pair; side : "query" or "match"
    """
    other: InputMap | None = getattr(beside, side)
    other_raw: RawMap | None = getattr(beside.raw, side)
    if input_map is None or other is None or raw is None or other_raw is None or raw.parts is None:
        return ""
    if not (input_map.converged and other.converged):
        return ""
    found = agreement(raw, other_raw, Players(raw.parts.names, raw.parts.labels))
    if found is None:
        return ""
    name = _name(input_map.method)
    first, second = place_name(found.first), place_name(found.second)
    if isinstance(study.content, Film):
        first, second = (parts.shares(one, study)[0][0] for one in (input_map, other))
    where = (
        text("explained.agree_same", place=first)
        if first == second
        else text("explained.agree_apart", method=name, first=first, second=second)
    )
    order = f"{found.order:.2f}".replace("-", "−")
    return f"{where} {text('explained.agree_order', method=name, order=order)}"


def place_name(name: Name) -> str:
    """Return a part of a trace in words."""
    first, wave = name
    if wave == REST:
        return text("explained.between")
    if not first:
        return text("explained.stretch", start=wave.removeprefix("from ").removesuffix(" s"))
    if first.isdecimal():
        return text("explained.beat", n=first, wave=text(f"explained.wave_{wave}"))
    return text("explained.place", first=first, wave=text(f"explained.wave_{wave}"))


def _kinds(query: Study, match: Study) -> list[str]:
    """Return the kinds of the pair whose studies can be coloured."""
    return list(dict.fromkeys(one.modality for one in (query, match) if spec_of(one.modality).attributed))


def _verdicts() -> Verdicts:
    return verdicts(resources.release())


def _name(method: str) -> str:
    name = text(f"explain.method_{method}")
    return name[:1].upper() + name[1:]


def _plural(kind: str) -> str:
    return text(f"modality_plains.{kind}")


def _why(failed: tuple[str, ...]) -> str:
    return "; ".join(text(f"explained.why_{one}") for one in failed)
