"""The report as data: the CHAI Applied Model Card, HTI-1's source attributes, and what stands behind their words."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.evaluate.recorded import RecordedEvaluation
from engine.files import utc_now
from engine.transparency.changes import changes
from engine.transparency.figures import ReportFigure
from engine.transparency.sources import ReportSources, figures_of, manifest_figures
from engine.version import __version__

HERE = Path(__file__).parent
FORM = "casebind-transparency-1"
CARD_OF = "CHAI Applied Model Card v0.2 (https://mc.chai.org/v0.2/schema.xsd)"
ATTRIBUTES_OF = "45 CFR 170.315(b)(11)"
METRICS = {"usefulness": "UsefulnessUsabilityEfficacy", "fairness": "FairnessEquity", "safety": "SafetyReliability"}
MOST = 60  # figures of one key metric in the card; all stand behind it
BASELINE = re.compile(r"untrained|LSH|ITQ|PCA|\bsign\b|frozen trunk|pixels|random|shuffled|chance|matching")
RELEASE_COMMAND = "casebind evaluate release --record"


@lru_cache(maxsize=1)
def words() -> dict[str, Any]:
    """Return the fixed words of the report."""
    return tomllib.loads((HERE / "words.toml").read_text("utf-8"))


@lru_cache(maxsize=1)
def known() -> dict[str, Any]:
    """Return which evaluations are asked for, and which of their figures count as failures."""
    return tomllib.loads((HERE / "known.toml").read_text("utf-8"))


def report(sources: ReportSources) -> dict[str, Any]:
    """Return the whole report as JSON data, unsigned."""
    manifest = sources.release.manifest
    found = {one.name: figures_of(one) for one in (*sources.evaluations, *sources.bases)}
    parts = {one["name"]: one["part"] for one in known()["evaluation"]}
    by_part = {part: [f for name, each in found.items() if parts.get(name) == part for f in each] for part in METRICS}
    by_part["usefulness"] = [*manifest_figures(sources.release), *by_part["usefulness"]]
    missing = not_measured(sources)
    return {
        "form": FORM,
        "made": utc_now().isoformat(timespec="seconds"),
        "casebind": __version__,
        "release": {
            "name": sources.release.name,
            "digest": sources.release.digest,
            "created": manifest.get("created", ""),
            "base": sources.release.base,
        },
        "card_of": CARD_OF,
        "card": card(sources, by_part, missing),
        "attributes_of": ATTRIBUTES_OF,
        "source_attributes": attributes(found, missing),
        "data": manifest.get("data", []),
        "foundations": {name: manifest[name] for name in ("trunk", "text_model") if name in manifest},
        "evaluations": [
            *(_about(one, found[one.name], of_base=False) for one in sources.evaluations),
            *(_about(one, found[one.name], of_base=True) for one in sources.bases),
        ],
        "manifest_figures": {
            "command": RELEASE_COMMAND,
            "date": manifest.get("created", ""),
            "split": manifest.get("figures", {}).get("split", ""),
            "figures": [one.as_dict() for one in manifest_figures(sources.release)],
        },
        "not_measured": missing,
        "limits": manifest.get("limits", []),
        "failures": failures(sources, found),
        "changes": changes(sources),
        "training_energy": manifest.get("training", {}).get("energy", {}),
        "workspace": sources.workspace,
    }


def _about(one: RecordedEvaluation, found: Sequence[ReportFigure], *, of_base: bool) -> dict[str, Any]:
    """Return what an evaluation says: how it was made, its notes and all its figures."""
    asked: dict[str, str] = next((entry for entry in known()["evaluation"] if entry["name"] == one.name), {})
    return {
        "name": one.name,
        "title": asked.get("title", one.name),
        "part": asked.get("part", "other"),
        **{name: getattr(one, name) for name in ("command", "date", "release", "split", "seconds", "version")},
        "of_base": of_base,
        "notes": list(one.measured.get("notes", [])),
        "figures": [figure.as_dict() for figure in found],
    }


def not_measured(sources: ReportSources) -> list[dict[str, str]]:
    """Return each evaluation that is asked for and was not recorded, with its command."""
    missing = [one for one in known()["evaluation"] if sources.evaluation(one["name"]) is None]
    out = [{name: one[name] for name in ("name", "title", "part", "command")} for one in missing]
    if not sources.release.manifest.get("figures", {}).get("rows"):
        title = "Neighbours by shared finding"
        out.insert(0, {"name": "release", "title": title, "part": "usefulness", "command": RELEASE_COMMAND})
    return out


def card(
    sources: ReportSources, by_part: dict[str, list[ReportFigure]], missing: Sequence[dict[str, str]]
) -> dict[str, Any]:
    """Return the Applied Model Card by its published fields."""
    release = sources.release
    facts = {
        "release": release.name,
        "date": release.manifest.get("created", ""),
        "version": __version__,
        "digest": release.digest,
    }
    filled: dict[str, Any] = _filled(words()["card"], facts)
    resources, text = filled.pop("Resources"), words()["metric"]
    foundations = [f"{one['name']}: {one['licence']}" for one in _foundations(release.manifest)]
    filled["TrustIngredients"]["AISystemFacts"]["FoundationModels"] = "; ".join(foundations)
    filled["KeyMetrics"] = {
        METRICS[part]: {
            "MetricGoal": text[part]["goal"],
            "Results": [
                *(_metric_result(one) for one in _chosen(by_part[part])),
                *(
                    {"Label": one["title"], "ValueJson": json.dumps({"not measured": one["command"]})}
                    for one in missing
                    if one["part"] == part
                ),
            ],
            "Interpretation": text[part]["interpretation"],
            "TestType": text["common"]["test"],
            "TestingDataDescription": text["common"]["data"],
            "ValidationProcessAndJustification": text["common"]["process"],
        }
        for part in METRICS
    }
    filled["Bibliography"] = resources.pop("Bibliography")
    filled["Resources"] = resources
    return filled


def _foundations(manifest: dict[str, Any]) -> list[dict[str, str]]:
    return [manifest[name] for name in ("trunk", "text_model") if name in manifest]


def _chosen(found: Sequence[ReportFigure]) -> list[ReportFigure]:
    """Return figures with an interval that are the release's own, flagged ones first."""
    own = [one for one in found if one.is_measured and BASELINE.search(one.of) is None]
    return sorted(own, key=lambda one: not one.flagged)[:MOST]


def _metric_result(one: ReportFigure) -> dict[str, str]:
    shown = {name: value for name, value in one.as_dict().items() if name not in ("of", "metric") and value is not None}
    return {"Label": f"{one.of}: {one.metric}", "ValueJson": json.dumps(shown, ensure_ascii=False)}


def attributes(found: dict[str, list[ReportFigure]], missing: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
    """Return HTI-1's source attributes; what rests on evaluations names them, or the commands that would make them."""
    parts = {one["name"]: one["part"] for one in known()["evaluation"]}
    return [
        {
            "cite": one["cite"],
            "title": one["title"],
            "say": one["say"],
            "evaluations": [name for name in found if one.get("part") and parts.get(name) == one["part"]],
            "not_measured": [gap["command"] for gap in missing if gap["part"] == one.get("part")],
        }
        for one in words()["attribute"]
    ]


def failures(sources: ReportSources, found: dict[str, list[ReportFigure]]) -> list[dict[str, Any]]:
    """Return known failures, each with its figures: those that are named, and all that are not above chance."""
    out = []
    for rule in known()["failure"]:
        listed = [one for one in found.get(rule["evaluation"], []) if _fails(one, rule)]
        if listed:
            out.append({"say": rule["say"], "figures": [one.as_dict() for one in listed]})
    every = [*manifest_figures(sources.release), *(one for each in found.values() for one in each)]
    weak = [one for one in every if one.is_measured and BASELINE.search(one.of) is None and not one.is_above_chance]
    if weak:
        say = "Not shown to be above chance: the interval reaches down to what no knowledge gives."
        out.append({"say": say, "figures": [one.as_dict() for one in weak]})
    return out


def _fails(one: ReportFigure, rule: dict[str, str]) -> bool:
    if re.search(rule["metric"], f"{one.of} {one.metric}") is None or not (one.is_measured or one.flagged):
        return False
    return {"always": True, "flagged": one.flagged, "chance": not one.is_above_chance}[rule["when"]]


def _filled(content: Any, facts: dict[str, str]) -> Any:
    if isinstance(content, dict):
        return {name: _filled(value, facts) for name, value in content.items()}
    if isinstance(content, list):
        return [_filled(one, facts) for one in content]
    return content.format(**facts) if isinstance(content, str) else content
