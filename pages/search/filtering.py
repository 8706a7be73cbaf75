"""The filters: their widgets, what of them is in the URL, and the line that says what is applied and removes it.

A filter is one field here and one condition in the engine. Values in the URL that the collection does not have, or that
cannot be, count as absent.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.errors import CasebindError
from engine.retrieval import wording
from engine.retrieval.answer import Options
from engine.store.filters import Filters
from engine.strings import several, text
from engine.workspace.filter_check import check_filters
from pages.shared import resources
from pages.shared.filter_address import AGES, ANY, CHOICES, DEFAULTS, LEARN, MANY, in_address, is_possible, known_values
from pages.shared.keys import KEYS
from pages.shared.markdown import escaped, said

QUALITY_STEP = 0.05
UNSET = object()


def wrong() -> list[str]:
    """Return the names in the URL whose values cannot be, before widgets have taken their place."""
    return [
        name
        for name in DEFAULTS
        if f"set-{name}" not in st.session_state and st.query_params.get_all(name) and in_address(name) is None
    ]


def prepare() -> None:
    """Give every widget its value before it is drawn, or that of the URL where it has none."""
    for name, default in DEFAULTS.items():
        held = st.session_state.get(f"set-{name}", UNSET)
        # On every run: the widgets of a panel are drawn while it is open alone, and take over what is applied.
        st.session_state[f"set-{name}"] = _for_widget(name, in_address(name) or default) if held is UNSET else held


def draw_filters(settings: Options, on_change: Callable[[], None]) -> None:
    """Draw the widgets and how many cases remain, inside the popover; call `on_change` when one is changed."""
    known = known_values(resources.sight())
    st.slider(text("controls.age"), *AGES, key="set-age", on_change=on_change)
    _buttons("sex", "controls", on_change)
    if known["view"]:
        st.segmented_control(
            text("filters.view"),
            (ANY, *known["view"]),
            required=True,
            key="set-view",
            format_func=lambda name: text("controls.any") if name == ANY else name,
            on_change=on_change,
        )
    _many("labels", known["labels"], on_change)
    _many("cohorts", known["cohorts"], on_change)
    _buttons("made", "filters", on_change)
    for name, column in zip(("from", "until"), st.columns(2), strict=True):
        column.text_input(
            text(f"filters.{name}"),
            key=f"set-{name}",
            help=text("filters.date_help"),
            max_chars=10,
            on_change=on_change,
        )
    _say_dates()
    st.slider(
        text("filters.quality"),
        0.0,
        1.0,
        step=QUALITY_STEP,
        key="set-quality",
        help=text("filters.quality_help"),
        on_change=on_change,
    )
    st.checkbox(text("filters.consent"), key="set-consent", on_change=on_change)
    if not _parts(settings.filters):
        st.markdown(f":small[{_remaining(settings)}]")


def to_url() -> None:
    """Put what the widgets hold into the URL; what is at its default is left out of it."""
    for name, default in DEFAULTS.items():
        values = _from_widget(name, st.session_state[f"set-{name}"])
        if values == default or not values or not is_possible(name, values):
            st.query_params.pop(name, None)
        elif st.query_params.get_all(name) != values:
            st.query_params[name] = values


def draw_applied(settings: Options) -> None:
    """Draw what is applied and how many cases remain, with a button per filter that removes it.

    Where no filter is applied, their panel alone says so.
    """
    parts = _parts(settings.filters)
    if not parts:
        return
    st.markdown(f":small[{_remaining(settings)}]")
    with st.container(horizontal=True, key="applied", gap="small"):
        for names, words in parts:
            st.button(
                escaped(words),
                icon=":material/close:",
                key=f"remove-{names[0]}",
                help=text("filters.remove", sentence=words),
                on_click=_reset,
                args=(names,),
            )
        st.button(
            text("filters.clear"),
            key="clear",
            type="tertiary",
            shortcut=KEYS["clear"],
            on_click=_reset,
            args=(tuple(DEFAULTS),),
        )


def _remaining(settings: Options) -> str:
    """Return what is applied, in words, and how many cases it leaves of how many."""
    remain, total = _counts(settings)
    sentence = escaped(settings.filters.sentence or text("controls.sentence_none"))
    return f"{sentence} {several(remain, 'filters.remain', total=total)}"


def _parts(filters: Filters) -> list[tuple[tuple[str, ...], str]]:
    """Return (fields of this screen, words) of every condition in force, in the order of the sentence."""
    fields = {
        ("age",): ("age_min", "age_max"),
        ("sex",): ("sex",),
        ("view",): ("view",),
        ("cohorts",): ("cohorts",),
        ("labels",): ("labels",),
        ("made",): ("synthetic",),
        ("from", "until"): ("acquired_from", "acquired_to"),
        ("quality",): ("quality_min",),
        ("consent",): ("consent",),
    }
    alone = {names: Filters(**{one: getattr(filters, one) for one in held}) for names, held in fields.items()}
    return [(names, one.clauses()[0].sentence) for names, one in alone.items() if one.clauses()]


def _counts(settings: Options) -> tuple[int, int]:
    """Return how many cases of the kinds searched the filters and consent leave, and how many there are."""
    return _counted(resources.sight(), settings.filters, settings.targets)


@st.cache_data(max_entries=200, show_spinner=False)
def _counted(sight: resources.Sight, filters: Filters, targets: tuple[str, ...]) -> tuple[int, int]:
    workspace = resources.workspace()
    left, every = workspace.counts(filters, actor=resources.actor()), workspace.counts(actor=resources.actor())
    return sum(left.get(name, 0) for name in targets), sum(every.get(name, 0) for name in targets)


def _reset(names: tuple[str, ...]) -> None:
    """Put filters back to where they restrict nothing."""
    for name in names:
        st.session_state[f"set-{name}"] = _for_widget(name, DEFAULTS[name])


def _buttons(name: str, section: str, on_change: Callable[[], None]) -> None:
    st.segmented_control(
        text(f"{section}.{name}"),
        CHOICES[name],
        required=True,
        key=f"set-{name}",
        format_func=lambda one: text(f"{section}.{name}_{one}"),
        on_change=on_change,
    )


def _many(name: str, options: list[str], on_change: Callable[[], None]) -> None:
    """Draw the choice of several values; Enter takes the one that was typed, not all that contain it."""
    st.multiselect(
        text(f"controls.{name}"),
        options,
        key=f"set-{name}",
        placeholder=text("controls.any"),
        select_all=False,
        format_func=wording.label if name == "labels" else str,
        on_change=on_change,
    )


def _say_dates() -> None:
    """Say what is wrong with a date that was typed; such a date filters nothing."""
    try:
        first, last = (st.session_state[f"set-{name}"].strip() or None for name in ("from", "until"))
        check_filters(Filters(acquired_from=first, acquired_to=last), resources.workspace(), actor=resources.actor())
    except CasebindError as problem:
        st.error(said(problem), icon=":material/error:")


def _for_widget(name: str, values: list[str]) -> object:
    """Return URL values in the form that the widget of that name holds."""
    if name == "age":
        low, high = sorted(int(v) for v in values)
        return (low, high)
    if name in MANY:
        return list(values)
    if name == "consent":
        return values[0] != ANY
    return round(float(values[0]) / QUALITY_STEP) * QUALITY_STEP if name == "quality" else values[0]


def _from_widget(name: str, value: object) -> list[str]:
    """Return what a widget holds as URL values."""
    if name == "consent":
        return [LEARN if value else ANY]
    if name == "quality":
        return [f"{value:.2f}".rstrip("0").rstrip(".")]
    if name == "age" or name in MANY:
        return [str(one) for one in value]  # type: ignore[attr-defined]
    return [str(value).strip()]
