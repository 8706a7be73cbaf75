"""The documents are true: the tree is the folder, the README is short, its commands run, links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from engine.commands.doctor import EXTRAS
from engine.settings import ROOT

README_WORDS = 900
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "data" / "README.md", ROOT / "data" / "demo" / "README.md"]
)


def code_blocks(document: Path) -> list[str]:
    """Return the contents of the fenced blocks."""
    return re.findall(r"^```\w*\n(.*?)^```", document.read_text(encoding="utf-8"), re.M | re.S)


def test_the_tree_of_the_architecture_is_the_engines_folder():
    (tree,) = [block for block in code_blocks(ROOT / "ARCHITECTURE.md") if block.startswith("engine/\n")]
    named = {line.split()[0].rstrip("/") for line in tree.splitlines()[1:]}
    there = {path.name for path in (ROOT / "engine").iterdir() if not path.name.startswith(("__", "."))}
    assert named == {name for name in there if not name.endswith(".toml")}


def test_the_tree_is_in_the_order_of_the_import_contract():
    import tomllib

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    level = {name: number for number, layer in enumerate(layers) for name in layer.split(" | ")}
    (tree,) = [block for block in code_blocks(ROOT / "ARCHITECTURE.md") if block.startswith("engine/\n")]
    names = [line.split()[0].rstrip("/").removesuffix(".py") for line in tree.splitlines()[1:]]
    assert [level[name] for name in names] == sorted(level[name] for name in names)


def test_every_package_says_what_it_is():
    for package in sorted(path.parent for path in (ROOT / "engine").rglob("__init__.py")):
        text = (package / "__init__.py").read_text(encoding="utf-8")
        assert text.startswith('"""'), package.relative_to(ROOT)


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= README_WORDS


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path):
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not target.startswith(("http://", "https://")):
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_named_paths_exist(document: Path):
    if document.name == "CHANGELOG.md":
        return  # tells of what was
    for path in re.findall(
        r"`((?:engine|pages|tests|assets|docs|data)/[\w./-]+)`", document.read_text(encoding="utf-8")
    ):
        assert path.startswith(("data/workspace", "data/recordings", "data/datasets")) or (ROOT / path).exists(), path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_named_commands_exist(document: Path):
    from engine.cli import COMMANDS

    if document.name == "CHANGELOG.md":
        return
    for name in re.findall(r"\bcasebind ([a-z]+(?:-[a-z]+)*)\b", document.read_text(encoding="utf-8")):
        assert name in COMMANDS, name


def test_the_commands_of_the_readme_run(shipped_folder: Path, tmp_path: Path):
    """`casebind demo` has run: it built the workspace, of which the commands get a copy."""
    lines = [line.split("#")[0].strip() for block in code_blocks(ROOT / "README.md") for line in block.splitlines()]
    commands = [line for line in lines if line.startswith("casebind ")]
    targets = [line.split()[1] for line in lines if line.startswith("make ")]
    assert len(commands) >= 3
    assert {"app", "test"} <= set(targets)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{target}:", makefile, re.M) for target in targets)
    workspace = shutil.copytree(shipped_folder, tmp_path / "workspace")
    environment = {**os.environ, "CASEBIND_WORKSPACE": str(workspace)}
    for command in commands:
        words = [sys.executable, "-m", "engine.cli", *shlex.split(command)[1:]]
        done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, f"{command}: {done.stderr[-500:]}"
        assert done.stdout.strip(), command


def test_doctor_looks_at_every_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(EXTRAS) == set(project["optional-dependencies"]) - {"test"}
