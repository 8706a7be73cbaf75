"""The report as one HTML file: headings in order, tables with captions, legible in both themes and printed."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from engine.settings import ASSETS
from engine.transparency.layout import Block, Listing, Section, Table, sections

STYLE = ASSETS / "transparency.css"


def to_html(report: dict[str, Any]) -> str:
    """Return the file."""
    found = sections(report)
    title = f"Transparency report of Casebind, release {report['release']['name']}"
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{STYLE.read_text('utf-8')}</style></head><body>",
            '<a class="skip" href="#main">To the report</a>',
            f"<header><h1>{escape(title)}</h1></header>",
            f'<nav aria-label="Sections"><ul>{"".join(_link(one) for one in found if one.level == 1)}</ul></nav>',
            '<main id="main">',
            *(_section(one) for one in found),
            "</main></body></html>\n",
        ]
    )


def _place(title: str) -> str:
    return re.sub(r"[^a-z]+", "-", title.lower()).strip("-")


def _link(one: Section) -> str:
    return f'<li><a href="#{_place(one.title)}">{escape(one.title)}</a></li>'


def _section(one: Section) -> str:
    place = f' id="{_place(one.title)}"' if one.level == 1 else ""
    heading = f"<h{one.level + 1}{place}>{escape(one.title)}</h{one.level + 1}>"
    return "\n".join([heading, *(_block(block) for block in one.blocks)])


def _block(block: Block) -> str:
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Listing):
        return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in block.items)}</ul>"
    return f"<p>{escape(block)}</p>"


def _table(table: Table) -> str:
    """Return a table in a frame that scrolls by itself and can be reached by key."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.head)
    rows = "".join(f"<tr>{_cells(row, table)}</tr>" for row in table.rows)
    head = f"<thead><tr>{head}</tr></thead>" if any(table.head) else ""
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(table.caption)}"><table>'
        f"<caption>{escape(table.caption)}</caption>{head}<tbody>{rows}</tbody></table></div>"
    )


def _cells(row: tuple[str, ...], table: Table) -> str:
    first, *others = row
    cells = [f'<th scope="row">{escape(first)}</th>']
    cells += [
        f'<td class="number">{escape(cell)}</td>' if at in table.numbers else f"<td>{escape(cell)}</td>"
        for at, cell in enumerate(others, 1)
    ]
    return "".join(cells)
