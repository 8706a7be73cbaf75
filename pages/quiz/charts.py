"""The results of a class as pictures: what was chosen per question, each learner's share, and the days of answers.

No colour stands alone: what is right is hatched and marked with a tick, and every number stands in a table too.
"""

from __future__ import annotations

import plotly.graph_objects as go

from engine.drawing.palette import ThemeType, paper
from engine.retrieval import wording
from engine.strings import text
from engine.teaching.results import QuestionResult, Results, Share

RIGHT, WRONG, NONE = "#009E73", "#CC79A7", "#8A97A3"  # Okabe and Ito's green and purple; grey for none
ROW_PX, HEAD_PX = 34, 98
SHARES, TICKS = (-4, 104), tuple(range(0, 101, 20))  # per cent; a point at either end stands clear of the names
NAME_PX = 6  # between a name and its bar or point
MAX_NAME = 34  # characters of an option beside its bar


def options(question: QuestionResult, theme: ThemeType) -> go.Figure:
    """Return how often each option or answer was chosen, those that count as right hatched and ticked."""
    rows = list(question.chosen)
    if question.missing:
        rows.append((text("quiz.not_given"), question.missing))
    shown = [_cut(wording.label(name)) for name, _ in rows]
    names = [f"✓ {name}" if own in question.counted else name for name, (own, _) in zip(shown, rows, strict=True)]
    right = [name in question.counted for name, _ in rows]
    bars = go.Bar(
        x=[times for _, times in rows],
        y=list(range(len(rows))),
        orientation="h",
        text=[str(times) for _, times in rows],
        textposition="outside",
        cliponaxis=False,
        marker={
            "color": [RIGHT if one else WRONG for one in right],
            "pattern": {"shape": ["/" if one else "" for one in right], "solidity": 0.3},
        },
        hovertext=[name for name, _ in rows],
        hoverinfo="text+x",
    )
    figure = _laid_out(go.Figure(bars), len(rows), theme)
    figure.update_yaxes(tickvals=list(range(len(rows))), ticktext=names, autorange="reversed")
    figure.update_xaxes(title=text("quiz.chart_times"), dtick=_step(max((times for _, times in rows), default=0)))
    return figure


def learners(found: Results, theme: ThemeType) -> go.Figure:
    """Return each learner's share of right answers with its 95 % interval."""
    names = [_cut(one.alias) for one in found.learners]
    figure = go.Figure(_shares([one.share for one in found.learners], horizontal=True))
    figure = _laid_out(figure, len(names), theme)
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=names, autorange="reversed")
    figure.update_xaxes(title=text("quiz.chart_share"), range=SHARES, tickvals=TICKS)
    return figure


def days(found: Results, theme: ThemeType) -> go.Figure:
    """Return the share of right answers of each day with its 95 % interval and number of answers."""
    figure = go.Figure(_shares([share for _, share in found.days], horizontal=False))
    figure = _laid_out(figure, 7, theme)
    labels = [f"{day.isoformat()}<br>n = {share.n}" for day, share in found.days]
    figure.update_xaxes(tickvals=list(range(len(labels))), ticktext=labels)
    figure.update_yaxes(title=text("quiz.chart_share"), range=SHARES, tickvals=TICKS)
    return figure


def _shares(shares: list[Share], *, horizontal: bool) -> go.Scatter:
    """Return a point per share with its interval, in per cent."""
    values = [100 * share.value for share in shares]
    places = list(range(len(shares)))
    error = {
        "type": "data",
        "symmetric": False,
        "array": [100 * share.interval[1] - value for share, value in zip(shares, values, strict=True)],
        "arrayminus": [value - 100 * share.interval[0] for share, value in zip(shares, values, strict=True)],
        "thickness": 2,
    }
    across, along = (values, places) if horizontal else (places, values)
    return go.Scatter(
        x=across,
        y=along,
        mode="markers",
        cliponaxis=False,
        marker={"size": 12, "color": RIGHT, "symbol": "diamond", "line": {"width": 1, "color": NONE}},
        error_x=error if horizontal else None,
        error_y=None if horizontal else error,
        hovertext=[f"{share.right} / {share.n}" for share in shares],
        hoverinfo="text",
    )


def _laid_out(figure: go.Figure, rows: int, theme: ThemeType) -> go.Figure:
    ink = paper(theme).ink
    figure.update_layout(
        height=HEAD_PX + ROW_PX * max(rows, 1),
        margin={"l": 8, "r": 30, "t": 16, "b": 8},
        showlegend=False,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": ink, "size": 14},
    )
    figure.update_xaxes(automargin=True, fixedrange=True, gridcolor=NONE, griddash="dot", zerolinecolor=NONE)
    figure.update_yaxes(
        automargin=True, fixedrange=True, gridcolor="rgba(0,0,0,0)", zeroline=False, ticklabelstandoff=NAME_PX
    )
    return figure


def _step(most: int) -> int:
    return max(1, -(-most // 8))


def _cut(words: str) -> str:
    """Return words that fit beside a bar, without what plotly would take for HTML."""
    words = words if len(words) <= MAX_NAME else f"{words[: MAX_NAME - 1]}…"
    return words.replace("&", "&amp;").replace("<", "&lt;")
