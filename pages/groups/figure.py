"""A dot plot of groups: value with interval, chance, and the band of shuffled groups around their middle.

No colour stands alone: a group of few people is hollow, chance is a cross, and every number stands in the table.
"""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from engine.drawing.palette import ThemeType, paper
from engine.evaluate.fairness_reading import GroupGap, GroupRow
from engine.strings import number, text

MEASURED, BAND, FEW = "#009E73", "rgba(138,151,163,0.30)", "#8A97A3"
ROW_PX, HEAD_PX = 46, 110


def figure(
    rows: Sequence[GroupRow], names: Sequence[str], gap: GroupGap | None, title: str, theme: ThemeType
) -> go.Figure:
    """Return the plot of one figure; names are the rows' in the reader's language."""
    drawn = go.Figure()
    if gap is not None:
        middle = (gap.highest + gap.lowest) / 2
        drawn.add_vrect(x0=middle - gap.band / 2, x1=middle + gap.band / 2, fillcolor=BAND, line_width=0, layer="below")
    for few in (False, True):
        drawn.add_trace(_dots([(at, row) for at, row in enumerate(rows) if row.few == few], few=few))
    luck = [(at, row.chance) for at, row in enumerate(rows) if row.chance is not None]
    if luck:
        drawn.add_trace(_chance(luck, theme))
    labels = [f"{_plain(name)}<br>n = {number(row.patients)}" for name, row in zip(names, rows, strict=True)]
    return _laid_out(drawn, labels, title, theme)


def _dots(rows: Sequence[tuple[int, GroupRow]], *, few: bool) -> go.Scatter:
    known = [(at, row) for at, row in rows if row.value is not None]
    values = [row.value for _, row in known]
    return go.Scatter(
        x=values,
        y=[at for at, _ in known],
        mode="markers",
        cliponaxis=False,
        name=text("groups.few") if few else text("groups.measured"),
        showlegend=bool(known),
        marker={
            "size": 13,
            "color": FEW if few else MEASURED,
            "symbol": "circle-open" if few else "circle",
            "line": {"width": 2},
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [
                (row.value if row.high is None else row.high) - row.value for _, row in known if row.value is not None
            ],
            "arrayminus": [
                row.value - (row.value if row.low is None else row.low) for _, row in known if row.value is not None
            ],
            "thickness": 2,
        },
        hovertemplate="%{x:.3f}<extra></extra>",
    )


def _chance(luck: Sequence[tuple[int, float]], theme: ThemeType) -> go.Scatter:
    return go.Scatter(
        x=[value for _, value in luck],
        y=[at for at, _ in luck],
        mode="markers",
        name=text("groups.chance"),
        marker={"size": 11, "symbol": "x-thin", "line": {"width": 2, "color": paper(theme).ink}},
        hovertemplate="%{x:.3f}<extra></extra>",
    )


def _plain(words: str) -> str:
    """Return words without what plotly would take for HTML."""
    return words.replace("&", "&amp;").replace("<", "&lt;")


def _laid_out(drawn: go.Figure, labels: Sequence[str], title: str, theme: ThemeType) -> go.Figure:
    ink = paper(theme).ink
    drawn.update_layout(
        height=HEAD_PX + ROW_PX * max(len(labels), 2),
        margin={"l": 8, "r": 30, "t": 40, "b": 8},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": ink, "size": 14},
        dragmode=False,
    )
    drawn.update_xaxes(title=title, automargin=True, fixedrange=True, gridcolor=FEW, griddash="dot", zeroline=False)
    drawn.update_yaxes(
        tickvals=list(range(len(labels))),
        ticktext=list(labels),
        range=[len(labels) - 0.5, -0.5],
        automargin=True,
        fixedrange=True,
        showgrid=False,
        zeroline=False,
        ticklabelstandoff=8,
    )
    return drawn
