"""What the review screen remembers: rater, queue and view in the URL; in the session what goes with the next mark."""

from __future__ import annotations

import secrets

import streamlit as st

from engine.errors import UsageError
from engine.learning import assign, checks
from engine.learning import review as review_module
from engine.learning.queue import Offer, QueueSpec
from engine.learning.review import Review
from engine.learning.strategies import BEST
from engine.store.check_pairs import Kind
from engine.store.records import Rating
from engine.strings import several, text
from pages.shared import frame, free_text, resources, session
from pages.shared.keys import SCREENS
from pages.shared.markdown import escaped
from pages.shared.session import WHO, attempt, rater

STRATEGY, N, SEED, VIEW, RUN = "strategy", "n", "seed", "view", "run"  # names in the URL, beside the rater's
TAGS, ERROR, FINDING, LABELS = "review-tags", "review-error", "review-finding-kept", "review-labels"
KEYS = SCREENS["review"]
SEEDS = 10**6
FIRST_N = 20  # pairs, until the rater asks for another number


def view() -> str:
    """Return which screen is asked for; "" for the start or a queue."""
    return st.query_params.get(VIEW, "")


def has_queue() -> bool:
    """Say whether the URL asks for a queue."""
    return STRATEGY in st.query_params


def review() -> Review:
    """Return the queue that the URL asks for, begun where there is none; UsageError where it cannot be."""
    if SEED not in st.query_params:  # a link without a seed begins a queue of its own
        st.query_params[SEED] = str(secrets.randbelow(SEEDS))
    workspace, spec = resources.workspace(), QueueSpec(st.query_params[STRATEGY], _number(N, FIRST_N), _number(SEED, 0))
    known = review_module.find(workspace, rater(), spec)
    if known is not None:
        return known
    with st.spinner(text("review.choosing"), show_time=True):
        made = review_module.begin(workspace, resources.release(), rater(), spec)
    resources.freeze_gc.clear()  # what the queue needed is loaded now as well
    return made


def _number(name: str, default: int) -> int:
    given = st.query_params.get(name, str(default))
    if not (given.isascii() and given.isdecimal() and len(given) <= 9):
        raise UsageError(text("review.no_number", given=given[:40]))
    return int(given)


def go(**values: object) -> None:
    """Open a view or a queue; the rater stays."""
    here = {WHO: rater().name} if rater().name else {}
    st.query_params.from_dict({**here, **{name: str(value) for name, value in values.items()}})


def begin(strategy: str, n: int) -> None:
    """Open a new queue."""
    go(strategy=strategy, n=n, seed=secrets.randbelow(SEEDS))


def start() -> None:
    """Go on with what was assigned or begun; where there is nothing, begin a queue of the usual kind and size."""
    if not has_name():
        st.session_state[ERROR] = text("review.name_first")
        return
    waiting = to_go_on_with()
    if waiting is None:
        begin(BEST, FIRST_N)
    else:
        go_on(waiting)


def has_name() -> bool:
    """Say whether the rater has a name, also one that was typed a moment ago."""
    return bool(rater().name)


def to_go_on_with() -> Review | None:
    """Return the queue that the rater is to go on with: of the earliest day, or the newest begun; None for none."""
    place, actor = resources.workspace(), rater()
    assigned = [one.review for one in assign.of_reader(place, actor)]
    return next(iter([*assigned, *review_module.open_reviews(place, actor)]), None)


def begin_check(kind: Kind) -> None:
    """Begin a check, or go on with the one that is not at its end."""

    def started() -> None:
        run_id = checks.begin(resources.workspace(), rater(), kind, seed=secrets.randbelow(SEEDS))
        go(view="check", run=run_id)

    attempt(ERROR, started)


def draw_check_button(kind: Kind) -> None:
    """Draw the button that begins a check or a repeat, where there are pairs for one."""
    n = checks.available(resources.workspace(), rater(), kind)
    if n:
        st.button(
            several(n, f"check.begin_{kind}"),
            icon=f":material/{'rule' if kind == checks.AGREED else 'replay'}:",
            key=f"check-{kind}",
            on_click=begin_check,
            args=(kind,),
        )


def draw_view_head(title: str) -> None:
    """Draw title, rater and the way back of a screen beside the queue; a name that is missing is asked for."""
    frame.describe(text(title))
    with st.container(horizontal=True, vertical_alignment="center", key="review-view-head"):
        st.title(text(title), anchor=False, width="content")
        if has_name():
            st.markdown(f":small[{text('review.for_rater', who=escaped(rater().name))}]", width="stretch")
        draw_back_button()
    if not has_name():
        draw_name()


def draw_name() -> None:
    """Draw the field for the rater's name."""
    session.draw_name("review-who", text("review.who"), help_words=text("review.who_help"), width=320)


def go_on(started: Review) -> None:
    """Open a queue again."""
    go(strategy=started.queue.strategy, n=started.queue.asked, seed=started.queue.seed)


def tags() -> tuple[str, ...]:
    """Return the reasons chosen for the mark that comes."""
    return tuple(st.session_state.get(TAGS, ()))


def turn_tag(name: str) -> None:
    """Choose a reason, or take it back."""
    present = tags()
    st.session_state[TAGS] = tuple(one for one in present if one != name) if name in present else (*present, name)


def turn_labels() -> None:
    """Show labels, or hide them."""
    st.session_state[LABELS] = not labels()


def labels() -> bool:
    """Return whether labels are shown; they are not until asked for."""
    return bool(st.session_state.get(LABELS))


def finding() -> str:
    """Return the finding that the rater has in mind; it stays from pair to pair."""
    return st.session_state.get(FINDING) or ""


def store_mark(started: Review, offer: Offer, name: str, comment_key: str) -> None:
    """Store a mark or a skip with what was said before it; it is on disk when this returns."""
    comment = free_text.settled(comment_key, st.session_state.get(comment_key, ""))

    def store() -> None:
        resources.workspace().rate(
            *offer.pair,
            name,
            actor=rater(),
            release=started.queue.release,
            why=tags(),
            comment=comment,
            finding=finding(),
            strategy=offer.strategy,
            random_share=offer.random_share,
        )

    if attempt(ERROR, store):
        st.session_state.pop(TAGS, None)


def amend(last: Rating, reasons_key: str, comment_key: str) -> None:
    """Store the last rating once more with other reasons and another comment."""

    def store() -> None:
        resources.workspace().rate(
            last.query_id,
            last.study_id,
            last.mark,
            actor=rater(),
            release=last.release,
            bits=last.bits,
            operating_point=last.operating_point,
            why=st.session_state[reasons_key],
            comment=free_text.settled(comment_key, st.session_state[comment_key]),
            finding=last.finding,
            strategy=last.strategy,
            random_share=last.random_share,
        )

    attempt(ERROR, store)


def undo(last: Rating) -> None:
    """Take back everything said about the last pair; it comes again. The history is kept."""
    resources.workspace().unrate(last.query_id, last.study_id, actor=rater())


def draw_labels_button() -> None:
    """Draw the button that shows labels or hides them."""
    st.button(
        text("review.hide_labels" if labels() else "review.show_labels"),
        key="labels",
        icon=f":material/{'visibility_off' if labels() else 'visibility'}:",
        shortcut=KEYS["labels"],
        on_click=turn_labels,
        help=text("review.labels_help"),
    )


def draw_back_button() -> None:
    """Draw the button that leads to the start of the screen."""
    st.button(text("review.home"), icon=":material/arrow_back:", key="home", on_click=go)
