"""An educator's way in a real browser: a collection, a quiz of it run by keyboard alone, and the results of the class.

Screenshots are kept in the folder that CASEBIND_ARTEFACTS names, where it is set.
"""

from __future__ import annotations

import csv
import io
import re

import pytest
from helpers.browser import (
    Look,
    box_of,
    download,
    faults_of,
    focus,
    leave,
    looking,
    opened,
    page_of,
    press,
    settle,
    violations,
)
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser

SIZES = ((1440, 900), (1024, 768))
CASES = ("syn-0005-e1-ecg", "syn-0084-e1-cxr", "syn-0001-e1-ppg")
LABELS = ("sinus tachycardia", "Lung Lesion", "atrial fibrillation")
REGION = re.compile("^Region:")
OVERLAP = re.compile(r"maker's share \d+ % of what they cover")
SECRETS = (*CASES, *LABELS, "syn-0", "casebind-demo", "Look at the intervals", "Heart rate", "Pulse rate", "PA view")


def collect(tab: Page, title: str, look: Look) -> None:
    """Make a collection of three cases; note, move, share, present."""
    page_of(tab, "Collections")
    if not tab.get_by_label("Title", exact=True).is_visible():
        tab.get_by_text("New collection").click()
    tab.get_by_label("Title", exact=True).fill(title)
    press(tab, "Tab")
    settle(tab)
    tab.get_by_role("button", name="Create").click()
    settle(tab)
    look("collections")
    tab.locator("[class*=st-key-open-c-] button").first.click()
    tab.get_by_role("button", name="Add a case").click()
    for study_id in CASES:
        tab.get_by_label("Study id").fill(study_id)
        press(tab, "Tab")
        settle(tab)
        tab.get_by_role("button", name="Add the case").click()
        settle(tab)
    press(tab, "Escape")
    expect(tab.get_by_text("3 of 3")).to_be_visible()
    settle(tab)
    tab.get_by_role("textbox", name="Note about this case").fill("Look at the intervals.")
    press(tab, "Tab")
    expect(tab.get_by_text(re.compile("Saved$"))).to_be_visible()
    leave(tab)
    press(tab, "u")
    expect(tab.get_by_text("2 of 3")).to_be_visible()
    look("collection")
    tab.get_by_role("button", name="Share link").click()
    expect(tab.get_by_text(re.compile(r"/collections\?collection=c-"))).to_be_visible()
    press(tab, "Escape")


def export(tab: Page) -> None:
    tab.get_by_role("button", name="Export").click()
    assert download(tab, "PDF, one case per page").startswith(b"%PDF")
    rows = list(csv.DictReader(io.StringIO(download(tab, "Table of cases (CSV)").decode("utf-8-sig"))))
    assert [row["study_id"] for row in rows] == [CASES[0], CASES[2], CASES[1]]
    press(tab, "Escape")
    settle(tab)


def present(tab: Page, look: Look) -> None:
    """Present from the open case on by keys."""
    leave(tab)
    press(tab, "p")
    expect(tab.get_by_role("button", name="Show labels")).to_be_visible()
    settle(tab)
    for size in (*SIZES, (1920, 1080)):
        whole(tab, size, "present-case")
    assert not shown(tab.content(), "atrial fibrillation", "Look at the intervals")
    press(tab, "l")
    expect(tab.get_by_text("atrial fibrillation").first).to_be_visible()
    expect(tab.get_by_text("Look at the intervals.")).to_have_count(0)
    press(tab, "n")
    expect(tab.get_by_text("Look at the intervals.")).to_be_visible()
    look("present")
    press(tab, "ArrowRight")
    expect(tab.get_by_text("3 of 3")).to_be_visible()
    expect(tab).to_have_title(re.compile(": 3 of 3 · Casebind$"))
    expect(tab.get_by_role("button", name="Show labels")).to_be_visible()
    expect(tab.get_by_role("button", name="Show notes")).to_be_visible()
    press(tab, "f")
    tab.wait_for_function("() => document.fullscreenElement !== null")
    press(tab, "f")
    tab.wait_for_function("() => document.fullscreenElement === null")
    settle(tab)
    press(tab, "Escape")
    tab.get_by_role("button", name="Make a quiz").wait_for()
    settle(tab)


def build(tab: Page, title: str) -> None:
    tab.get_by_role("button", name="Make a quiz").click()
    tab.get_by_label("Title of the quiz").fill(title)
    press(tab, "Tab")
    settle(tab)
    tab.get_by_role("button", name="Build", exact=True).click()
    expect(tab.get_by_text("has 3 questions")).to_be_visible()
    settle(tab)


def take(tab: Page, look: Look) -> None:
    """Run the newest quiz without a mouse; look into the page before every answer."""
    focus(tab, tab.get_by_role("button", name="Take", exact=True).first)
    press(tab, "Enter")
    alias = tab.get_by_role("textbox", name="Your alias")
    tab.get_by_role("button", name="Start or go on").wait_for()
    settle(tab)
    focus(tab, alias)
    tab.keyboard.type("anna")
    press(tab, "Enter")
    for number in (1, 2, 3):
        expect(tab.get_by_text(f"Question {number} of 3")).to_be_visible()
        expect(tab).to_have_title(re.compile(rf": Question {number} of 3 · Casebind$"))
        expect(tab.get_by_text("Choose an option, then commit it.")).to_be_visible()
        settle(tab)
        hidden(tab)
        for size in SIZES if number == 1 else ():
            whole(tab, size, "quiz-picture", "quiz-options")
        if number == 1:
            look("question")
        leave(tab)
        press(tab, "1")
        expect(tab.get_by_text("Chosen: ")).to_be_visible()
        settle(tab)
        if number == 2:
            other = tab.locator("[class*=st-key-option-] button").nth(1)
            other.focus()
            press(tab, "Enter")  # of an option chooses it, and commits nothing
            expect(other).to_have_attribute("kind", "primary")
            leave(tab)
        press(tab, "Enter")
        expect(tab.get_by_text("You chose").first).to_be_visible()
        expect(tab.locator(".st-key-compare-5 button").first).to_be_visible()
        if number == 1:
            look("revealed")
            returns_from_compare(tab)
        settle(tab)
        leave(tab)
        press(tab, "ArrowRight")
    expect(tab.get_by_text("Your answers", exact=True)).to_be_visible()
    look("end")


def returns_from_compare(tab: Page) -> None:
    """A case that is easily taken for it opens beside it; Escape and Back each lead back to the same question."""
    for back in (lambda: press(tab, "Escape"), tab.go_back):
        tab.locator(".st-key-compare-1 button").first.click()
        expect(tab.get_by_role("button", name="Back to the quiz")).to_be_visible()
        leave(tab)
        back()
        expect(tab.get_by_text("You chose").first).to_be_visible()
        expect(tab.get_by_text("Question 1 of 3")).to_be_visible()
        settle(tab)


def whole(tab: Page, size: tuple[int, int], *keys: str) -> None:
    """What is keyed so stands wholly on the screen at a size, without scrolling; the tab gets its own size back."""
    own = tab.viewport_size
    tab.set_viewport_size({"width": size[0], "height": size[1]})
    settle(tab)
    for key in keys:
        ends = tab.locator(f".st-key-{key}").first.evaluate(
            "one => { const box = one.getBoundingClientRect(); return [box.top, box.bottom, scrollY] }"
        )
        assert ends[0] >= 0 and ends[1] <= size[1], f"{key} at {size}: {ends}"
    tab.set_viewport_size(own)
    settle(tab)


def hidden(tab: Page) -> None:
    """Nothing in the page but the options may name what is asked: no id, label, file, origin, note or number."""
    everything = tab.evaluate("""() => {
        const page = document.documentElement.cloneNode(true)
        page.querySelectorAll('.st-key-quiz-options, script, style').forEach(one => one.remove())
        const viewers = [...document.querySelectorAll('*')].map(one => one.shadowRoot?.innerHTML ?? '').join('')
        return page.outerHTML + viewers + [...document.querySelectorAll('.js-plotly-plot')].map(plot =>
            JSON.stringify([plot.layout, plot.data.map(one => [one.text, one.name, one.hovertext])])).join('')
    }""")
    assert not shown(everything + tab.url + tab.title(), *SECRETS, "kbd>4<", "kbd>I<")


def shown(page: str, *secrets: str) -> list[str]:
    """Return where a page holds a word of `secrets`, each with what stands around it."""
    return [page[max(page.index(secret) - 150, 0) :][:300] for secret in secrets if secret in page]


def ask_where(tab: Page, url: str, title: str) -> None:
    """Ask for the place of what was drawn in Compare; answer once by mouse, and once more by keys alone."""
    tab.goto(f"{url}/compare?query={CASES[1]}&case=syn-0001-e1-cxr")
    put_region(tab)
    expect(tab.get_by_text("Saved", exact=True).first).to_be_visible()
    page_of(tab, "Collections")
    tab.locator("[class*=st-key-open-c-] button").first.click()
    tab.get_by_role("button", name="Make a quiz").click()
    tab.get_by_label("Title of the quiz").fill(f"{title}, where")
    press(tab, "Tab")
    settle(tab)
    tab.get_by_text(re.compile("^Where on the film")).click()
    settle(tab)
    tab.get_by_role("button", name="Build", exact=True).click()
    expect(tab.get_by_text("has 1 question")).to_be_visible()
    tab.get_by_role("button", name="Take", exact=True).first.click()
    tab.get_by_role("button", name="Start or go on").wait_for()
    settle(tab)
    tab.get_by_role("textbox", name="Your alias").fill("berta")
    press(tab, "Enter")
    tab.locator(".panel[data-ready]").first.wait_for()
    settle(tab)
    box = box_of(tab.locator(".panel[data-ready]").first)
    tab.get_by_role("button", name=REGION).click()
    tab.mouse.move(box["x"] + 0.45 * box["width"], box["y"] + 0.45 * box["height"])
    tab.mouse.down()
    tab.mouse.move(box["x"] + 0.55 * box["width"], box["y"] + 0.55 * box["height"], steps=4)
    tab.mouse.up()
    press(tab, "Enter")
    expect(tab.get_by_text(OVERLAP)).to_be_visible()
    tab.get_by_role("button", name="Finish").click()
    tab.get_by_role("button", name="Take it again").click()
    expect(tab.get_by_text("Where is this: ")).to_be_visible()
    expect(tab.locator(".panel[data-ready] .drawn")).to_have_count(0)  # a new attempt begins with nothing
    put_region(tab)
    expect(tab.get_by_text("Where is this: ")).to_be_visible()  # Enter on the tool commits no answer
    press(tab, "Enter")
    expect(tab.get_by_text(OVERLAP)).to_be_visible()


def put_region(tab: Page) -> None:
    """Put a region in the middle of the film by the keyboard."""
    tab.locator(".panel[data-ready]").first.wait_for()
    settle(tab)
    present = tab.locator(".drawn.region").count()
    tab.get_by_role("button", name=REGION).focus()
    press(tab, "Enter")
    expect(tab.locator(".drawn.region")).to_have_count(present + 1)
    settle(tab)


def results(tab: Page, title: str, look: Look) -> None:
    """Read the results and the CSV of the class."""
    page_of(tab, "Quiz") if not tab.get_by_role("button", name="All quizzes").count() else tab.get_by_role(
        "button", name="All quizzes"
    ).click()
    settle(tab)
    tab.get_by_role("button", name="Results").first.click()
    expect(tab.get_by_role("heading", name=f"Results of {title}")).to_be_visible()
    expect(tab).to_have_title(f"Results of {title} · Casebind")
    tab.get_by_text("The numbers").first.click()
    expect(tab.get_by_role("cell", name="anna", exact=True)).to_be_visible()
    look("results")
    tab.get_by_role("tab", name="Answer key").click()
    expect(tab.get_by_role("textbox", name="Discussion")).to_have_count(3)
    look("key")
    tab.get_by_role("tab", name="Links and settings").click()
    tab.get_by_role("button", name="Make a new maker's link").click()
    expect(tab.get_by_text(re.compile(r"/quiz\?quiz=z-\w+&key="))).to_be_visible()
    look("settings")
    tab.get_by_role("tab", name="The class").click()
    rows = list(csv.DictReader(io.StringIO(download(tab, "All answers as CSV").decode("utf-8-sig"))))
    assert sorted(row["study_id"] for row in rows) == sorted(CASES)
    assert {(row["learner"], row["attempt"], row["synthetic"]) for row in rows} == {("anna", "1", "yes")}


def test_an_educator_builds_runs_and_reads_a_quiz(browser: Browser, server: str) -> None:
    tab, title = opened(browser, server, "light", 768), "Rounds in a class"
    faults, look = faults_of(tab), looking(tab, "educator", violations, also=("dark", 1440))
    collect(tab, title, look)
    export(tab)
    present(tab, look)
    build(tab, title)
    take(tab, look)
    results(tab, title, look)
    ask_where(tab, server, title)
    assert [one for one in faults if "404" not in one] == []
    tab.context.close()
