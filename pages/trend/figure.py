"""The picture of one person over time: heart rate, what the nearest cases carry, how near they are, one below another.

No colour stands alone: the three have marks and axes of their own, and a recording that nothing is close to is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from engine.drawing.palette import ThemeType, paper
from engine.strings import text
from engine.wearable.trend import Trend, TrendBin, TrendPoint

COLOURS: dict[ThemeType, tuple[str, str, str]] = {  # of Okabe and Ito, each at least 3 : 1 on its background
    "light": ("#0072B2", "#A34700", "#006B4E"),
    "dark": ("#56B4E9", "#E69F00", "#2BC495"),
}
GRID = "#8A97A3"
HEIGHT_PX, MARK_PX, CHOSEN_PX = 410, 10, 15
NUMBERED = 24  # bins up to which each has its numbers beside it
ROWS = ("rate", "share", "nearest")
PERCENT = (-6, 112)  # a number above a mark at 100 % stands clear of the edge


def figure(trend: Trend, bins: Sequence[TrendBin], theme: ThemeType) -> go.Figure:
    """Return the picture; marks of recordings carry their study ids."""
    drawn = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.09)
    first, second, third = COLOURS[theme]
    rated = [point for point in trend.points if point.rate is not None]
    drawn.add_trace(_marks(rated, [point.rate for point in rated], first, "circle"), row=1, col=1)
    middle = timedelta(hours=0.5 if trend.period == "hour" else 12)
    shares = _shares(bins, middle, second, theme)
    drawn.add_trace(shares, row=2, col=1)
    if not shares.x:
        _say_in_the_middle(drawn, text("trend.no_labels"), paper(theme).ink)
    near = [point for point in trend.points if point.nearest is not None]
    drawn.add_trace(_marks(near, [point.nearest for point in near], third, "square"), row=3, col=1)
    return _laid_out(drawn, paper(theme).ink)


def _marks(points: Sequence[TrendPoint], values: Sequence[float | int | None], colour: str, shape: str) -> go.Scatter:
    return go.Scatter(
        x=[point.moment for point in points],
        y=list(values),
        customdata=[point.study_id for point in points],
        mode="markers",
        cliponaxis=False,
        marker={
            "color": colour,
            "size": MARK_PX,
            "symbol": [shape if point.close else f"{shape}-open" for point in points],
            "line": {"width": 2, "color": colour},
        },
        selected={"marker": {"size": CHOSEN_PX}},
        unselected={"marker": {"opacity": 0.7}},
        hovertemplate="%{x|%Y-%m-%d %H:%M}: %{y:.0f}<extra></extra>",
    )


def _shares(bins: Sequence[TrendBin], middle: timedelta, colour: str, theme: ThemeType) -> go.Scatter:
    """Return the share of every hour or day, at its middle."""
    counted = [one for one in bins if one.neighbours]
    said = [text("trend.of_n", n=one.carrying, total=one.neighbours) for one in counted]
    return go.Scatter(
        x=[one.start + middle for one in counted],
        y=[100 * one.carrying / one.neighbours for one in counted],
        text=said,
        mode="lines+markers+text" if len(counted) <= NUMBERED else "lines+markers",
        textposition="top center",
        textfont={"color": paper(theme).ink, "size": 12},
        cliponaxis=False,
        line={"color": colour, "width": 1, "dash": "dot"},
        marker={"color": colour, "size": MARK_PX, "symbol": "diamond"},
        hovertemplate="%{text}<extra></extra>",
    )


def _say_in_the_middle(drawn: go.Figure, words: str, ink: str) -> None:
    font, place = {"color": ink, "size": 14}, {"xref": "paper", "yref": "y2 domain", "x": 0.5, "y": 0.5}
    drawn.add_annotation(text=words, showarrow=False, font=font, **place)


def _laid_out(drawn: go.Figure, ink: str) -> go.Figure:
    drawn.update_layout(
        height=HEIGHT_PX,
        margin={"l": 8, "r": 30, "t": 34, "b": 34},
        showlegend=False,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": ink, "size": 14},
        clickmode="event+select",
        dragmode=False,
    )
    drawn.update_xaxes(
        type="date",  # also where nothing is drawn
        automargin=True,
        fixedrange=True,
        gridcolor=GRID,
        griddash="dot",
        tickformatstops=[
            {"dtickrange": [None, 86_399_999], "value": "%m-%d %H:%M"},
            {"dtickrange": [86_400_000, None], "value": "%Y-%m-%d"},
        ],
    )
    drawn.update_yaxes(automargin=True, fixedrange=True, gridcolor=GRID, griddash="dot", zeroline=False, nticks=5)
    drawn.update_yaxes(range=PERCENT, tickvals=[0, 25, 50, 75, 100], row=2, col=1)
    for row, name in enumerate(ROWS, start=1):
        drawn.add_annotation(
            text=text(f"trend.{name}"),
            xref="paper",
            yref=f"y{row if row > 1 else ''} domain",
            x=0,
            y=1.16,
            xanchor="left",
            showarrow=False,
            font={"color": ink, "size": 14},
        )
    return drawn
