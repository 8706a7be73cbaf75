"""Every transaction in the engine is an act of the audit, or is upkeep that nobody did and is named here with why."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from engine.settings import ROOT

# file: functions → why they note no act of their own. A function that is not here names its act.
BY_THE_CALLER = "the engine's function that knows the actor records it (Database.recording)"
OF_THE_MACHINE = "nobody did it: it is counted, staged or kept up by the program"
ALLOWED: dict[str, dict[str, str]] = {
    "bench/app/fill.py": {"_copy": OF_THE_MACHINE},
    "bench/arriving.py": {"_stored": OF_THE_MACHINE},
    "bench/search/fill.py": {"fill": OF_THE_MACHINE},
    "bench/policies.py": {"run": OF_THE_MACHINE},
    "consent/unlearning.py": {"_learnt_in": "in a copy that is thrown away"},
    "learning/promotion.py": dict.fromkeys(("_promote", "_begun"), "the switch itself is the act"),
    "retrieval/observed.py": {"record_refusal": "it notes the act itself, to return its number"},
    "report/ratings_import.py": {"import_ratings": "it notes the act itself, with what it counted"},
    "teaching/access.py": {"note_visitor": "a list of what a browser opened; the quiz that is run is the act"},
    "workspace/deletion.py": {"remove_queries": "it notes an act for each query itself"},
    "workspace/erasure.py": {"_delete_known": "the erasure is the act, noted by its job"},
    "workspace/releases.py": dict.fromkeys(
        ("stage", "keep_only", "restore_codes", "serve", "record_encoders"), "the promotion that does it is the act"
    ),
    "workspace/workspace.py": {"audit": "it notes the act that it is given"},
}
STORE = {  # modules whose every transaction is one of these
    BY_THE_CALLER: (
        "guidelines.py",
        "known_pairs.py",
        "check_pairs.py",
        "queries.py",
        "adjudications.py",
        "assignments.py",
        "annotations.py",
        "review_queues.py",
        "searches.py",
        "ratings.py",
    ),
    OF_THE_MACHINE: ("studies.py", "verdicts.py", "calibrations.py", "database.py", "classes.py"),
    "it notes the act itself": ("audit.py", "arrivals.py"),
}


def transactions() -> Iterator[tuple[str, str]]:
    """Yield file and function of every transaction that is begun without an act."""
    for path in sorted((ROOT / "engine").rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                for node in ast.walk(function):
                    if (
                        isinstance(node, ast.Call)
                        and ast.unparse(node.func).endswith("database.write")
                        and not node.args
                    ):
                        yield path.relative_to(ROOT / "engine").as_posix(), function.name


def test_every_transaction_is_an_act_or_is_said_to_be_none() -> None:
    store = {f"store/{name}" for names in STORE.values() for name in names}
    unsaid = {
        f"{file}: {function}"
        for file, function in transactions()
        if file not in store and function not in ALLOWED.get(file, {})
    }
    assert unsaid == set()
    gone = {(file, name) for file, names in ALLOWED.items() for name in names} - set(transactions())
    assert gone == set()


def test_rows_of_the_audit_are_written_in_one_place() -> None:
    paths = sorted((ROOT / "engine").rglob("*.py"))
    writers = [path.name for path in paths if "INTO rows" in path.read_text(encoding="utf-8")]
    assert writers == ["audit_file.py"]
