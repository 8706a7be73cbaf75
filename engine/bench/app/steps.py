"""What is done in the app while it is timed, as data: pages by address and heading, actions by what is clicked.

Elements are found by the keys that the pages give them, never by words, so that a change of wording breaks nothing.
To time a further page, add a row to PAGES.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Action:
    """One click and what tells that its result is there.

    key : of the element whose button is clicked, or the beginning of keys where it ends in "-": then the first
    until : pattern in the page's text that must come, or change where it was there already
    words : of the button, where the element has several
    link : end of an address in the navigation bar, clicked instead; the pattern is then looked for in the heading
    opens : whether it opens a popover, which is drawn beside the page; the pattern is then looked for in it
    nth   : which of several it clicks, from 0, counted round where there are fewer
    """

    name: str
    key: str
    until: str
    words: str = ""
    link: str = ""
    opens: bool = False
    nth: int = 0

    @property
    def click(self) -> str:
        """The CSS selector of what is clicked."""
        if self.link:
            return f'a[data-testid=stTopNavLink][href$="{self.link}"]'
        return f"[class*=st-key-{self.key}] button" if self.key.endswith("-") else f".st-key-{self.key} button"

    @property
    def within(self) -> str:
        """The CSS selector of where the pattern is looked for."""
        if self.opens:
            return "[data-testid=stPopoverBody]"
        return "[data-testid=stMain] h1" if self.link else "[data-testid=stMain]"

    def description(self) -> str:
        """Say what is clicked, for a person."""
        return " ".join(filter(None, (self.link or self.key, self.words)))


@dataclass(frozen=True)
class ActionTiming:
    """How long one action took, ms, and what went wrong; "" where nothing did."""

    name: str
    ms: float
    error: str = ""


@dataclass(frozen=True)
class Page:
    """One page: the end of its address in the navigation bar, and the beginning of its heading."""

    path: str
    heading: str


PAGES = (
    Page("/", "Cases like this one"),
    Page("/compare", "Compare two cases"),
    Page("/map", "Map of the collection"),
    Page("/collections", "Collections"),
    Page("/quiz", "Quiz"),
    Page("/review", "Review"),
    Page("/releases", "Releases"),
    Page("/about", "About Casebind"),
)
SEARCH = PAGES[0]

RECORD = r"record \d+"  # the audit number under the results: another one with every search
ACCEPT = Action("accept the notice", "accept", SEARCH.heading)
ANY_EXAMPLE = Action("open a search", "example-", RECORD)
EXAMPLES = tuple(Action("open a search", f"example-{kind}", RECORD) for kind in ("ecg", "cxr", "ppg"))
POINTS = tuple(
    Action("operating point", "set-at", RECORD, words) for words in ("Precise", "Balanced", "Broad", "Nearest")
)
BITS = tuple(Action("code length", "set-bits", RECORD, words) for words in ("64", "128", "256"))
FILTERS = Action("open the filters", "filters", r"Women", opens=True)
ADVANCED = Action("open the advanced settings", "advanced", r"256", opens=True)
SEXES = tuple(Action("filter", "set-sex", RECORD, words) for words in ("Women", "Men", "Any"))
CASE = Action("open a case", "open-", "beside your query")
MARKS = tuple(Action("rate", f"rate-{mark}", r"Saved as \w+") for mark in ("relevant", "partly"))
BACK = Action("go back", "back", RECORD)
NEW = Action("new query", "new", SEARCH.heading)


def own_case(user: int) -> Action:
    """Return the click that opens a case which no other of few users opens.

    Without sign-in all users are one person, and a mark that two of them press is taken back by the second.
    """
    return replace(CASE, nth=user)


def visit(page: Page) -> Action:
    """Return the click that leads to a page."""
    return Action("page switch", "", f"^{page.heading}", link=page.path)
