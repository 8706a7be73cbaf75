"""The viewers in a real browser: phantoms of known size, turned and mirrored, and what is drawn comes back."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.browser import NOTE_SOCKETS, box_of, drawn_up, faults_of, settle, violations
from helpers.recording_files import as_bytes, film
from helpers.server import start_script, stop
from helpers.studies import COHORT, DIGEST, RELEASE, new_study
from helpers.viewer_page import spikes
from helpers.viewer_page import study as trace_study
from playwright.sync_api import Browser, Locator, Page, expect

from engine.intake import Upload, read
from engine.store.records import NewStudy
from engine.study import fingerprint
from engine.workspace.workspace import open_workspace

pytestmark = pytest.mark.browser

ROW_MM, COLUMN_MM = 0.4, 0.2
SPOTS = ((250, 150), (1000, 180), (600, 650))  # columns, rows of their middles
HALF = (20, 10)  # columns, rows
WITHIN_MM = 0.5
PAGE = Path(__file__).parents[2] / "helpers" / "film_page.py"
# Middles of the three bright spots on the canvas, in CSS pixels from the panel's corner, ordered by their greys; the
# edge of a brighter one passes through the grey of a darker one, so neighbours must agree.
SPOTS_SEEN = """panel => {
  const canvas = panel.querySelector('canvas[role=img]'), ratio = canvas.width / canvas.clientWidth;
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const sums = {};
  for (let i = 0; i < data.length; i += 4) {
    const near = [0, -8, 8, -8 * canvas.width, 8 * canvas.width].map(step => data[i + step]);
    const name = [150, 200, 250].find(grey => near.every(one => Math.abs(grey - one) < 4));
    if (!name) continue;
    const sum = sums[name] ??= [0, 0, 0];
    sum[0] += (i / 4) % canvas.width + 0.5;
    sum[1] += Math.floor(i / 4 / canvas.width) + 0.5;
    sum[2] += 1;
  }
  return [150, 200, 250].map(grey => [sums[grey][0] / sums[grey][2] / ratio, sums[grey][1] / sums[grey][2] / ratio]);
}"""


def phantom() -> np.ndarray:
    """Return a film of 1200 × 800 pixels with three spots, 12 bits."""
    pixels = np.full((800, 1200), 300, np.uint16)
    for (column, row), grey in zip(SPOTS, (150, 200, 250), strict=True):
        pixels[row - HALF[1] : row + HALF[1], column - HALF[0] : column + HALF[0]] = round(grey / 255 * 4095)
    return pixels


def stored(number: int, name: str, spacing: list[float] | None) -> NewStudy:
    """Return the phantom as a study, read from a DICOM file."""
    ds = film(phantom(), 12, ImagerPixelSpacing=spacing or [0.1, 0.1])
    study = read([Upload("film.dcm", as_bytes(ds))], key=b"key")
    if spacing is None:
        study = replace(study, content=replace(study.film, spacing_mm=None))
    made = new_study(number, "cxr", np.random.default_rng(number))
    row = replace(made.row, study_id=name, fingerprint=fingerprint(study.content), synthetic=name == "plain")
    return replace(made, row=row, study=study)


def recorded(number: int, name: str) -> NewStudy:
    """Return ten seconds of spikes in twelve leads as a study."""
    made = new_study(number, "ecg", np.random.default_rng(number))
    content = trace_study(spikes())
    return replace(made, row=replace(made.row, study_id=name, fingerprint=content.fingerprint), study=content)


@pytest.fixture(scope="module")
def page_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the viewer's page on a workspace with the phantom, with and without a spacing."""
    folder = tmp_path_factory.mktemp("films")
    with open_workspace(folder / "workspace", create=True) as place:
        films = [stored(1, "deep", [ROW_MM, COLUMN_MM]), stored(2, "plain", None)]
        place.add(COHORT, RELEASE, DIGEST, [*films, recorded(3, "ecg")])
    process, url = start_script(PAGE, folder / "workspace", folder / "server.log")
    yield url
    stop(process)


@pytest.fixture
def tab(browser: Browser, page_url: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(NOTE_SOCKETS)
    page = context.new_page()
    page.goto(page_url)
    yield page
    context.close()


def ready(tab: Page) -> Locator:
    """Return the first film once it is drawn."""
    panel = tab.locator(".panel[data-ready]").first
    panel.wait_for()
    settle(tab)
    return panel


def drag(tab: Page, panel: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    box = box_of(panel)
    tab.mouse.move(box["x"] + start[0], box["y"] + start[1])
    tab.mouse.down()
    tab.mouse.move(box["x"] + (start[0] + end[0]) / 2, box["y"] + (start[1] + end[1]) / 2)
    tab.mouse.move(box["x"] + end[0], box["y"] + end[1])
    tab.mouse.up()
    drawn_up(tab)


def drawn(tab: Page) -> list[str]:
    """Return the annotations in words, as a screen reader finds them."""
    return tab.locator("ul.unseen li").all_text_contents()


def button(tab: Page, name: str) -> Locator:
    return tab.get_by_role("button", name=name).first


def value(words: str) -> float:
    found = re.search(r"(\d+(?:\.\d+)?)(?: mm|°|$| % of)", words)
    assert found is not None, words
    return float(found[1])


def true_mm(one: int, other: int) -> float:
    (x, y), (u, v) = SPOTS[one], SPOTS[other]
    return math.hypot((x - u) * COLUMN_MM, (y - v) * ROW_MM)


def spots(panel: Locator) -> list[tuple[float, float]]:
    return [tuple(one) for one in panel.evaluate(SPOTS_SEEN)]


def test_lengths_angle_and_ratio_are_those_of_the_phantom_however_it_lies(tab: Page) -> None:
    panel, faults = ready(tab), faults_of(tab)
    for steps in ((), ("Turn by 90°",), ("Mirror left and right",), ("Zoom in", "Turn by 90°")):
        for name in steps:
            button(tab, name).click()
        settle(tab)
        seen = spots(panel)
        button(tab, "Ruler").click()
        for one, other in itertools.combinations(range(3), 2):
            drag(tab, panel, seen[one], seen[other])
            assert value(drawn(tab)[0]) == pytest.approx(true_mm(one, other), abs=WITHIN_MM), steps
            tab.keyboard.press("Delete")
            expect(tab.locator("ul.unseen li")).to_have_count(0)
        button(tab, "Ruler").click()
    seen = spots(panel)
    button(tab, "Cardiothoracic ratio").click()
    drag(tab, panel, seen[0], seen[1])
    drag(tab, panel, seen[0], seen[2])
    ratio = true_mm(0, 1) / true_mm(0, 2)
    assert value(drawn(tab)[0]) == pytest.approx(min(ratio, 1 / ratio), abs=0.006)
    tab.keyboard.press("Delete")
    button(tab, "Angle").click()
    drag(tab, panel, seen[1], seen[0])
    end = box_of(tab.locator(".drawn.angle .handle").last)
    corner = box_of(panel)
    middle = (end["x"] + end["width"] / 2 - corner["x"], end["y"] + end["height"] / 2 - corner["y"])
    drag(tab, panel, middle, seen[2])
    arms = [[(SPOTS[i][0] - SPOTS[0][0]) * COLUMN_MM, (SPOTS[i][1] - SPOTS[0][1]) * ROW_MM] for i in (1, 2)]
    turn = [math.degrees(math.atan2(y, x)) for x, y in arms]
    assert value(drawn(tab)[0]) == pytest.approx(abs(turn[0] - turn[1]), abs=0.4)
    assert violations(tab) == []
    assert faults == []


def test_no_drag_asks_the_server_and_what_is_drawn_is_there_again(tab: Page, page_url: str) -> None:
    sent: list[object] = []
    tab.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    tab.goto(f"{page_url}/?saved")
    panel = ready(tab)
    host = tab.locator(".host")
    sent.clear()
    before, frames = tab.locator(".facts").text_content() or "", host.evaluate("one => one.frames")
    tab.on("request", lambda request: sent.append(request.url))
    drag(tab, panel, (300, 300), (380, 340))
    expect(tab.locator(".facts")).not_to_have_text(before)
    tab.mouse.wheel(0, -500)
    drag(tab, panel, (300, 300), (420, 360))
    expect(tab.locator(".facts")).to_contain_text("own")
    expect(tab.locator(".facts")).not_to_contain_text("100 %")
    assert host.evaluate("one => one.frames") > frames
    assert sent == []

    for key in ("0", "4"):
        tab.keyboard.press(key)
    expect(tab.locator(".facts")).to_contain_text("As stored")
    button(tab, "Ruler").focus()
    tab.keyboard.press("Enter")  # without a mouse: a ruler in the middle, its end has the focus
    expect(tab.locator("ul.unseen li")).to_have_count(1)
    length = value(drawn(tab)[0])
    tab.keyboard.press("Shift+ArrowRight")
    expect(tab.locator("ul.unseen li")).not_to_contain_text(f"{length:.1f} %")
    assert value(drawn(tab)[0]) == pytest.approx(length + 100 * 10 / 1200, abs=0.11)
    button(tab, "Text").click()
    seen = spots(panel)
    drag(tab, panel, seen[1], seen[1])
    expect(tab.get_by_role("textbox", name=re.compile("^Words of")).first).to_be_focused()
    tab.keyboard.type("seen <b>here</b> 123")  # no letter of it is taken for a key of the page
    tab.keyboard.press("Enter")
    expect(tab.locator(".state")).to_have_text("Saved")
    said = drawn(tab)
    assert said[1].endswith("seen <b>here</b> 123")
    tab.reload()
    ready(tab)
    expect(tab.locator("ul.unseen li")).to_have_count(2)
    assert drawn(tab) == said
    tab.get_by_role("button", name="Annotations", exact=True).click()
    tab.get_by_role("button", name="Delete Text").click()
    expect(tab.locator(".state")).to_have_text("Saved")
    assert violations(tab) == []


def test_the_window_that_was_set_is_told_while_a_result_is_exported(tab: Page, page_url: str) -> None:
    tab.goto(f"{page_url}/?asked")
    panel = ready(tab)
    drag(tab, panel, (200, 200), (260, 240))
    expect(tab.locator(".facts")).to_contain_text("own")
    again, said = tab.get_by_role("button", name="again"), tab.get_by_text("shown ", exact=False)

    def press_export() -> None:
        """Begin or end an export; what the viewer tells then is shown by the next run of the page."""
        tab.get_by_text("export", exact=True).click()
        settle(tab)
        again.click()

    expect(said).to_have_text("shown None")
    press_export()
    expect(said).to_contain_text("ShownWindow(low=")
    press_export()
    tab.locator("select.windows").select_option("full")
    press_export()
    expect(said).to_have_text("shown None")


def test_two_films_move_together_and_each_measures_by_its_own_spacing(tab: Page, page_url: str) -> None:
    tab.goto(f"{page_url}/?pair")
    panel = ready(tab)
    other = tab.locator(".panel[data-ready]").nth(1)
    other.wait_for()
    settle(tab)
    seen = spots(panel)
    button(tab, "Ruler").click()
    drag(tab, panel, seen[0], seen[1])
    drag(tab, other, *spots(other)[:2])
    assert [one.split(", ")[0] for one in drawn(tab)] == ["deep", "plain"]
    assert value(drawn(tab)[0]) == pytest.approx(true_mm(0, 1), abs=WITHIN_MM)
    across, down = SPOTS[1][0] - SPOTS[0][0], SPOTS[1][1] - SPOTS[0][1]
    assert value(drawn(tab)[1]) == pytest.approx(100 * math.hypot(across, down) / 1200, abs=0.5)
    box = box_of(panel)
    tab.mouse.move(box["x"] + 200, box["y"] + 200)
    tab.mouse.wheel(0, -800)
    for facts in tab.locator(".facts").all():
        expect(facts).not_to_contain_text("100 %")
    corner = other.evaluate("""panel => {
      const canvas = panel.querySelector('canvas[role=img]');
      const {data} = canvas.getContext('2d').getImageData(canvas.width - 90, 2, 88, 20);
      return Math.max(...data.filter((_, i) => i % 4 < 3));
    }""")
    assert corner == 255  # the mark of a synthetic film stays in the corner


def test_fingers_pinch_and_a_quiz_keeps_its_keys_and_its_secret(browser: Browser, page_url: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    context.add_init_script(NOTE_SOCKETS)
    tab = context.new_page()
    tab.goto(f"{page_url}/?anonymous")
    panel = ready(tab)
    assert tab.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    box = box_of(panel)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    fingers = tab.context.new_cdp_session(tab)
    for name, apart in (("touchStart", 30), ("touchMove", 60), ("touchMove", 90)):
        points = [{"x": x - apart, "y": y, "id": 1}, {"x": x + apart, "y": y, "id": 2}]
        fingers.send("Input.dispatchTouchEvent", {"type": name, "touchPoints": points})
    fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(tab.locator(".facts")).to_contain_text("300 %")
    tab.keyboard.press("i")
    expect(button(tab, "Invert")).to_have_attribute("aria-pressed", "false")
    everything = tab.evaluate(
        "() => [...document.querySelectorAll('*')].map(one => one.shadowRoot?.innerHTML ?? '').join('')"
    )
    assert not [word for word in ("Normal", "test cxr", "deep", "PA view") if word in everything]
    assert violations(tab) == []
    context.close()


def test_a_stretch_and_words_on_an_ecg_are_drawn_by_mouse_touch_and_keys_and_are_there_again(
    browser: Browser, page_url: str
) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, has_touch=True)
    context.add_init_script(NOTE_SOCKETS)
    tab = context.new_page()
    tab.goto(f"{page_url}/?trace")
    stage, rows = tab.locator(".stage"), tab.locator(".measures li")
    tab.locator(".host[data-drawn]").wait_for()
    settle(tab)
    faults = faults_of(tab)
    px, margin = (float(stage.get_attribute(f"data-{name}-mm") or 0) for name in ("px-per", "margin"))
    bases = [float(one) for one in (stage.get_attribute("data-bases-mm") or "").split()]

    def at(seconds: float, millivolts: float, row: int) -> tuple[float, float]:
        return (margin + 25 * seconds) * px, (bases[row] - 10 * millivolts) * px

    button(tab, "Stretch of a lead").click()
    drag(tab, stage, at(1, 0, 3), at(3.5, 0.2, 3))  # on the rhythm strip
    expect(rows).to_have_text([re.compile(r"1 · II · 2\.50 s")], use_inner_text=True)
    tab.keyboard.press("ArrowRight")  # its second end has the focus
    expect(rows).to_have_text([re.compile(r"1 · II · 2\.51 s")], use_inner_text=True)
    tab.get_by_role("textbox", name="Words, Stretch 1").fill("ventricular run")
    tab.keyboard.press("Enter")
    button(tab, "Text: click").click()
    drag(tab, stage, at(6, 0.5, 1), at(6, 0.5, 1))  # V2, in the third column of the second row
    expect(tab.locator(".ask input")).to_be_focused()
    tab.keyboard.type("notch <b>here</b> k")  # no letter of it is taken for a key
    tab.keyboard.press("Enter")
    expect(rows).to_have_count(2)
    tab.locator(".scroller").focus()
    tab.keyboard.press("e")
    expect(rows).to_have_count(3)
    tab.keyboard.press("Delete")
    expect(rows).to_have_count(2)
    box = box_of(stage)
    x, y = at(8, 0, 3)
    fingers = tab.context.new_cdp_session(tab)
    button(tab, "Stretch of a lead").tap()
    for name, across in (("touchStart", 0), ("touchMove", 30), ("touchMove", 60)):
        points = [{"x": box["x"] + x + across, "y": box["y"] + y, "id": 1}]
        fingers.send("Input.dispatchTouchEvent", {"type": name, "touchPoints": points})
    fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(rows).to_have_count(3)
    expect(button(tab, "Stretch of a lead")).to_have_attribute(
        "aria-pressed", "false"
    )  # a finger moves the paper again
    expect(tab.locator(".saved")).to_have_text("Saved")
    assert violations(tab) == []
    said = tab.locator(".marks .reading").all_text_contents()
    tab.reload()
    tab.locator(".host[data-drawn]").wait_for()
    expect(rows).to_have_count(3)
    assert tab.locator(".marks .reading").all_text_contents() == said
    assert said[:2] == ["2.51 s · ventricular run", "notch <b>here</b> k"]
    assert faults == []
    context.close()
