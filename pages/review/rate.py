"""One pair after the other: a bar of 40 px, query and match beside each other, the marks at the lower edge."""

from __future__ import annotations

import streamlit as st

from engine.findings import vocabulary
from engine.learning import blind
from engine.learning.queue import Offer
from engine.learning.review import Review
from engine.retrieval import wording
from engine.store.ratings import MAX_COMMENT
from engine.store.records import MARKS, REASONS, SKIP, Rating
from engine.strings import several, text
from pages.review import agree, guide, marks, pair, state
from pages.shared import frame, free_text, resources
from pages.shared.keys import SCREENS
from pages.shared.markdown import escaped
from pages.shared.session import rater

KEYS = SCREENS["review"]


def draw_queue(review: Review) -> None:
    """Draw the next pair of a queue, or what came of it."""
    offer = review.next
    _head(review, offer)
    _notes(review)
    if offer is None:
        _end(review)
        return
    place = review.position(offer.pair)
    pair.draw_pair(offer.pair, labels=state.labels(), key=f"review-{place}")
    _bar(review, offer, place)


def _head(review: Review, offer: Offer | None) -> None:
    """Draw how far the queue is, what was stored last and how to change it, and the ways to elsewhere."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="review-head"):
        st.title(text("review.title"), anchor=False, width="content")
        if review.total:
            n = min(review.done + 1, review.total)
            place = text("review.place", n=n, total=review.total)
            _describe(review, place)
            with st.container(width=150, key="review-place"):
                st.progress(review.done / review.total, place)
        _last(review)
        reason = "" if offer is None else f" · {_offer_reason(offer)}"
        st.markdown(f":small[{text('review.for_rater', who=escaped(review.who))}{reason}]", width="stretch")
        if offer is not None:
            guide.draw_popover()
            state.draw_labels_button()
        state.draw_back_button()


def _describe(review: Review, place: str) -> None:
    """Name the pair in the browser's title; whoever has marked one stands at the next, or at the way on."""
    over = review.next is None
    frame.describe(
        text("frame.part", title=text("review.title"), part=place),
        screen="review",
        token=f"queue {review.queue.queue_id} {review.done}",
        focus="another" if over else "review-pair",
        group="" if over else place,
    )


def _notes(review: Review) -> None:
    """Say what others said about the last pair, and what became of offers that are not there."""
    if review.last is not None:
        heard = blind.others(resources.workspace(), rater(), *review.last.pair)
        if heard:
            said = "; ".join(f"{escaped(one.rater)}: {text(f'mark.{one.mark}')}" for one in heard)
            st.markdown(f":material/groups: {text('review.others', said=said)}")
    fewer = review.queue.asked - len(review.queue.pairs)
    if fewer > 0 and review.queue.pairs and not review.done:
        st.markdown(f":small[{several(len(review.queue.pairs), 'review.fewer', asked=review.queue.asked)}]")
    if review.dropped:
        st.info(several(review.dropped, "review.dropped"), icon=":material/visibility_off:")


def _last(review: Review) -> None:
    """Draw what was stored last, and how to change it."""
    last = review.last
    if last is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content", key="review-last"):
        words = text("review.saved", n=review.position(last.pair), mark=text(f"mark.{last.mark}"))
        with frame.heard("rated", width="content"):
            st.markdown(f":material/check: **{words}**{_said(last)}", width="content")
        st.button(
            text("review.undo"),
            icon=":material/undo:",
            key=f"undo-{last.rating_id}",
            shortcut=KEYS["undo"],
            on_click=state.undo,
            args=(last,),
        )
        if last.mark != SKIP:
            _amend(last)


def _said(last: Rating) -> str:
    """Return reasons and comment of a rating as Markdown."""
    known = [text(f"why.{tag}") for tag in last.why] + ([f"“{last.comment}”"] if last.comment else [])
    return f" :small[{escaped(', '.join(known))}]" if known else ""


def _amend(last: Rating) -> None:
    """Draw what adds reasons and a comment to the last rating, or makes the pair an example."""
    key = f"amend-{last.rating_id}"
    with st.popover(text("review.amend"), icon=":material/edit:", key=key):
        st.pills(
            text("review.why"),
            REASONS,
            selection_mode="multi",
            default=last.why,
            key=f"{key}-why",
            format_func=lambda tag: text(f"why.{tag}"),
        )
        free_text.draw_box(
            st.text_area, text("review.comment"), f"{key}-comment", value=last.comment, max_chars=MAX_COMMENT, height=90
        )
        st.button(
            text("review.amend_do"),
            key=f"{key}-do",
            type="primary",
            on_click=state.amend,
            args=(last, f"{key}-why", f"{key}-comment"),
        )
        guide.draw_make_known(last.pair, last.mark, key)


def _bar(review: Review, offer: Offer, place: int) -> None:
    """Draw the marks, and below them what may be said with one, at the lower edge of the window."""
    comment_key = f"review-comment-{review.queue.queue_id}-{place}"

    def press(name: str) -> None:
        state.store_mark(review, offer, name, comment_key)

    with st.container(key="review-bar", gap="small"):
        marks.draw_marks(place, press, (*MARKS, SKIP))
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="review-before"):
            _reasons(place)
            st.text_input(
                text("review.comment"),
                key=comment_key,
                max_chars=MAX_COMMENT,
                width=220,
                label_visibility="collapsed",
                placeholder=text("review.comment"),
            )
            _finding()
        free_text.draw(comment_key, st.session_state.get(comment_key, ""))


def _reasons(position: int) -> None:
    """Draw the reasons as buttons with keys; a chosen one carries a tick."""
    for tag in REASONS:
        chosen = tag in state.tags()
        st.button(
            text(f"why.{tag}"),
            key=f"tag-{tag}-{position}",
            shortcut=KEYS[f"tag_{tag}"],
            icon=":material/check_box:" if chosen else ":material/check_box_outline_blank:",
            on_click=state.turn_tag,
            args=(tag,),
            type="tertiary",
        )


def _finding() -> None:
    """Draw what the rater has in mind; it stays from pair to pair."""
    names = ["", *vocabulary()]
    st.session_state[state.FINDING] = st.selectbox(
        text("review.finding"),
        names,
        index=names.index(state.finding()),
        key="review-finding",
        width=240,
        format_func=lambda name: (
            text("review.finding_is", finding=wording.finding(name)) if name else text("review.finding_none")
        ),
        label_visibility="collapsed",
    )


def _offer_reason(offer: Offer) -> str:
    """Return why this pair is offered."""
    return text("review.offered_random" if offer.random_share else f"review.offered_{offer.strategy}")


def _end(review: Review) -> None:
    """Draw what came of the queue, the way to the next one, and how far raters agree."""
    if not review.queue.pairs:
        st.info(text(f"review.none_{'second' if review.queue.strategy == 'second' else 'any'}"), icon=":material/info:")
    else:
        st.subheader(text("review.end"), anchor=False)
        counts = [f"{text(f'mark.{name}')} {review.counts[name]}" for name in (*MARKS, SKIP)]
        st.markdown(f"{several(review.total, 'review.end_line')} {', '.join(counts)}.")
    st.button(
        text("review.another"),
        type="primary",
        icon=":material/play_arrow:",
        key="another",
        on_click=state.begin,
        args=(review.queue.strategy, state.FIRST_N),
    )
    if review.queue.pairs:
        agree.draw_agreement_figures(rater())
