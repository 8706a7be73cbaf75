"""From what was computed on the model's axes to the maps that are drawn, on a film's pixels or a trace's samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.explain.baselines import FILM_WORDS, TEXT_WORDS, TRACE_WORDS
from engine.explain.body import body_mask, share_outside
from engine.explain.geometry import FILM_SIGMA_PX, TRACE_SIGMA_S, blur_film, smooth_trace, to_film, to_trace
from engine.explain.maps import SMALL_RISE, InputMap, PairMaps, RawMap, RawMaps
from engine.explain.sentences import SIDE_INPUTS, SMALL_CHANGE, TEXT_SIDE
from engine.modalities import spec_of
from engine.study import Film, Study, Trace


def pair_maps(query: Study, match: Study, raw: RawMaps) -> PairMaps:
    """Return both maps of a pair on its own axes, with the sentences that belong to them."""
    query_map, match_map = (
        None if one is None else input_map(study, one) for study, one in ((query, raw.query), (match, raw.match))
    )
    notes = _notes(query, match, raw) + _small(query_map, match_map)
    return PairMaps(query_map, match_map, raw.similarity, raw.final, notes, raw)


def input_map(study: Study, raw: RawMap) -> InputMap:
    """Return one map on the study's own axes."""
    content, shown = study.content, clear_values(raw)
    if isinstance(content, Film):
        words, (values, smoothing) = FILM_WORDS, place_film(shown, study)
    elif isinstance(content, Trace):
        words, (values, smoothing) = TRACE_WORDS, place_trace(shown, study)
    else:
        words, values, smoothing = TEXT_WORDS, shown, ""
    numbers = raw.similarity, raw.baseline_similarity, raw.gap, raw.spread, raw.steps, raw.seconds
    placed = InputMap(study.modality, values, words, *numbers, smoothing, parts=raw.parts)
    if isinstance(content, Film) and placed.converged:
        return replace(placed, outside=share_outside(values, body_mask(content.pixels)))
    return placed


def clear_values(raw: RawMap) -> np.ndarray:
    """Return a map's values, those of parts within twice their error as 0."""
    parts = raw.parts
    if parts is None or parts.clear.all():
        return raw.values
    return np.where(parts.clear[parts.labels] if parts.labels.size else parts.clear, raw.values, np.float32(0))


def place_film(values: np.ndarray, study: Study) -> tuple[np.ndarray, str]:
    """Carry (1, 224, 224) to the film's pixels; return the map and how it was smoothed, in words."""
    film = study.content
    if not isinstance(film, Film):
        raise TypeError(f"a {study.modality} study holds no film")
    shape = film.pixels.shape[0], film.pixels.shape[1]
    words = f"Gaussian, σ {FILM_SIGMA_PX:g} of 224 pixels ({FILM_SIGMA_PX / 2.24:.1f} % of the film's longer side)"
    return to_film(blur_film(values[0], shape, FILM_SIGMA_PX), shape), words


def place_trace(values: np.ndarray, study: Study) -> tuple[np.ndarray, str]:
    """Carry (leads, m) to the trace's own samples; return the map and how it was smoothed, in words."""
    trace = study.content
    if not isinstance(trace, Trace):
        raise TypeError(f"a {study.modality} study holds no trace")
    start, end = study.window_s or (0.0, trace.duration_s)
    fs = spec_of(study.modality).model_fs
    placed = to_trace(smooth_trace(values, fs), fs, trace, start, end - start)
    return placed, f"Gaussian, σ {1000 * TRACE_SIGMA_S:.0f} ms along time"


def _notes(query: Study, match: Study, raw: RawMaps) -> tuple[str, ...]:
    held = {query.modality, match.modality}
    unread = any(study.modality == "text" and one is None for study, one in ((query, raw.query), (match, raw.match)))
    return ((TEXT_SIDE,) if unread else ()) + ((SIDE_INPUTS,) if "ecg" in held else ())


def _small(query: InputMap | None, match: InputMap | None) -> tuple[str, ...]:
    named = {"query": query, "match": match}
    low = [name for name, one in named.items() if one is not None and abs(one.rise) < SMALL_RISE]
    return (SMALL_CHANGE.format(sides=" and the ".join(low), limit=SMALL_RISE),) if low else ()
