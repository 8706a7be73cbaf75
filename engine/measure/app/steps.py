"""What is done in the app while it is timed, as data: pages by address and heading, actions by what is clicked.

Elements are found by the keys that the pages give them, never by words, so that a change of wording breaks nothing.
To time a further page, add a row to PAGES.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Action:
    """One click and what tells that its result is there.

    click : CSS selector; where it matches several elements, the one with the text `words`, else the first
    until : pattern in the text `within` the page that must come, or change where it was there already
    """

    name: str
    click: str
    until: str
    words: str = ""
    within: str = "[data-testid=stMain]"


@dataclass(frozen=True)
class Page:
    """One page: the end of its address in the navigation bar, and the beginning of its heading."""

    path: str
    heading: str


PAGES = (
    Page("/", "Cases like this one"), Page("/compare", "Compare two cases"), Page("/map", "Map of the collection"),
    Page("/collections", "Collections"), Page("/quiz", "Quiz"), Page("/about", "About Casebind"),
)  # fmt: skip
SEARCH = PAGES[0]

RECORD = r"record \d+"  # the audit number under the results: another one with every search
EXAMPLES = tuple(Action("open a search", f".st-key-example-{kind} button", RECORD) for kind in ("ecg", "cxr", "ppg"))
POINTS = tuple(
    Action("operating point", ".st-key-set-at button", RECORD, words)
    for words in ("Precise", "Balanced", "Broad", "Nearest")
)
BITS = tuple(Action("code length", ".st-key-set-bits button", RECORD, words) for words in ("64", "128", "256"))
SEXES = tuple(Action("filter", ".st-key-set-sex button", RECORD, words) for words in ("Women", "Men", "Any"))
FILTERS = ".st-key-filters button"  # opens what holds the filters
CASE = Action("open a case", "[class*=st-key-open-] button", r"\d+ of \d+ *(?:New|Next|Previous|$)|beside your query")
MARKS = tuple(Action("rate", f".st-key-rate-{mark} button", r"Saved as \w+") for mark in ("relevant", "partly"))
EXAMPLE = "[class*=st-key-example-] button"  # one for each kind of study that the workspace has
BACK = Action("go back", ".st-key-back button", RECORD)
NEW = Action("new query", ".st-key-new button", SEARCH.heading)


def visit(page: Page) -> Action:
    """Return the click that leads to a page."""
    link = f'a[data-testid=stTopNavLink][href$="{page.path}"]'
    return Action("page switch", link, f"^{page.heading}", within="[data-testid=stMain] h1")
