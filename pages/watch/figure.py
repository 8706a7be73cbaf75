"""One source as small pictures: each signal's windows over time in the band of what is usual.

A window outside its band has another mark, so that no colour stands alone; where there is no window, words say how many
queries there are of how many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from engine.drawing.palette import ThemeType, paper
from engine.monitor.watched import WatchedSignal
from pages.watch import words

COLOURS: dict[ThemeType, tuple[str, str]] = {  # of Okabe and Ito: the line, and what lies outside its band
    "light": ("#0072B2", "#A34700"),
    "dark": ("#56B4E9", "#E69F00"),
}
BAND: dict[ThemeType, str] = {"light": "rgba(0, 114, 178, 0.14)", "dark": "rgba(86, 180, 233, 0.20)"}
GRID = "#8A97A3"
COLUMNS, ROW_PX, MARK_PX = 3, 150, 8
SHOWN = 60  # windows, the newest


def figure(signals: Sequence[WatchedSignal], theme: ThemeType) -> go.Figure:
    """Return the picture, three signals a row."""
    rows = -(-len(signals) // COLUMNS)
    titles = [words.signal(one.signal) for one in signals]
    drawn = make_subplots(
        rows=rows, cols=COLUMNS, subplot_titles=titles, vertical_spacing=0.4 / rows, horizontal_spacing=0.07
    )
    for at, whole in enumerate(signals):
        one = replace(whole, windows=whole.windows[-SHOWN:])
        place = {"row": at // COLUMNS + 1, "col": at % COLUMNS + 1}
        if one.windows:
            for part in (*_band(one, theme), _values(one, theme)):
                drawn.add_trace(part, **place)
        else:
            _say(drawn, at, words.too_few(one), paper(theme).ink)
    return _laid_out(drawn, rows, paper(theme).ink)


def _band(one: WatchedSignal, theme: ThemeType) -> tuple[go.Scatter, go.Scatter]:
    when = [window.ended_at for window in one.windows]
    plain = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    low = go.Scatter(x=when, y=[window.low for window in one.windows], **plain)
    high = go.Scatter(x=when, y=[window.high for window in one.windows], fill="tonexty", fillcolor=BAND[theme], **plain)
    return low, high


def _values(one: WatchedSignal, theme: ThemeType) -> go.Scatter:
    line, outside = COLOURS[theme]
    inside = [window.low <= window.value <= window.high for window in one.windows]
    return go.Scatter(
        x=[window.ended_at for window in one.windows],
        y=[window.value for window in one.windows],
        mode="lines+markers",
        cliponaxis=False,
        line={"color": line, "width": 1.5},
        marker={
            "color": [line if is_inside else outside for is_inside in inside],
            "symbol": ["circle" if is_inside else "diamond" for is_inside in inside],
            "size": [MARK_PX if is_inside else MARK_PX + 3 for is_inside in inside],
        },
        hovertemplate="%{x|%Y-%m-%d %H:%M}: %{y:.3g}<extra></extra>",
    )


def _say(drawn: go.Figure, at: int, said: str, ink: str) -> None:
    """Write words in the middle of a picture that has no line."""
    axis = "" if at == 0 else str(at + 1)
    place = {"xref": f"x{axis} domain", "yref": f"y{axis} domain", "x": 0.5, "y": 0.5}
    drawn.add_annotation(text=said, showarrow=False, font={"color": ink, "size": 13}, **place)


def _laid_out(drawn: go.Figure, rows: int, ink: str) -> go.Figure:
    drawn.update_layout(
        height=rows * ROW_PX + 40,
        margin={"l": 8, "r": 16, "t": 34, "b": 24},
        showlegend=False,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": ink, "size": 13},
        dragmode=False,
    )
    drawn.update_annotations(font_size=14)
    drawn.update_xaxes(
        type="date",
        automargin=True,
        fixedrange=True,
        gridcolor=GRID,
        griddash="dot",
        nticks=4,
        tickformatstops=[
            {"dtickrange": [None, 86_399_999], "value": "%H:%M"},
            {"dtickrange": [86_400_000, None], "value": "%m-%d"},
        ],
    )
    drawn.update_yaxes(automargin=True, fixedrange=True, gridcolor=GRID, griddash="dot", zeroline=False, nticks=4)
    return drawn
