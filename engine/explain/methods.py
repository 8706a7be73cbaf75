"""The ways to explain a pair, and which one is shown where nobody has chosen."""

from __future__ import annotations

from collections.abc import Iterator

from engine.explain.attribution import Progress, explain_pair
from engine.explain.coalition_maps import explain_by_coalitions
from engine.explain.maps import GRADIENTS, METHODS, SHAP, ExplainableRelease, PairMaps
from engine.modalities import spec_of
from engine.study import Study, Trace


def default_method(query: Study, match: Study) -> str:
    """Return SHAP where all that can be coloured are traces, of which it is the more faithful one, else gradients."""
    coloured = [one for one in (query, match) if spec_of(one.modality).attributed]
    return SHAP if all(isinstance(one.content, Trace) for one in coloured) else GRADIENTS


def explain_by(
    method: str,
    release: ExplainableRelease,
    query: Study,
    match: Study,
    *,
    progress: Progress = lambda share, words: None,
) -> Iterator[PairMaps]:
    """Yield both maps of a pair by one of METHODS, rough ones first; ValueError where there is no such method."""
    if method not in METHODS:
        raise ValueError(f"no method '{method}' among {METHODS}")
    if method == GRADIENTS:
        return explain_pair(release, query, match, progress=progress)
    return explain_by_coalitions(release, query, match, method, progress=progress)


def warm_up() -> None:
    """Import what the first explanation of a trace would wait seconds for."""
    import neurokit2  # noqa: F401
    import shap  # noqa: F401
