"""Names are the field's words: what was once called by a private word is not called so again."""

from __future__ import annotations

import ast
import re

from engine.settings import ROOT

# word → the field's word
PRIVATE = {
    "asking": "retrieval",
    "crowd": "stress",
    "excerpt": "part",
    "former": "previous",
    "frozen": "held-out",
    "held": "held-out, or what it holds",
    "kept": "unchanged, or what keeps it",
    "ledger": "audit",
    "rehearsal": "warm-up",
    "shelf": "studies",
    "steady": "serving",
    "takeover": "promotion",
    "takeovers": "promotions",
    "told": "on_progress, or labelled",
    "upkeep": "compaction",
    "victim": "writer",
}
WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


def private_words(name: str) -> set[str]:
    """Return the private words of a name; "held_out" is the field's."""
    return {word.lower() for word in WORD.findall(name.replace("held_out", ""))} & set(PRIVATE)


def test_modules_classes_and_public_functions_have_no_private_names():
    found = []
    for path in sorted([*(ROOT / "engine").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]):
        where = path.relative_to(ROOT)
        names = [(path.stem, 1)]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                names.append((node.name, node.lineno))
        found += [f"{where}:{line} {name}" for name, line in names if private_words(name)]
    assert found == []


def test_a_public_class_has_its_name_alone():
    homes: dict[str, list[str]] = {}
    for path in sorted([*(ROOT / "engine").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def test_a_private_word_is_found():
    assert private_words("TakeoverTable") == {"takeover"}
    assert private_words("told_by") == {"told"}
    assert private_words("is_held_out") == set()
