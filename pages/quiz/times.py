"""Limits of time and dates of a quiz: in words, in the browser's own time, and as a clock that counts down."""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st

from engine.files import utc_now
from engine.store.quizzes import Quiz
from engine.strings import text
from pages.shared.quiz_return import AT

# The end is the server's: the clock shows it and asks for the page again when it has come.
SCRIPT = """
export default function ({ data, parentElement, setTriggerValue }) {
  const clock = parentElement.querySelector('time'), said = parentElement.querySelector('[aria-live]');
  const end = performance.now() + data.left_ms;
  let over = false, last = '';
  const show = () => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
    clock.classList.toggle('soon', left <= 10);
    const spoken = left === 60 || left === 10 ? data.left.replace('{n}', left) : last;
    if (spoken !== last) said.textContent = last = spoken;
    if (left === 0 && !over) { over = true; setTimeout(() => setTriggerValue('over', data.name), data.grace_ms); }
  };
  show();
  const ticking = setInterval(show, 250);
  return () => clearInterval(ticking);
}
"""
CSS = """
time { font-variant-numeric: tabular-nums; font-weight: 700; }
time.soon { outline: 2px solid currentColor; padding: 0 0.3rem; }
[aria-live] { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
"""
CLOCK = "quiz-clock"
_clock = st.components.v2.component(
    "casebind_quiz_clock",
    html='<span class="label"></span> <time role="timer"></time><span aria-live="polite"></span>',
    css=CSS,
    js=SCRIPT.replace("const end", "parentElement.querySelector('.label').textContent = data.label;\n  const end"),
)


def draw_clock(name: str, end: datetime, grace: timedelta) -> None:
    """Draw the time that is left until `end`, naive UTC; once it is over the page is asked for again.

    name : of what ends
    """
    left_ms = max(0.0, (end - utc_now()).total_seconds() * 1000)
    data = {
        "name": name,
        "left_ms": left_ms,
        "grace_ms": grace.total_seconds() * 1000 + 500,
        "label": text("quiz.time_left"),
        "left": text("quiz.seconds_left"),
    }
    _clock(key=CLOCK, data=data, on_over_change=_over)


def _over() -> None:
    """Look at the question whose time is over: the server has answered it with nothing by then."""
    st.query_params[AT] = str(st.session_state[CLOCK]["over"])


def limits(quiz: Quiz) -> list[str]:
    """Return the limits of time in words."""
    kinds = (("question", quiz.question_s), ("quiz", quiz.quiz_s))
    return [text(f"quiz.limit_{name}", time=_length(seconds)) for name, seconds in kinds if seconds]


def due_words(quiz: Quiz) -> str:
    """Return until when a quiz is due, or that it was closed; "" where neither."""
    if quiz.closed_at is not None:
        return text("quiz.is_closed", when=shown(quiz.closed_at))
    if quiz.due_at is None:
        return ""
    return text("quiz.was_due" if quiz.due_at < utc_now() else "quiz.is_due", when=shown(quiz.due_at))


def shown(moment: datetime) -> str:
    """Return a moment of naive UTC in the browser's time."""
    return local(moment).strftime("%Y-%m-%d %H:%M")


def local(moment: datetime) -> datetime:
    """Return a moment of naive UTC as the browser's clock has it."""
    return moment - timedelta(minutes=_offset())


def utc(moment: datetime) -> datetime:
    """Return a moment of the browser's clock as naive UTC."""
    return moment.replace(tzinfo=None) + timedelta(minutes=_offset())


def _offset() -> float:
    """Return by how many minutes UTC is ahead of the browser's clock; 0 where that is unknown."""
    offset = st.context.timezone_offset
    return float(offset) if isinstance(offset, int | float) else 0.0


def _length(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    parts = [text("quiz.minutes", n=minutes)] if minutes else []
    return " ".join([*parts, *([text("quiz.seconds", n=rest)] if rest else [])])
