"""One pair after the other: what was said last, the marks, the reasons, then query and match beside each other."""

from __future__ import annotations

import streamlit as st

from engine.findings import phrase, vocabulary
from engine.learning import blind
from engine.learning.queue import Offer
from engine.learning.review import Review
from engine.store.ratings import MAX_COMMENT
from engine.store.records import MARKS, REASONS, SKIP, Rating
from engine.strings import several, text
from pages.review import agree, pair, state
from pages.shared import resources
from pages.shared.keys import SCREENS
from pages.shared.markdown import escaped
from pages.shared.session import rater

KEYS = SCREENS["review"]
ICONS = {"relevant": "check_circle", "partly": "contrast", "irrelevant": "cancel", SKIP: "skip_next"}


def draw_queue(review: Review) -> None:
    """Draw the next pair of a queue, or what came of it."""
    _head(review)
    _last(review)
    offer = review.next
    if offer is None:
        _end(review)
        return
    _ask(review, offer)
    pair.draw_offer(offer, labels=state.labels(), key=f"review-{review.position(offer.pair)}")


def _head(review: Review) -> None:
    """Draw how far the queue is, by which strategy and for whom, and what became of offers that are not there."""
    about = text("review.line", name=text(f"review.strategy_{review.queue.strategy}"), who=escaped(review.who))
    with st.container(horizontal=True, vertical_alignment="center", key="review-head"):
        st.title(text("review.title"), anchor=False, width="content")
        st.markdown(about, width="stretch")
        state.draw_back_button()
    if review.total:
        n = min(review.done + 1, review.total)
        st.progress(review.done / review.total, text("review.place", n=n, total=review.total))
    fewer = review.queue.asked - len(review.queue.pairs)
    if fewer > 0 and review.queue.pairs:
        st.markdown(f":small[{several(len(review.queue.pairs), 'review.fewer', asked=review.queue.asked)}]")
    if review.dropped:
        st.info(several(review.dropped, "review.dropped"), icon=":material/visibility_off:")


def _last(review: Review) -> None:
    """Draw what was stored last, what others said about it, and how to change it."""
    last = review.last
    if last is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="review-last"):
        words = text("review.saved", n=review.position(last.pair), mark=text(f"mark.{last.mark}"))
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
        heard = blind.others(resources.workspace(), rater(), *last.pair)
        if heard:
            said = "; ".join(f"{escaped(one.rater)}: {text(f'mark.{one.mark}')}" for one in heard)
            st.markdown(f":material/groups: {text('review.others', said=said)}", width="content")


def _said(last: Rating) -> str:
    """Return reasons and comment of a rating as Markdown."""
    known = [text(f"why.{tag}") for tag in last.why] + ([f"“{last.comment}”"] if last.comment else [])
    return f" :small[{escaped(', '.join(known))}]" if known else ""


def _amend(last: Rating) -> None:
    """Draw what adds reasons and a comment to the last rating."""
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
        st.text_area(text("review.comment"), value=last.comment, key=f"{key}-comment", max_chars=MAX_COMMENT, height=90)
        st.button(
            text("review.amend_do"),
            key=f"{key}-do",
            type="primary",
            on_click=state.amend,
            args=(last, f"{key}-why", f"{key}-comment"),
        )


def _ask(review: Review, offer: Offer) -> None:
    """Draw the score in words, the reasons, and the marks; a key means one pair only, so that no press rates two."""
    place = review.position(offer.pair)
    st.markdown(f":small[{_offer_reason(offer)}]")
    comment_key = f"review-comment-{review.queue.queue_id}-{place}"
    with st.container(horizontal=True, vertical_alignment="bottom", key="review-before"):
        _reasons(place)
        st.text_input(text("review.comment"), key=comment_key, max_chars=MAX_COMMENT, width=260)
        _finding()
    with st.container(horizontal=True, vertical_alignment="center", key="review-marks"):
        st.markdown(f"**{text('review.ask')}**", width="content")
        for name in (*MARKS, SKIP):
            st.button(
                text(f"mark.{name}"),
                key=f"mark-{name}-{place}",
                shortcut=KEYS[name],
                icon=f":material/{ICONS[name]}:",
                type="tertiary" if name == SKIP else "secondary",
                on_click=state.store_mark,
                args=(review, offer, name, comment_key),
            )
        st.button(
            text("review.hide_labels" if state.labels() else "review.show_labels"),
            key="labels",
            icon=f":material/{'visibility_off' if state.labels() else 'visibility'}:",
            shortcut=KEYS["labels"],
            on_click=state.turn_labels,
            help=text("review.labels_help"),
        )


def _reasons(position: int) -> None:
    """Draw the reasons as buttons with keys; a chosen one carries a tick."""
    with st.container(gap=None, width="content"):
        st.markdown(f":small[{text('review.why')}]")
        with st.container(horizontal=True, gap="small"):
            for tag in REASONS:
                chosen = tag in state.tags()
                st.button(
                    text(f"why.{tag}"),
                    key=f"tag-{tag}-{position}",
                    shortcut=KEYS[f"tag_{tag}"],
                    icon=":material/check_box:" if chosen else ":material/check_box_outline_blank:",
                    on_click=state.turn_tag,
                    args=(tag,),
                )


def _finding() -> None:
    """Draw what the rater has in mind; it stays from pair to pair."""
    names = ["", *vocabulary()]
    st.session_state[state.FINDING] = st.selectbox(
        text("review.finding"),
        names,
        index=names.index(state.finding()),
        key="review-finding",
        width=260,
        format_func=lambda name: phrase(name).capitalize() if name else text("review.finding_none"),
        help=text("review.finding_help"),
    )


def _offer_reason(offer: Offer) -> str:
    """Return why this pair is offered, in words with its score."""
    if offer.random_share:
        return text("review.score_random")
    score = offer.score or 0.0
    return text(f"review.score_{offer.strategy}", score=score, percent=round(100 * score))


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
        args=(review.queue.strategy, review.queue.asked),
    )
    if review.queue.pairs:
        agree.draw_agreement_figures(rater())
