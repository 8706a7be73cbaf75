"""Every box of words on a page either goes by what may tell who somebody is, or is listed here with why not."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from engine.settings import ROOT

BOXES = {"text_input", "text_area", "chat_input", "data_editor"}
WATCHED = {"draw", "draw_box"}  # of pages.shared.free_text
# module → keys of its boxes (as written there) → why nothing is looked for in what is typed
NOT_STORED = {
    "pages/collections/bar.py": {"'add-id'": "the id of a study that is looked up"},
    "pages/consent/page.py": {"state.PATIENT": "the number in a letter, looked up and not kept"},
    "pages/consent/state.py": {"'erase-typed'": "has to equal the name that is shown"},
    "pages/map/page.py": {"'map-near'": "words that a place of the map is looked for by, not kept"},
    "pages/pacs/page.py": {
        "'pacs-accession'": "asked of the archive, not kept",
        "'pacs-patient'": "asked of the archive, not kept",
    },
    "pages/people/accounts.py": {
        "'people-new-name'": "the name of an account",
        "'people-new-department'": "a department of the policies",
        "'people-new-project'": "a project of the policies",
    },
    "pages/reader_study/make.py": {"'study-form-readers'": "names of readers, who are measured under them"},
    "pages/people/trial.py": {
        "'trial-department'": "an attribute that is tried and not kept",
        "'trial-project'": "an attribute that is tried and not kept",
    },
    "pages/quiz/home.py": {"'due-alias'": "the name that a learner goes by"},
    "pages/quiz/take.py": {"'start-alias'": "the name that a learner goes by"},
    "pages/record/page.py": {"'record-patient'": "the number that the record is asked for, not kept"},
    "pages/review/share.py": {"'share-site'": "the name of a hospital that sent marks"},
    "pages/search/exported.py": {"'export-patient'": "a number that becomes a pseudonym, not kept"},
    "pages/search/filtering.py": {"f'set-{name}'": "a day, read as a date"},
    "pages/shared/export.py": {"'export-reader'": "who read the cases, for the report"},
    "pages/shared/send_back.py": {"NUMBER": "asked of the archive, not kept"},
    "pages/shared/session.py": {"field": "the name that a rater goes by"},
}


def boxes(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Yield every call that draws a box of words, with its key as written."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in BOXES:
            keys = [ast.unparse(one.value) for one in call.keywords if one.arg == "key"]
            yield call, keys[0] if keys else ""


def watched_keys(tree: ast.AST) -> set[str]:
    """Return the keys under which passages are drawn in a module, as written."""
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)]
    drawn = [one for one in calls if one.func.attr in WATCHED and ast.unparse(one.func.value) == "free_text"]
    return {ast.unparse(arg) for one in drawn for arg in one.args[:3]}


def test_every_box_of_words_is_watched_or_listed_with_why_not():
    unlisted, used = [], set()
    for path in sorted((ROOT / "pages").rglob("*.py")):
        name, tree = path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))
        watched = watched_keys(tree)
        for call, key in boxes(tree):
            if key in NOT_STORED.get(name, {}):
                used.add((name, key))
            elif key not in watched:
                unlisted.append(f"{name}:{call.lineno} {key}")
    assert not unlisted, "draw them by free_text.draw_box, or say why not"
    assert used == {(name, key) for name, keys in NOT_STORED.items() for key in keys}, "listed, and not there"
