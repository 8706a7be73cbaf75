"""What the engine raises and records is said in the language of whoever reads it; no sentence of it is forgotten."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import errors
from engine.explain.baselines import FILM_WORDS, TEXT_WORDS, TRACE_WORDS
from engine.explain.sentences import CAVEAT, SIDE_INPUTS, SMALL_CHANGE, TEXT_SIDE
from engine.intake.formats import FORMATS, offered
from engine.intake.quality import ecg, film, ppg
from engine.intake.quality.verdict import SHIPPED, check_limit, limits
from engine.sentences import PLACE, catalogue, is_known, spoken
from engine.settings import ROOT
from engine.strings import LANGUAGES, speaking

FLAT = (
    "Lead V3 is flat for 63 % of the window (limit 50 %): "
    "the electrode was off, or one value was written again and again."
)
# What the shell and whoever runs the server meet, and no page: the shell is English.
SHELL = {
    "access",
    "audit",
    "bench",
    "edge",
    "commands",
    "datasets",
    "evaluate",
    "federation",
    "synthetic",
    "training",
    "upkeep",
    "backends",
    "cli.py",
    "modalities.py",
    "reference.py",
}
SHELL_FILES = {
    "consent/fhir_consent.py",
    "hospital/listener.py",
    "hospital/mllp.py",
    "hospital/settings.py",
    "hospital/shared_folder.py",
    "hospital/watched_folder.py",
    "index/flat.py",
    "intake/paths.py",
    "intake/quality/film_space.py",
    "intake/quality/verdict.py",
    "model/foundations.py",
    "reader_study/analysis.py",
    "reader_study/cases.py",
    "reader_study/protocol.py",
    "reader_study/truth.py",
    "store/data_keys.py",
    "store/database.py",
    "store/folder.py",
    "store/journal.py",
    "store/key_source.py",
    "store/opening.py",
    "store/people.py",
    "store/recovery.py",
    "store/second.py",
    "workspace/demo.py",
    "workspace/door.py",
    "workspace/encrypting.py",
    "workspace/manifest.py",
    "workspace/manifest_columns.py",
    "workspace/manifest_table.py",
    "workspace/pipeline.py",
    "workspace/reidentification.py",
}
# What stands in the places of a sentence in the code where the code alone does not say it; elsewhere a number.
EXAMPLES = {"article": "a", "other": "lateral", "doubled[0]": "V1", "what": "cohort"}
UNSAID = {"kind": "a CT image"}  # where the module itself does not assign it


def test_a_reason_is_said_in_the_language_that_is_spoken():
    assert spoken(FLAT) == FLAT
    with speaking("de"):
        assert spoken(FLAT).startswith("Ableitung V3 ist für 63 % des Fensters flach (Grenze 50 %): die Elektrode")
    with speaking("fr"):
        assert spoken(f"{FLAT} The same limit is broken in V1, V2.").endswith("dépassée en V1, V2.")


def test_what_a_file_is_and_how_it_was_read_is_said_part_by_part():
    with speaking("es"):
        assert spoken("WFDB, 12 leads, 500 Hz, 10 s, lead not named, taken as II") == (
            "WFDB, 12 derivaciones, 500 Hz, 10 s, derivación sin nombre, tomada como II"
        )


def test_numbers_are_written_as_the_language_does():
    with speaking("es"):
        said = spoken("The zip archive holds 1,234 files and the limit is 500: pack one study only.")
    assert "1\u202f234 archivos" in said


def test_a_sentence_whose_halves_are_not_both_known_is_left_as_it_is():
    with speaking("de"):
        for words in ("The zip archive holds no files: sing.", "Sing: export it again.", "V1, Müller", "1,234 or so"):
            assert spoken(words) == words


def test_a_sentence_has_the_same_places_in_each_language():
    for entry in catalogue():
        assert set(entry.said) == set(LANGUAGES[1:])
        for said in entry.said.values():
            assert said.strip() and sorted(PLACE.findall(said)) == sorted(PLACE.findall(entry.english)), entry.english
    english = [entry.english for entry in catalogue()]
    assert len(english) == len(set(english))


def test_every_reason_of_the_quality_gate_is_known():
    subjects = {"ecg": ("Lead V1", ecg.SENTENCES), "ppg": ("The pulse trace", ppg.SENTENCES)}
    subjects["cxr"] = ("The picture", film.SENTENCES)
    said = []
    for part, (subject, sentences) in subjects.items():
        for name, (says, cause) in sentences.items():
            for value in (-1e9, 1e9):
                one = check_limit(
                    limits(SHIPPED)[part, name], value, name=name, subject=subject, says=says, cause=cause
                )
                said += [one.sentence, one.name]
    far, turns = f"The picture {film.SENTENCES[film.DISTANCE][0].format(value='3')}", film.TURNED.items()
    said += [
        f"{far} (limit 2.25), but looks upright as if it {how}: {what} and upload again." for how, (what, _) in turns
    ]
    assert [words for words in said if not is_known(words) and "SQI" not in words] == []


def test_every_kind_of_file_that_is_not_read_is_said():
    reads = f"what is read here is {offered('and')}"
    refusals = [row.refusal.format(reads=reads) for row in FORMATS if row.refusal]
    assert refusals and [words for words in refusals if not is_known(words)] == []


def test_every_error_that_a_page_can_show_is_known():
    unknown = []
    for path in sorted((ROOT / "engine").rglob("*.py")):
        where = path.relative_to(ROOT / "engine")
        if where.parts[0] not in SHELL and str(where) not in SHELL_FILES:
            unknown += [f"{where}:{line} {words}" for line, words in raised_in(path) if not is_known(words)]
    assert unknown == []


def raised_in(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and sentence of each error that a module raises, with something in its places."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named.setdefault(node.targets[0].id, []).append(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and is_error(node.func):
            for words in filled(node.args[0], named):
                yield node.lineno, words


def is_error(called: ast.expr) -> bool:
    found = getattr(errors, called.id, None) if isinstance(called, ast.Name) else None
    return isinstance(found, type) and issubclass(found, errors.CasebindError)


def filled(node: ast.expr, named: dict[str, list[ast.expr]]) -> list[str]:
    """Return the sentences that an expression can be; none where another place made them."""
    match node:
        case ast.Constant(value=str(words)):
            return [words]
        case ast.IfExp(body=one, orelse=other):
            return [*filled(one, named), *filled(other, named)]
        case ast.Name(id=name) if name not in EXAMPLES:
            return [words for value in named.get(name, ()) for words in filled(value, {})]
        case ast.JoinedStr(values=parts):
            found = [""]
            for part in parts:
                inner = part.value if isinstance(part, ast.FormattedValue) else part
                found = [said + more for said in found for more in filled(inner, named) or [example(inner)]]
            return found
    return []


def example(place: ast.expr) -> str:
    return {**EXAMPLES, **UNSAID}.get(ast.unparse(place), "7")


@pytest.mark.parametrize("code", LANGUAGES[1:])
def test_an_error_of_the_engine_is_said_by_its_sentence(code):
    with speaking(code):
        error = errors.IntakeError("The zip archive holds no files: pack the files of one study and drop it again.")
        assert spoken(error) != str(error)


def test_a_page_says_an_error_by_its_sentence_alone():
    found = []
    for path in sorted((ROOT / "pages").rglob("*.py")):
        for handler in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(handler, ast.ExceptHandler)
                and handler.name
                and "Error" in ast.unparse(handler.type or handler)
            ):
                found += [f"{path.name}:{node.lineno}" for node in ast.walk(handler) if says(node, handler.name)]
    assert found == []


def says(node: ast.AST, error: str) -> bool:
    """Return whether a call other than `spoken` turns an error into words."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("str", "escaped", "repr")
        and any(isinstance(one, ast.Name) and one.id == error for one in node.args)
    )


def test_what_is_said_beside_a_map_is_known():
    small = SMALL_CHANGE.format(sides="query and the match", limit=0.01)
    words = [CAVEAT, TEXT_SIDE, SIDE_INPUTS, small, FILM_WORDS, TEXT_WORDS, TRACE_WORDS]
    assert [one for one in words if not is_known(one)] == []
