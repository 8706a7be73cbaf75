"""What is said of one result: its labels, how near it is, what was counted, and where it is from."""

from __future__ import annotations

from dataclasses import dataclass

from engine.retrieval import wording
from engine.retrieval.answer import Neighbour
from engine.strings import text
from pages.shared.markdown import escaped


def labelled(neighbour: Neighbour) -> str:
    """Return how a case is labelled and by whom, as Markdown."""
    source = wording.labelled_by(neighbour.labels, neighbour.label_source)
    names = f"**{escaped(wording.labels(neighbour.labels))}**"
    words = f"{text('card.labelled_as')} {names}" if neighbour.labels else names
    return words + (f"  \n:small[{escaped(source)}]" if source else "")


def kind(neighbour: Neighbour) -> str:
    """Return icon and word of the modality."""
    return f"{text(f'icon.{neighbour.modality}')} {text(f'modality_one.{neighbour.modality}')}"


def facts(neighbour: Neighbour, relevance: bool = True, note: str = "") -> str:
    """Return the lines under the picture as Markdown, a note after the labels.

    relevance : whether the share of pairs this near that share a finding is said; it is of single recordings only
    """
    counted = wording.relevance(neighbour) if relevance else ""
    share = f"  \n:small[{counted}]" if counted else ""
    if neighbour.same_recording:
        share += f"  \n:orange-badge[:material/content_copy: {wording.copy_of_query(neighbour)}]"
    lines = [
        f"**{wording.distance(neighbour)}**  \n{wording.further(neighbour)}{share}",
        labelled(neighbour),
        *([escaped(note)] if note else []),
    ]
    about = [
        wording.person(neighbour.age, neighbour.sex, neighbour.view),
        wording.origin(neighbour.cohort, neighbour.licence),
        text("card.release", name=neighbour.release) if neighbour.release else "",
    ]
    lines.append("  \n".join(f":small[{escaped(line)}]" for line in about if line))
    return "\n\n".join(lines)


def synthetic_badge(is_synthetic: object) -> str:
    """Return the mark of a synthetic study as Markdown with a space before it; "" for a recording."""
    return f" :violet-badge[{text('card.synthetic')}]" if is_synthetic else ""


def head(neighbour: Neighbour) -> str:
    """Return rank, modality and the mark of a synthetic case as one line of Markdown."""
    return f"**{text('card.rank', rank=neighbour.rank)}** {kind(neighbour)}{synthetic_badge(neighbour.synthetic)}"


@dataclass(frozen=True)
class CardState:
    """What is said on a card beyond its neighbour.

    mark      : the stored one, or None
    chosen    : whether it is ticked; None where it cannot be
    first     : the first card of a page opens by key too
    relevance : as in `facts`
    note      : as in `facts`
    """

    mark: str | None = None
    chosen: bool | None = None
    first: bool = False
    relevance: bool = True
    note: str = ""


@dataclass(frozen=True)
class CardLine:
    """A line of a card: plain words, what kind of line ("copy", "saved", "source" or ""), and a badge before it."""

    words: str
    kind: str = ""
    badge: str = ""


def title(neighbour: Neighbour) -> str:
    """Return rank and labels, as the title of a card."""
    return text("card.title", rank=neighbour.rank, labels=wording.labels(neighbour.labels))


def lines(neighbour: Neighbour, state: CardState) -> list[CardLine]:
    """Return what was counted, what is to be known of the case here, and its source."""
    counted = wording.relevance(neighbour) if state.relevance else ""
    said = [CardLine(state.note or counted or wording.further(neighbour))]
    if neighbour.same_recording:
        said.append(CardLine(wording.copy_of_query(neighbour), "copy"))
    if state.mark:
        said.append(CardLine(text("card.saved_line", mark=text(f"mark.{state.mark}")), "saved"))
    person = wording.person(neighbour.age, neighbour.sex, neighbour.view)
    source = " · ".join(part for part in (person, wording.origin(neighbour.cohort, neighbour.licence)) if part)
    return [*said, CardLine(source, "source", text("card.synthetic") if neighbour.synthetic else "")]


def lines_markdown(neighbour: Neighbour, state: CardState) -> str:
    """Return the lines of a card as Markdown."""
    signs = {"copy": ":material/content_copy:", "saved": ":material/check:", "source": ""}
    said = [
        " ".join(filter(None, (synthetic_badge(one.badge).strip(), signs.get(one.kind), escaped(one.words))))
        for one in lines(neighbour, state)
    ]
    return "\n\n".join(f":small[{one}]" for one in said)
