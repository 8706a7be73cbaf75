"""A transparency report is made of what was recorded: every figure has its place, nothing is typed, changes show."""

from __future__ import annotations

import ast
import copy
import html
import io
import json
import re
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pypdf import PdfReader

from engine.actor import single_user
from engine.audit.key import public_of
from engine.cli import run
from engine.errors import UsageError
from engine.evaluate.recorded import record
from engine.model.release import Release, load_release, releases
from engine.settings import ASSETS, ROOT
from engine.transparency.content import ATTRIBUTES_OF, CARD_OF, FORM, known, words
from engine.transparency.layout import number, sections
from engine.transparency.make import as_file, made
from engine.transparency.sign import check_form, verify
from engine.workspace.workspace import open_workspace

FIXED = {"utf-8", "sha256", FORM, CARD_OF, ATTRIBUTES_OF}  # strings with digits in the code: no figures
NUMBER = re.compile(r"\d[\d.,]*\d|\d")
ROWS = {
    "name": "robustness",
    "notes": ["Twenty films of valid."],
    "rows": [
        {
            "task": "cxr",
            "method": "targeted, one grey level",
            "figures": {"target first": {"value": 0.6997, "low": 0.512, "high": 0.7891, "n": 47}},
            "patients": 43,
            "chance": {"target first": 0.0123},
        },
        {
            "task": "cxr→ecg",
            "method": "ours 256 bits",
            "figures": {"P@5": {"value": 0.2147, "low": 0.0911, "high": 0.3456, "n": 31}},
            "patients": 29,
            "chance": {"P@5": 0.1357},
        },
    ],
}
CHECKS = {
    "rows": [
        {
            "task": "cxr faithfulness",
            "method": method,
            "figures": {"deletion": {"value": value, "low": -0.6, "high": 0.2, "n": 9}},
            "patients": 9,
            "passes": passes,
        }
        for method, value, passes in (("gradients", -0.5912, "yes"), ("SHAP", 0.1238, "no"))
    ]
}
GROUPS = {
    "gaps": [{"group": "view", "P@5": {"value": 0.2468, "low": 0.1593, "high": 0.3579, "n": 428, "beyond": True}}],
    "codes": {"view": [{"group": "AP", "value": 0.9712, "low": 0.9555, "high": 0.9876, "n": 250, "beyond": True}]},
    "rows": [
        {"modality": "ecg", "by": "age", "group": "over 65", "share": 0.9191, "interval_95": [0.8787, 0.9494], "n": 99}
    ],
}


@pytest.fixture
def release(tmp_path: Path) -> Release:
    """The shipped release in a folder of its own, with two evaluations and no other."""
    shipped = releases()[-1]
    home = tmp_path / "models" / shipped.name
    home.mkdir(parents=True)
    shutil.copyfile(shipped / "manifest.json", home / "manifest.json")
    found = load_release(home)
    record(found, "robustness", ROWS, command="casebind evaluate robustness --record", split="valid", seconds=61.0)
    record(found, "explanations", CHECKS, command="casebind evaluate explanations --record", split="valid", seconds=9.0)
    record(found, "fairness", GROUPS, command="casebind evaluate fairness --record", split="valid", seconds=8.5)
    return found


def report_of(release: Release, key: Ed25519PrivateKey | None = None) -> dict[str, Any]:
    return made(release, None, key, actor=single_user())


def every_figure(content: Any) -> list[dict[str, Any]]:
    """Return each figure of a report, wherever it stands."""
    if isinstance(content, list):
        return [one for each in content for one in every_figure(each)]
    if not isinstance(content, dict):
        return []
    own = [content] if {"source", "pointer", "value"} <= set(content) else []
    return own + [one for each in content.values() for one in every_figure(each)]


def pointed(release: Release, figure: dict[str, Any]) -> Any:
    """Return what lies at a figure's place in the file that it names."""
    at = json.loads((release.path / figure["source"]).read_text("utf-8"))
    for step in figure["pointer"].split("/")[1:]:
        at = at[int(step)] if isinstance(at, list) else at[step.replace("~1", "/").replace("~0", "~")]
    return at


def test_every_figure_lies_at_its_place_in_a_recorded_file(release: Release) -> None:
    report = report_of(release)
    found = every_figure(report)
    assert {one["source"] for one in found} == {
        "manifest.json",
        "evaluations/robustness.json",
        "evaluations/fairness.json",
        "evaluations/explanations.json",
    }
    for one in found:
        at = pointed(release, one)
        assert one["value"] == (at["value"] if isinstance(at, dict) else at)
        if isinstance(at, dict):
            assert (one["low"], one["high"], one["n"]) == (at.get("low"), at.get("high"), at.get("n"))
    results = [each for metric in report["card"]["KeyMetrics"].values() for each in metric["Results"]]
    values = [json.loads(one["ValueJson"]) for one in results]
    assert all("not measured" in one or pointed(release, one) is not None for one in values)


def test_shares_of_groups_and_chance_are_read(release: Release) -> None:
    found = {one["metric"]: one for one in every_figure(report_of(release)["evaluations"])}
    share = found["share"]
    assert (share["value"], share["low"], share["high"], share["n"]) == (0.9191, 0.8787, 0.9494, 99)
    assert "ecg" in share["of"] and "over 65" in share["of"]
    assert found["target first"]["chance"] == 0.0123 and found["target first"]["patients"] == 43


def test_a_changed_figure_changes_the_report_and_a_missing_one_is_not_measured(release: Release) -> None:
    before = as_file(report_of(release), "html").decode()
    assert "0.6997" in before and "robustness --split valid --record" not in before
    changed = copy.deepcopy(ROWS)
    changed["rows"][0]["figures"]["target first"]["value"] = 0.7777  # type: ignore[index]
    record(release, "robustness", changed, command="casebind evaluate robustness", split="valid", seconds=1)
    assert "0.7777" in as_file(report_of(release), "html").decode()
    assert "0.6997" not in as_file(report_of(release), "html").decode()
    (release.path / "evaluations" / "robustness.json").unlink()
    report = report_of(release)
    after = as_file(report, "html").decode()
    assert "0.7777" not in after and "casebind evaluate robustness --split valid --record" in after
    assert "robustness" in {one["name"] for one in report["not_measured"]}


def test_known_failures_are_those_that_evaluations_show(release: Release) -> None:
    found = {one["say"]: one["figures"] for one in report_of(release)["failures"]}
    attacks = next(figures for say, figures in found.items() if "nobody sees" in say)
    assert "target first" in {one["metric"] for one in attacks}
    groups = next(figures for say, figures in found.items() if "unequally" in say)
    assert sorted(one["value"] for one in groups) == [0.2468, 0.9712]
    assert {one["of"] for one in groups} >= {"codes · AP"} and {one["metric"] for one in groups} == {"P@5", "view"}
    checks = next(figures for say, figures in found.items() if "did not pass" in say)
    assert [(one["metric"], one["flagged"]) for one in checks] == [("deletion", True)]
    weak = next(figures for say, figures in found.items() if "above chance" in say)
    assert all(one["low"] <= one["chance"] for one in weak)
    assert "cxr→ecg" in " ".join(one["of"] for one in weak)


def test_no_number_of_the_page_is_of_any_other_origin(release: Release) -> None:
    report = report_of(release)
    page = as_file(report, "html").decode()
    text = html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", page, flags=re.S)))
    sources = [file.read_text("utf-8") for file in sorted(release.path.rglob("*.json"))]
    cites = [one["cite"] for one in words()["attribute"]] + [report["card_of"], report["attributes_of"]]
    of_this_report = [report["made"], report["casebind"], release.digest, json.dumps(report["signature"])]
    places = [f"{one['source']}#{one['pointer']}" for one in every_figure(report)]
    allowed = set(NUMBER.findall(" ".join([*sources, *cites, *of_this_report, *places])))
    for source in sources:
        allowed |= {token for value in leaves(json.loads(source)) for token in NUMBER.findall(number(value))}
    assert set(NUMBER.findall(text)) - allowed == set()


def leaves(content: Any) -> list[float]:
    if isinstance(content, dict | list):
        return [one for each in (content.values() if isinstance(content, dict) else content) for one in leaves(each)]
    return [content] if isinstance(content, int | float) else []


def test_templates_and_code_hold_no_figure() -> None:
    """Words of the report: digits in paragraphs of the law alone; strings of the code: none but of formats."""
    for one in words()["attribute"]:
        assert not re.search(r"\d", one["title"] + one["say"])
    rest = {name: value for name, value in words().items() if name != "attribute"}
    assert not re.search(r"\d", json.dumps(rest, ensure_ascii=False))
    assert not re.search(r"\d", json.dumps(known(), ensure_ascii=False))
    for file in ("content", "layout", "changes", "sources"):
        tree = ast.parse((ROOT / "engine" / "transparency" / f"{file}.py").read_text("utf-8"))
        strings = [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        typed = {said for said in strings if re.search(r"\d", said)} - docstrings(tree) - format_specs(tree)
        assert typed <= FIXED, typed


def docstrings(tree: ast.Module) -> set[str]:
    """Return the docstrings of a module and of what stands in it."""
    kinds = ast.FunctionDef | ast.ClassDef | ast.Module
    return {ast.get_docstring(node, clean=False) or "" for node in ast.walk(tree) if isinstance(node, kinds)}


def format_specs(tree: ast.Module) -> set[str]:
    """Return how figures are formatted in strings, such as .4g."""
    specs = [node.format_spec for node in ast.walk(tree) if isinstance(node, ast.FormattedValue) and node.format_spec]
    constants = [node for spec in specs for node in ast.walk(spec) if isinstance(node, ast.Constant)]
    return {str(node.value) for node in constants}


def test_the_report_has_the_form_of_the_card_and_of_the_rule(release: Release) -> None:
    report = report_of(release)
    assert len({one["cite"] for one in report["source_attributes"]}) == 31
    for place in (("card", "Warnings", "ClinicalRiskLevel"), ("card", "KeyMetrics", "FairnessEquity", "Results")):
        broken = copy.deepcopy(report)
        at = broken
        for step in place[:-1]:
            at = at[step]
        del at[place[-1]]
        with pytest.raises(UsageError, match="form of its schema"):
            check_form(broken)
    assert json.loads(as_file(report, "json")) == report


def test_a_signature_holds_until_a_figure_is_changed(release: Release) -> None:
    key = Ed25519PrivateKey.generate()
    report = json.loads(as_file(report_of(release, key), "json"))
    assert verify(report) == public_of(key)
    report["evaluations"][0]["figures"][0]["value"] = 0.99
    with pytest.raises(UsageError, match="was changed"):
        verify(report)
    other = json.loads(as_file(report_of(release, Ed25519PrivateKey.generate()), "json"))
    other["signature"]["key"] = public_of(key)
    with pytest.raises(UsageError, match="signature is not of this report"):
        verify(other)
    assert verify(report_of(release)) == ""


def test_html_is_a_document_that_a_screen_reader_can_walk(release: Release) -> None:
    page = as_file(report_of(release), "html").decode()
    assert page.startswith('<!doctype html><html lang="en">')
    levels = [int(level) for level in re.findall(r"<h(\d)", page)]
    assert levels[0] == 1 and all(b - a <= 1 for a, b in pairwise(levels))
    assert page.count("<table>") == page.count("<caption>") > 10
    assert "prefers-color-scheme: dark" in page and "@media print" in page
    for target in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{target}"' in page


def test_the_pdf_says_the_same_and_carries_the_notice(release: Release) -> None:
    reader = PdfReader(io.BytesIO(as_file(report_of(release), "pdf")))
    said = " ".join(page.extract_text() for page in reader.pages)
    assert "0.6997" in said and "Known failures" in said
    assert all("not for diagnosis" in page.extract_text() for page in reader.pages)
    titles = [one.title for one in sections(report_of(release)) if one.level == 1]
    assert set(titles) <= set(outlined(reader.outline))


def outlined(outline: list[Any]) -> list[str]:
    """Return the titles of an outline of any depth."""
    return [t for one in outline for t in (outlined(one) if isinstance(one, list) else [str(one.title)])]


def test_the_release_before_is_compared_part_by_part_and_figure_by_figure(release: Release) -> None:
    after = release.path.parent / "r99"
    shutil.copytree(release.path, after)
    manifest = json.loads((after / "manifest.json").read_text())
    manifest["name"], manifest["data"] = after.name, manifest["data"][1:]
    manifest["parts"]["cxr.safetensors"] = "0" * 64
    (after / "manifest.json").write_text(json.dumps(manifest))
    changed = copy.deepcopy(ROWS)
    changed["rows"][0]["figures"]["target first"]["value"] = 0.3333  # type: ignore[index]
    later = load_release(after)
    record(later, "robustness", changed, command="casebind evaluate robustness", split="valid", seconds=1)
    found = report_of(later)["changes"]
    assert (found["since"], found["parts"]) == (release.name, ["cxr.safetensors"])
    assert found["data_left_out"] == [release.manifest["data"][0]["dataset"]]
    assert [(one["before"]["value"], one["after"]["value"]) for one in found["figures"]] == [(0.6997, 0.3333)]
    assert report_of(release)["changes"] == {}


def test_the_command_writes_checks_and_counts_a_collection(
    release: Release, workspace_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, key = tmp_path / "out", tmp_path / "key.pem"
    asked = ["transparency", "--release", str(release.path), "--key", str(key), "--workspace", str(workspace_folder)]
    assert run([*asked, "--out", str(out)]) == 0
    assert {file.suffix for file in out.iterdir()} == {".html", ".pdf", ".json"}
    report = json.loads((out / f"transparency-{release.name}.json").read_text())
    assert sum(report["workspace"]["studies"].values()) > 0
    assert all(one["synthetic"] for one in report["workspace"]["cohorts"])
    capsys.readouterr()
    assert run(["transparency", "--verify", str(out / f"transparency-{release.name}.json")]) == 0
    assert report["signature"]["key"] in capsys.readouterr().out
    assert run([*asked, "--out", str(tmp_path / "one.html")]) == 0 and (tmp_path / "one.html").is_file()
    assert run([*asked, "--out", str(tmp_path / "one.docx")]) == 2
    (tmp_path / "no.json").write_text("[]")
    assert run(["transparency", "--verify", str(tmp_path / "no.json")]) == 2
    with open_workspace(workspace_folder) as place:
        newest = place.audit_rows()[0]
    assert (newest.kind, newest.release) == ("export", release.name)


def test_the_style_is_shipped() -> None:
    assert (ASSETS / "transparency.css").is_file()
