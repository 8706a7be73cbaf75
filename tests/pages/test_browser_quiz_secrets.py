"""A learner goes every way through the app before answering: nothing that the server sends names a case of the quiz."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers.browser import leave, opened, page_of, press, settle, wait_for_cards
from helpers.sent import Sent
from helpers.server import start, stop
from helpers.workspaces import write_manifest, write_table
from playwright.sync_api import Browser, Page, expect

from engine import settings
from engine.actor import single_user
from engine.model.release import Release, load_release
from engine.study import Modality
from engine.teaching import collections, quizzes
from engine.teaching.quizzes import QuizPlan
from engine.workspace.demo import COHORT
from engine.workspace.ingest import ingest
from engine.workspace.manifest import read_manifest
from engine.workspace.pipeline import load_precomputed
from engine.workspace.workspace import open_workspace

pytestmark = pytest.mark.browser

CASES = ("syn-0001-e1-cxr", "syn-0003-e1-ecg")
WORD = "Zebrastripe"  # in the label of every study of these encounters, and nowhere else
NOTE = "Quokkanote"
MODALITIES: tuple[Modality, ...] = ("cxr", "ecg")


@dataclass(frozen=True)
class Place:
    """A running app with a quiz that a learner may open, and the collection that it was made of, which is listed."""

    url: str
    quiz: str
    collection: str
    film: Path


def filled(folder: Path, files: Path, release: Release) -> tuple[str, str]:
    """Make a workspace with a quiz of two cases whose encounters carry a label of their own; return both ids."""
    manifest = write_manifest(files, range(1, 13), films=6)
    with manifest.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    encounters = {case.rpartition("-")[0] for case in CASES}
    for row in rows:
        if row["encounter_id"] in encounters:
            row["labels"] = f"{WORD} {row['modality']}"
    known = load_precomputed(settings.DEMO / f"embeddings-{release.name}.npz", release.digest)
    with open_workspace(folder, create=True) as place:
        table = write_table(files / "marked.csv", rows)
        ingest(place, release, release.digest, COHORT, read_manifest(table), precomputed=known)
        which = collections.create(place, "Rounds", actor=single_user()).collection_id
        for case in CASES:
            collections.add(place, which, case, note=NOTE, actor=single_user())
        collections.set_visibility(place, which, "everybody", actor=single_user())
        plan = QuizPlan("Rounds", asks="text", order="fixed", visibility="everybody")
        return which, quizzes.from_collection(place, release, which, plan, actor=single_user()).quiz.quiz_id


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("secrets")
    collection, quiz = filled(folder / "ws", folder / "files", load_release())
    process, url = start(folder / "ws", folder / "server.log")
    yield Place(url, quiz, collection, folder / "files" / "cxr" / f"{CASES[0]}.jpg")
    stop(process)


def goes(tab: Page, place: Place, path: str) -> None:
    tab.goto(f"{place.url}/{path}")
    tab.locator("h1, [data-testid=stAlert]").first.wait_for()
    settle(tab)


def begins(tab: Page, place: Place) -> None:
    """Open the quiz by its link and begin, so that the first question stands there."""
    goes(tab, place, f"quiz?quiz={place.quiz}")
    tab.get_by_role("textbox", name="Your alias").fill("ann")
    press(tab, "Enter")
    expect(tab.get_by_text("What does it show?")).to_be_visible()
    settle(tab)


def tries_addresses(tab: Page, place: Place, sent: Sent) -> None:
    """Try what a learner can type into the address bar."""
    for address in (
        f"quiz?quiz={place.quiz}&view=results",
        f"quiz?quiz={place.quiz}&view=results&key=guessed",
        "quiz",
        "collections",
        f"collections?collection={place.collection}",
        f"collections?collection={place.collection}&key=guessed",
        f"collections?collection={place.collection}&present=1",
        f"quiz?build={place.collection}",
        "compare",
        "map",
        "releases",
        "about",
    ):
        goes(tab, place, address)
        assert sent.tells(WORD, NOTE, *CASES) == [], address
    assert not tab.get_by_role("button", name="Results").count()
    for case in CASES:  # an id that a learner would have to guess names nothing more
        for address in (f"?query={case}", f"compare?query={case}&case=syn-0002-e1-ecg"):
            goes(tab, place, address)
            assert sent.tells(WORD, NOTE) == [], address


def searches(tab: Page, place: Place, sent: Sent) -> None:
    """Drop the quiz's own picture on the search, then ask for its label."""
    goes(tab, place, "")
    tab.set_input_files("input[type=file]", str(place.film))
    wait_for_cards(tab)
    assert sent.tells(WORD, NOTE, *CASES) == [], "by picture"
    goes(tab, place, "")
    box = tab.get_by_role("textbox").first
    box.fill("stripes of a zebra")
    press(tab, "Enter")
    settle(tab)
    assert sent.tells(WORD, NOTE, *CASES) == [], "by words"


def reviews(tab: Page, place: Place, sent: Sent) -> None:
    goes(tab, place, "review?who=ann")
    assert sent.tells(WORD, NOTE, *CASES) == [], "review"


def test_no_way_through_the_app_names_a_case_of_an_open_quiz(browser: Browser, place: Place) -> None:
    tab = opened(browser, place.url, "dark", 1440)
    sent = Sent(tab)
    goes(tab, place, "collections?collection=" + place.collection)
    sent.listen()
    tab.reload()
    settle(tab)
    assert sent.tells(WORD, NOTE) == [WORD, NOTE]  # what is listened to would be heard, before the quiz is opened
    begins(tab, place)
    assert sent.tells(WORD, NOTE, *CASES) == [], "the question"
    tries_addresses(tab, place, sent)
    searches(tab, place, sent)
    reviews(tab, place, sent)
    begins(tab, place)
    tab.get_by_label("Your answer").fill("a horse")
    press(tab, "Tab")
    settle(tab)
    leave(tab)
    press(tab, "Enter")
    expect(tab.get_by_text(f"{WORD} cxr").first).to_be_visible()
    settle(tab)
    assert sent.tells(f"{WORD} cxr", NOTE, f"{WORD} ecg", CASES[1]) == [f"{WORD} cxr", NOTE]  # of this case alone
    page_of(tab, "Collections")
    tab.context.close()
