"""The main job in a real browser: drop, see neighbours of several kinds, rate, reload; refusals, questions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import pytest
from helpers.browser import drop, new_tab, press, settle, wait_for_cards
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Route, expect

pytestmark = pytest.mark.browser

BUTTON_CODE = re.compile(r"/static/js/Button\.")


@pytest.fixture(scope="module")
def page(browser: Browser, server: str) -> Iterator[Page]:
    """One tab that has accepted the notice."""
    tab = new_tab(browser)
    accept(tab, server)
    yield tab
    tab.context.close()


def accept(tab: Page, url: str) -> None:
    """Open the app; accept the notice where it is asked for."""
    tab.goto(url)
    button = tab.get_by_role("button", name="I have read this")
    button.or_(tab.get_by_test_id("stFileUploader")).first.wait_for()
    if button.count():
        expect(tab.get_by_text("not for diagnosis").first).to_be_visible()
        button.click()
    tab.get_by_test_id("stFileUploader").wait_for()


def heading(tab: Page, words: str) -> Locator:
    return tab.get_by_role("heading", level=2).filter(has_text=words)


def reload_and_leave(tab: Page) -> None:
    """Press the key that leads back while the buttons of a page that was loaded anew are yet to come: it is kept."""
    held: list[Route] = []
    tab.route(BUTTON_CODE, lambda one: held.append(one))
    tab.reload()
    expect(tab.get_by_text("Saved as Relevant")).to_be_visible()
    tab.wait_for_function("window.casebindFrame")
    tab.keyboard.press("Escape")
    assert held and not tab.locator(".st-key-back button").count()
    for one in held:
        one.continue_()
    tab.unroute(BUTTON_CODE)
    tab.wait_for_url(re.compile(r"/\?"))


def test_recording_finds_cases_of_several_kinds_and_keeps_the_rating(page, server, wfdb_pair):
    drop(page, server, *wfdb_pair)
    wait_for_cards(page)
    expect(page.get_by_text("WFDB, 12 leads, 500 Hz, 10 s").first).to_be_visible()
    expect(page.get_by_text("Quality: accepted")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Identity: .* removed")).first).to_be_visible()
    drawn = re.sub(r"data:[^\"')]*", "", page.content())  # a picture's letters may spell anything
    assert re.findall("Doe|Jane", drawn) == []

    heading(page, "ECGs").or_(heading(page, "Pulse recordings (PPG)")).first.wait_for(state="attached")
    kinds = {name for name in ("Chest films", "ECGs", "Pulse recordings (PPG)") if heading(page, name).count()}
    assert len(kinds) >= 2
    assert page.get_by_role("listitem").count() >= 8
    cards = page.locator(".st-key-answer").inner_text()
    assert (
        "of random pairs" in cards and "SYNTHETIC" in cards and "bits" not in cards.split("record")[0].split("ms in")[0]
    )
    assert page.locator("img:not([alt]), img[alt='']").count() == 0

    page.get_by_role("button", name=re.compile("^Open case 1")).first.click()
    expect(page.get_by_role("heading", name=re.compile("beside your query"))).to_be_visible()
    for part in ("Labelled as", "label generated with the case", "bits differ"):
        expect(page.get_by_text(part).first).to_be_attached()
    assert urlsplit(page.url).path == "/compare"

    press(page, "1")
    expect(page.get_by_text("Saved as Relevant")).to_be_visible()
    reload_and_leave(page)
    wait_for_cards(page)
    expect(page.get_by_text("Saved as Relevant")).to_be_visible()
    assert "query=q-" in page.url


def test_rating_on_a_card_can_be_changed_and_taken_back(page, server):
    page.goto(server)
    page.get_by_role("button", name="ECG", exact=True).click()
    wait_for_cards(page)
    page.locator("[class*=st-key-mark-]").first.get_by_role("radio", name="Partly").click()
    expect(page.get_by_text("Saved as Partly")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Saved as Partly")).to_be_visible()
    settle(page)
    page.locator("[class*=st-key-mark-]").first.get_by_role("radio", name="Partly").click()
    expect(page.get_by_text("Saved as Partly")).to_have_count(0)


def test_marks_given_faster_than_the_page_follows_are_all_stored(page, server):
    page.goto(f"{server}/?query=syn-0003-e1-ecg")
    wait_for_cards(page)
    marked = page.locator("[class*=st-key-mark-] [role=radio][aria-checked=true]")
    for n in (5, 0):  # given, and then taken back
        page.locator("[class*='st-key-card-']").first.focus()
        for key in ("1", "2", "3", "1", "2"):
            page.keyboard.press(key)
            page.keyboard.press("ArrowRight")
        settle(page)
        page.reload()
        wait_for_cards(page)
        expect(marked).to_have_count(n)


def test_typed_finding_and_settings_live_in_the_url(page, server, server_log):
    page.goto(server)
    page.get_by_label("or type a finding").wait_for()
    settle(page)  # what is typed while the box is still being drawn is lost
    page.get_by_label("or type a finding").fill("pleural effusion")
    press(page, "Enter")
    wait_for_cards(page)
    page.locator(".st-key-advanced button").first.click()
    page.locator(".st-key-set-bits").get_by_text("64", exact=True).click()
    expect(page.get_by_text("64-bit code")).to_be_attached()
    assert "bits=64" in page.url
    settle(page)
    page.locator(".st-key-set-rerank").get_by_text("Embeddings", exact=True).click()
    page.wait_for_url(re.compile("rerank=embedding"))
    page.reload()
    expect(page.get_by_text("64-bit code")).to_be_attached()
    log = server_log.read_text(errors="replace")
    assert "You can now view your Streamlit app" in log and "pleural effusion" not in log


def test_blank_picture_is_refused_with_number_and_without_neighbours(page, server, server_log, tmp_path):
    Image.new("L", (800, 800), 0).save(tmp_path / "Roe Richard.png")
    drop(page, server, tmp_path / "Roe Richard.png")
    refusal = page.get_by_role("alert").filter(has_text="refused")
    refusal.first.wait_for()
    settle(page)  # while the page is drawn anew, the one before may still stand
    assert re.search(r"\d", refusal.inner_text())
    assert page.locator("[class*='st-key-card-']").count() == 0
    assert "Roe Richard" not in server_log.read_text(errors="replace")


@pytest.mark.parametrize("name", ["note.dcm", "film.png", "lonely.hea", "report.pdf"])
def test_bad_file_ends_in_one_sentence(page, server, tmp_path, name):
    content = {
        "note.dcm": b"just some words\n",
        "film.png": b"\x89PNG\r\n\x1a\n" + bytes(40),
        "lonely.hea": b"lonely 1 500 5000\nlonely.dat 16 1000/mV 16 0 0 0 0 I\n",
        "report.pdf": b"%PDF-1.7\n%abc\n",
    }[name]
    (tmp_path / name).write_bytes(content)
    drop(page, server, tmp_path / name)
    said = page.get_by_role("alert").first
    said.wait_for()
    words = said.locator("p").inner_text().strip()
    assert words.endswith(".")
    assert words.count(". ") == 0, words
    expect(page.get_by_text("Traceback")).to_have_count(0)


def test_pulse_table_without_rate_asks_for_it_and_goes_on(page, server, tmp_path):
    import neurokit2 as nk

    pulse = nk.ppg_simulate(duration=20, sampling_rate=100, heart_rate=70, random_state=1)
    (tmp_path / "pulse.csv").write_text("PPG\n" + "\n".join(f"{v:.5f}" for v in pulse), encoding="utf-8")
    drop(page, server, tmp_path / "pulse.csv")
    rate = page.get_by_label("Samples per second (Hz)")
    rate.wait_for()
    rate.fill("100")
    rate.press("Enter")
    wait_for_cards(page)
    expect(page.get_by_text(re.compile("100 Hz, 20 s")).first).to_be_visible()
    expect(page.get_by_text(re.compile("searched is the stretch from"))).to_be_visible()


def test_unknown_query_in_the_url_is_one_sentence_with_a_way_back(page, server):
    page.goto(f"{server}/?query=q-nothing")
    expect(page.get_by_role("alert").first).to_contain_text("q-nothing")
    page.get_by_role("button", name="New query").click()
    page.get_by_test_id("stFileUploader").wait_for()


def test_real_recordings_find_cases_of_several_kinds(page, server, recordings):
    uploads = recordings / "uploads"
    for files in (("00008_hr.hea", "00008_hr.dat"), ("nih_cxr14_google_dx_pa_covid0000.dcm",)):
        drop(page, server, *(uploads / file for file in files))
        wait_for_cards(page)
        names = page.get_by_role("heading", level=2).all_inner_texts()
        assert any("Chest films" in name for name in names)
        assert any("ECGs" in name for name in names)


def test_browser_never_reaches_beyond_this_machine(browser, server):
    asked: list[str] = []
    tab = new_tab(browser)
    tab.context.on("request", lambda request: asked.append(request.url))
    accept(tab, server)
    tab.goto(f"{server}/about")
    tab.get_by_role("heading", name="Model card").wait_for()
    tab.context.close()
    hosts = {urlsplit(url).hostname for url in asked if urlsplit(url).scheme.startswith("http")}
    assert hosts == {"127.0.0.1"}


def test_an_address_that_somebody_made_up_puts_no_link_into_a_sentence(page, server):
    """Nor do words of others, which Markdown makes links of, escaped or not."""
    words = "[Sign in again](https://evil.example) https://evil.example www.evil.example a@evil.example"
    page.goto(f"{server}/?{urlencode({'query': words})}")
    expect(page.get_by_test_id("stAlert")).to_contain_text("Sign in again")
    settle(page)
    assert page.locator("a[href*='evil']").count() == 0
