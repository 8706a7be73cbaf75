"""What is otherwise than in the release before: parts, data, and figures that both carry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.evaluate.recorded import recorded
from engine.model.release import Release
from engine.transparency.figures import ReportFigure
from engine.transparency.sources import ReportSources, figures_of, manifest_figures

Key = tuple[str, str, str]  # file, what it is of, metric


def changes(sources: ReportSources) -> dict[str, Any]:
    """Return what changed since the release before; {} where none lies beside this one."""
    earlier, release = sources.earlier, sources.release
    if earlier is None:
        return {}
    new, old = release.manifest, earlier.manifest
    sets = {name: {one["dataset"] for one in each.get("data", [])} for name, each in (("new", new), ("old", old))}
    return {
        "since": earlier.name,
        "since_digest": earlier.digest,
        "same_digest": earlier.digest == release.digest,
        "parts": sorted(file for file, sha in new["parts"].items() if old["parts"].get(file) != sha),
        "data_added": sorted(sets["new"] - sets["old"]),
        "data_left_out": sorted(sets["old"] - sets["new"]),
        "figures": list(_both(release, earlier)),
        "gate": new.get("round", {}).get("gate", []),
    }


def _both(release: Release, earlier: Release) -> Iterator[dict[str, Any]]:
    """Yield figures that both releases carry under the same name, where they differ."""
    before = {_key(one): one for one in _all(earlier)}
    for one in _all(release):
        was = before.get(_key(one))
        if was is not None and one.is_measured and was.value != one.value:
            yield {"before": was.as_dict(), "after": one.as_dict()}


def _all(release: Release) -> Iterator[ReportFigure]:
    yield from manifest_figures(release)
    for file in sorted((release.path / "evaluations").glob("*.json")):
        one = recorded(release, file.stem)
        if one is not None:
            yield from figures_of(one)


def _key(one: ReportFigure) -> Key:
    return one.source, one.of, one.metric
