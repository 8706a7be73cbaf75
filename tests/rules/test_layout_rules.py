"""What must hold everywhere: the app's folders, one-way imports, words, keys, layouts, no machine paths."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.settings import ROOT
from engine.study import ECG_LEADS

APP_LINES = 80
FILE_LINES = 400
# The same claims in each language of assets/strings; a detector of films is a device and no claim.
CLAIMS = (
    r"diagn[oó]s\w*|detects?|detected|confirms?|confirmed|second opinion|decision support",
    r"erkenn(?:t|en)|erkannt\w*|detektiert?|bestätigt?|Zweitmeinung|Entscheidungshilfe|Entscheidungsunterstützung",
    r"detecta\w*|detectó|confirma\w*|confirmó|segunda opinión|apoyo a la decisión|ayuda a la decisión",
    r"détecte(?:nt)?|détecté\w*|confirme(?:nt)?|confirmé\w*|deuxième avis|second avis|aide à la décision",
)
BANNED = re.compile(rf"\b(?:{'|'.join(CLAIMS)})\b", re.IGNORECASE)
ALLOWED = re.compile(r"not for diagnosis|nicht zur Diagnose|no para diagnóstico|pas pour le diagnostic", re.IGNORECASE)
NAMED = "DiagnosticReport"  # a resource of FHIR
# Paths of one machine, and the words of tools that write code.
FOREIGN = re.compile(r"(?<![\w./~$}-])/(?:home|root|Users|work|farm|mnt|tmp)/[\w.-]+")


def tracked(*patterns: str) -> list[Path]:
    """Return the files that git tracks and that match; all below the root where there is no git."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return [path for pattern in patterns for path in ROOT.glob(f"**/{pattern}") if ".venv" not in path.parts]
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def python_files() -> list[Path]:
    """Return the project's own Python files, whether or not they are tracked yet."""
    folders = [ROOT / name for name in ("engine", "pages", "edge", "tests")]
    return [ROOT / "app.py", ROOT / "serve.py", *(path for folder in folders for path in folder.rglob("*.py"))]


def test_no_script_lies_directly_in_pages():
    # Streamlit serves such a script by itself, past the notice and the frame, until st.navigation has run once.
    assert list((ROOT / "pages").glob("*.py")) == []
    assert len(list((ROOT / "pages").glob("*/page.py"))) >= 2


def test_app_is_only_the_frame():
    source = (ROOT / "app.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) <= APP_LINES
    calls = [node for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    assert any("st.navigation" in ast.unparse(node) for node in calls), "st.navigation is not called unconditionally"


def test_engine_imports_without_streamlit():
    modules = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "engine").rglob("*.py")
        if "convert_trunk" not in path.name
    )
    code = (
        "import sys, importlib\n"
        "sys.modules['streamlit'] = None\n"  # any import of it now fails
        f"for name in {[m.removesuffix('.__init__') for m in modules]!r}:\n"
        "    importlib.import_module(name)\n"
        "print('all imported')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.stdout.strip().endswith("all imported"), done.stderr[-2000:]


def test_imports_point_down_the_layers():
    # Layers, circles, what the engine and its kernels must not know: the contracts in pyproject.toml.
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_pages_say_no_banned_word():
    for path in (ROOT / "assets").rglob("*.toml"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.lstrip().startswith("#"):
                continue
            found = BANNED.search(ALLOWED.sub("", line).replace(NAMED, ""))
            assert found is None, f"{path.name}:{number} says {found.group()!r}"


@pytest.mark.parametrize("path", sorted((ROOT / "pages").rglob("*.py")), ids=lambda path: "/".join(path.parts[-2:]))
def test_words_of_the_pages_live_in_the_strings_file(path):
    # A sentence in code: two spaces between letters, handed to a drawing call.
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("st."):
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    assert not re.search(r"[a-z] [a-z]+ [a-z]", argument.value), f"line {argument.lineno}"


def test_keys_are_unique_and_none_is_streamlits():
    from pages.shared.keys import KEYS, SCREENS, table

    for screen in (KEYS, *SCREENS.values()):
        keys = [key.lower() for key in screen.values()]
        assert len(set(keys)) == len(keys)
        assert not {"c", "r"} & set(keys)
    assert len(table()) == len(KEYS) + sum(map(len, SCREENS.values()))


def test_every_layout_shows_each_lead_exactly_once_besides_the_rhythm_strip():
    from engine.drawing.ecg_paper import layouts, recorded

    assert set(layouts()) == {"3x4r", "6x2", "12x1", "cabrera"}
    for layout in layouts().values():
        shown = [recorded(lead) for row in layout.rows for lead in row]
        assert sorted(shown) == sorted(ECG_LEADS), layout.name
        assert set(layout.rhythm) <= set(ECG_LEADS)


def test_no_tracked_file_names_a_folder_of_one_machine():
    for path in tracked("*.py", "*.toml", "*.md", "*.json", "*.sql", "Makefile", ".ci/run", "*.yml", "*.csv"):
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            found = FOREIGN.search(line)
            assert found is None, f"{path.relative_to(ROOT)}:{number} names {found.group()}"


def test_every_test_file_asserts_something():
    for path in (ROOT / "tests").rglob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        checks = [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]
        raised = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "raises"]
        assert checks or raised, f"{path.name} can not fail"


def test_every_test_is_collected():
    # pytest collects functions test_*, and classes Test*, of files test_*.py only; anything else would be silent.
    for path in (ROOT / "tests").rglob("*.py"):
        named = [
            node.name
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test")
        ]
        assert not named or path.name.startswith("test_"), path.name
        assert all(name.startswith("test_") for name in named), path.name


def test_files_and_functions_stay_short():
    for path in python_files():
        source = path.read_text(encoding="utf-8")
        assert len(source.splitlines()) <= FILE_LINES, f"{path.relative_to(ROOT)} has {len(source.splitlines())} lines"
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef) and node.end_lineno:
                length = node.end_lineno - node.lineno + 1
                assert length <= 60, f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {length} lines"


def test_the_notice_is_written_once_in_each_language():
    # engine/report/columns.toml and the documents name it in prose; everything else reads engine.strings.notice().
    texts = [*(ROOT / "assets").rglob("*.toml"), *(path for path in python_files() if "tests" not in path.parts)]
    holders = [path for path in texts for _ in ALLOWED.findall(path.read_text(encoding="utf-8"))]
    assert sorted(holders) == sorted((ROOT / "assets" / "strings").glob("*.toml"))
