"""The trace viewer in a real browser: calipers read what is drawn, at every scale, without asking the server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from helpers.browser import box_of, drawn_up, violations
from helpers.server import STARTS_IN_S, free_port, stop
from helpers.viewer_page import EVERY_S, FIRST_S, HEIGHT_MV, SEARCHED_S
from playwright.sync_api import Browser, Page, expect

from engine.settings import ROOT
from engine.study import ECG_LEADS

pytestmark = pytest.mark.browser

READING = re.compile(r"(?:(\d+) ms)?(?: · \d+/min)?(?: · )?(?:(\d+\.\d\d) mV)?$")
RHYTHM = 3  # row of lead II under the usual layout
Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def page_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the page of tests/helpers/viewer_page.py."""
    port, log = free_port(), tmp_path_factory.mktemp("viewer") / "server.log"
    script = str(Path(ROOT) / "tests" / "helpers" / "viewer_page.py")
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(port)]
    paths = os.pathsep.join([str(ROOT), str(Path(ROOT) / "tests")])
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": paths}, stdout=out, stderr=out)
    url, until = f"http://127.0.0.1:{port}", time.monotonic() + STARTS_IN_S
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=10):
                break
        except OSError:
            time.sleep(0.2)
    yield url
    stop(process)


@pytest.fixture
def opened(browser: Browser, page_url: str) -> Iterator[Opened]:
    """Opens one of the page's recordings in a context of its own."""
    contexts = []

    def go(show: str, width: int = 1440, height: int = 900, scheme: str = "dark", touch: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=touch, is_mobile=touch
        )
        contexts.append(context)
        tab = context.new_page()
        tab.goto(f"{page_url}/?show={show}")
        tab.locator(".host[data-drawn=yes]").wait_for()
        return tab

    yield go
    for context in contexts:
        context.close()


class Paper:
    """Where times and millivolts of the shown page lie on the screen, by the paper's scale."""

    def __init__(self, tab: Page, speed: float, gain: float) -> None:
        self.stage, self.speed, self.gain = tab.locator(".stage").first, speed, gain
        facts = self.stage.evaluate(
            "one => { const box = one.getBoundingClientRect(), up = one.closest('.scroller');"
            " return [box.x - up.scrollLeft, box.y - up.scrollTop, +one.dataset.pxPerMm, +one.dataset.marginMm,"
            " one.dataset.basesMm.split(' ').map(Number)]; }"
        )
        self.left, self.top, self.px, self.margin, self.bases = facts

    def at(self, seconds: float, millivolts: float, row: int = RHYTHM) -> tuple[float, float]:
        across = self.left + (self.margin + seconds * self.speed) * self.px
        return across, self.top + (self.bases[row] - millivolts * self.gain) * self.px


def reading(tab: Page) -> tuple[float, float]:
    """The milliseconds and millivolts of the chosen caliper; 0 for one that is not written."""
    drawn_up(tab)
    words = tab.locator(".caliper.chosen .reading").text_content() or ""
    found = READING.search(words)
    assert found is not None, words
    return float(found[1] or 0), float(found[2] or 0)


def drag(tab: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    tab.mouse.move(*start)
    tab.mouse.down()
    tab.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=3)
    tab.mouse.move(*end, steps=3)
    tab.mouse.up()
    drawn_up(tab)


def dots(tab: Page) -> list[tuple[float, float]]:
    """The middles of the two handles of the chosen caliper on the screen."""
    boxes = [box_of(one) for one in tab.locator(".caliper.chosen .handle .dot").all()]
    return [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes]


def is_ink(tab: Page, place: tuple[float, float]) -> bool:
    """Whether the curve runs within two pixels of a place: nothing else of dark paper is so bright."""
    return bool(
        tab.locator(".stage canvas").first.evaluate(
            "(canvas, [x, y]) => { const box = canvas.getBoundingClientRect();"
            " const got = canvas.getContext('2d').getImageData(x - box.x - 2, y - box.y - 2, 5, 5).data;"
            " for (let i = 0; i < got.length; i += 4) if (got[i] > 150 && got[i + 2] > 150) return true;"
            " return false; }",
            list(place),
        )
    )


def test_calipers_read_a_known_signal_at_every_speed_and_gain_and_ask_the_server_nothing(opened: Opened) -> None:
    tab = opened("ecg")
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.evaluate(
        "() => { window.sent = 0; const send = WebSocket.prototype.send;"
        " WebSocket.prototype.send = function (...given) { window.sent += 1; return send.apply(this, given); }; }"
    )
    first = FIRST_S + EVERY_S
    widths = []
    for speed in (25, 50):
        tab.get_by_role("button", name=f"{speed} mm/s").click()
        for gain in (5, 10, 20):
            tab.get_by_role("button", name=f"{gain} mm/mV").click()
            tab.locator(".scroller").evaluate("one => { one.scrollTop = one.scrollHeight; }")
            drawn_up(tab)
            paper = Paper(tab, speed, gain)
            assert is_ink(tab, paper.at(first, HEIGHT_MV - 0.02))
            assert is_ink(tab, paper.at(first + EVERY_S, HEIGHT_MV - 0.02))
            assert not is_ink(tab, paper.at(first + EVERY_S / 2 + 0.15, HEIGHT_MV))
            if (speed, gain) == (25, 5):
                drag(tab, paper.at(first, 0), paper.at(first + EVERY_S, HEIGHT_MV))
            assert reading(tab) == (pytest.approx(1000 * EVERY_S, abs=2), pytest.approx(HEIGHT_MV, abs=0.02))
            one, other = dots(tab)  # drawn once, it lies at the same times and amplitudes at every scale
            assert one == pytest.approx(paper.at(first, 0), abs=0.6)
            assert other == pytest.approx(paper.at(first + EVERY_S, HEIGHT_MV), abs=0.6)
            drag(tab, other, paper.at(first - 0.4, 1.5))  # the second end before the first: nothing is negative
            assert reading(tab) == (pytest.approx(400, abs=2), pytest.approx(1.5, abs=0.02))
            drag(tab, one, paper.at(first, 0.5))
            assert reading(tab) == (pytest.approx(400, abs=2), pytest.approx(1.0, abs=0.02))
            drag(tab, dots(tab)[0], paper.at(first, 0))
            drag(tab, dots(tab)[1], paper.at(first + EVERY_S, HEIGHT_MV))
        widths.append(tab.locator(".spacer").evaluate("one => one.getBoundingClientRect().width"))
    assert widths[1] > 1.5 * widths[0]  # faster paper is wider and scrolls
    assert (asked, tab.evaluate("window.sent")) == ([], 0)
    assert len(tab.locator(".measures li").all()) == 1


def test_keys_snapping_march_and_qtc_work_without_a_mouse(opened: Opened) -> None:
    tab = opened("ecg", scheme="light")
    tab.locator(".scroller").focus()
    tab.keyboard.press("k")
    before = reading(tab)
    for key in ("ArrowRight", "Shift+ArrowRight", "ArrowUp", "ArrowUp"):
        tab.keyboard.press(key)
    after = reading(tab)
    assert (after[0] - before[0], after[1] - before[1]) == (pytest.approx(11), pytest.approx(0.02))
    tab.keyboard.press("b")
    drawn_up(tab)
    assert (tab.locator(".march").get_attribute("d") or "").count("M") > 5
    assert tab.locator(".measures .tool[aria-pressed=true]").count() == 1
    tab.keyboard.press("Delete")
    expect(tab.locator(".measures li")).to_have_count(0)
    tab.get_by_role("button", name="Let the ends of calipers catch").click()
    paper = Paper(tab, 25, 10)
    start, end = paper.at(FIRST_S, HEIGHT_MV), paper.at(FIRST_S + EVERY_S, HEIGHT_MV)
    drag(tab, (start[0], start[1]), (end[0] + 4, end[1] + 9))  # some pixels beside the second spike
    assert reading(tab)[0] == pytest.approx(1000 * EVERY_S, abs=1000 / (25 * paper.px))
    tab.get_by_role("combobox", name="What it measures, caliper 1").select_option("QT")
    qt = reading(tab)[0] / 1000
    words = tab.locator(".reading-of").first.text_content() or ""
    said = re.search(r"QTc (\d+) ms \(Bazett\), (\d+) ms \(Fridericia\)", words)
    assert said is not None, words
    assert int(said[1]) == pytest.approx(1000 * qt / EVERY_S**0.5, abs=2)  # the beats found are 0.8 s apart
    assert int(said[2]) == pytest.approx(1000 * qt / EVERY_S ** (1 / 3), abs=2)
    expect(tab.locator(".legend")).to_contain_text("raises the similarity")
    assert violations(tab) == []


def test_two_ecgs_stand_side_by_side_linked_and_their_median_beats_over_each_other(opened: Opened) -> None:
    tab = opened("pair", width=1024, height=768)
    boxes = [box_of(pane) for pane in tab.locator(".pane").all()]
    assert len(boxes) == 2
    assert all(box["y"] >= 0 and box["y"] + box["height"] <= 768 for box in boxes)
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    places = "() => [...document.querySelectorAll('*')].map(one => one.shadowRoot).filter(Boolean)"
    places += ".flatMap(root => [...root.querySelectorAll('.scroller')].map(one => Math.round(one.scrollLeft)))"
    tab.locator(".scroller").first.evaluate("one => { one.scrollLeft = 90; }")
    tab.wait_for_function(f"() => {{ const [a, b] = ({places})(); return a === 90 && b === 90; }}")
    tab.get_by_role("button", name="The median beat of each lead").click()
    expect(tab.locator(".pane")).to_have_count(1)
    expect(tab.locator(".legend")).to_contain_text("Match: median of")
    assert tab.locator(".legend line[stroke-dasharray]").count() == 1  # two line styles
    assert violations(tab) == []


def test_a_long_recording_has_an_overview_whose_window_moves_the_paper(opened: Opened) -> None:
    tab = opened("long", scheme="light")
    window = tab.get_by_role("slider", name="Part of the recording that is shown")
    assert float(window.get_attribute("aria-valuenow") or 0) == pytest.approx(SEARCHED_S[0], abs=1)
    expect(tab.locator(".searched")).to_be_visible()
    whole = box_of(tab.locator(".whole"))
    tab.mouse.click(whole["x"] + whole["width"] * 145 / 300, whole["y"] + 10)  # the asystole
    tab.wait_for_function("one => Math.abs(+one.getAttribute('aria-valuenow') - 140) < 2", arg=window.element_handle())
    window.press("Home")
    expect(window).to_have_attribute("aria-valuenow", "0")
    steps = []
    for key in ("ArrowRight", "PageDown"):
        before = window.get_attribute("aria-valuenow") or ""
        window.press(key)
        expect(window).not_to_have_attribute("aria-valuenow", before)
        steps.append(float(window.get_attribute("aria-valuenow") or 0))
    assert all(late > early for early, late in pairwise([0.0, *steps]))
    assert violations(tab) == []


def test_a_phone_scrolls_paper_that_can_be_read_and_a_pulse_has_its_quality(opened: Opened) -> None:
    tab = opened("ecg", width=390, height=844, touch=True)
    scale = float(tab.locator(".stage").get_attribute("data-px-per-mm") or 0)
    assert scale >= 2.5
    assert tab.locator(".scroller").evaluate("one => one.scrollWidth > 1.5 * one.clientWidth")
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    leads = (tab.locator(".stage").get_attribute("data-leads") or "").split()
    assert sorted(leads) == sorted(ECG_LEADS)
    foot = tab.locator(".foot")
    expect(foot).to_contain_text("0.0 to ")
    tab.locator(".scroller").evaluate("one => { one.scrollLeft = one.scrollWidth; }")
    expect(foot).to_contain_text("to 10.0 s of 10 s")  # scrolling brings the end of every lead
    tab.get_by_role("button", name="Put down a caliper").tap()
    expect(tab.locator(".caliper.chosen")).to_have_count(1)
    assert violations(tab) == []
    tab = opened("pulse")
    expect(tab.locator(".rate")).to_contain_text("Pulse rate 80 per minute")
    expect(tab.locator(".quality .stretch")).to_have_count(6)
    assert "arbitrary units" in (tab.locator(".foot").text_content() or "")
    assert violations(tab) == []
