"""What kinds of study there are: one row a modality, and `register`, by which a further one joins them.

A row names what is done with the studies of its modality: the gate that judges them, the inputs that are made of them,
the encoder that reads those. What lies in packages above this module stands here as "module:name" and is imported when
it is first used. Which modalities a release can encode is for its manifest to say (engine.model.release).
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, overload

from engine.errors import UsageError
from engine.study import ECG_LEADS, PPG_LEAD, Film, Modality, Note, Trace

Reference = str | Callable[..., Any]
"""A function or class, or where it is to be imported from: "engine.model.ecg:prepare"."""


@dataclass(frozen=True, eq=False)
class ModalitySpec:
    """One modality.

    name       : as it stands in manifests, codes and part files, e.g. "ecg"
    noun       : what one study of it is called, e.g. "chest film"
    content    : what a study of it holds
    inputs     : content → model inputs by name, without batch axis; "x" is what attributions refer to
    encoder    : module without arguments, from batched inputs to (n, encoder.features) features
    embed      : (tower, studies) → (n, 256) embeddings, where there is a quicker way than batched inputs
    ahead      : (studies) → nothing: computes for many at once what gate and encoder ask of each
    foundation : the manifest's entry of the model below the encoder: "trunk", "text_model" or none
    gate       : (study, trunk features or None) → QualityVerdict; without one every study is accepted
    attributed : its inputs can be explained
    leads      : of a trace, canonical names in order; they tell the modalities of traces apart
    window     : of a trace, (ten seconds of it) → 0 … about 1, how fit they are to be searched
    beats      : of a trace, trace → Rate by its beats; none where no rate is worked out
    model_fs   : of a trace, Hz at which "x" is sampled
    fs_range   : of a trace, lowest and highest Hz that is taken in
    shortest_s : of a trace, seconds
    """

    name: Modality
    noun: str
    content: type[Trace] | type[Film] | type[Note]
    inputs: Reference
    encoder: Reference
    embed: Reference | None = None
    ahead: Reference | None = None
    foundation: str = ""
    gate: Reference | None = None
    attributed: bool = False
    leads: tuple[str, ...] = ()
    window: Reference | None = None
    beats: Reference | None = None
    model_fs: float = 0.0
    fs_range: tuple[float, float] = (0.0, 0.0)
    shortest_s: float = 0.0


_SPECS: dict[Modality, ModalitySpec] = {}


class _Names(Sequence[Modality]):
    """The names of the modalities that are registered at the moment, in the order of their registration."""

    @overload
    def __getitem__(self, index: int) -> Modality: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Modality, ...]: ...
    def __getitem__(self, index: int | slice) -> Modality | tuple[Modality, ...]:
        return tuple(_SPECS)[index]

    def __len__(self) -> int:
        return len(_SPECS)


MODALITIES: Sequence[Modality] = _Names()


def register(spec: ModalitySpec) -> None:
    """Add a modality; UsageError where the name or one of its leads is taken."""
    if spec.name in _SPECS:
        raise UsageError(f"There is a modality {spec.name} already: give another name.")
    taken = [lead for other in _SPECS.values() for lead in other.leads if lead in spec.leads]
    if taken:
        raise UsageError(f"The lead {taken[0]} belongs to another modality: give the leads of {spec.name} other names.")
    _SPECS[spec.name] = spec


def unregister(name: Modality) -> None:
    """Take a modality out again; UsageError where there is none of that name."""
    spec_of(name)
    del _SPECS[name]


def spec_of(name: Modality) -> ModalitySpec:
    """Return the row of a modality; UsageError where there is none of that name."""
    try:
        return _SPECS[name]
    except KeyError:
        raise UsageError(f"There is no modality '{name}': use {', '.join(MODALITIES)}.") from None


def spec_of_trace(trace: Trace) -> ModalitySpec:
    """Return the row of the modality that a trace's leads belong to; UsageError where there is none."""
    for spec in _SPECS.values():
        if set(trace.leads) <= set(spec.leads):
            return spec
    raise UsageError(f"No modality has the leads {', '.join(trace.leads)}: name them as they are known here.")


def resolve(reference: Reference) -> Any:
    """Return what a row refers to, imported where that has to be done first."""
    return pkgutil.resolve_name(reference) if isinstance(reference, str) else reference


register(
    ModalitySpec(
        name="cxr",
        noun="chest film",
        content=Film,
        inputs="engine.model.cxr:inputs",
        encoder="engine.model.models:FilmEncoder",
        embed="engine.model.embedding:embed_films",
        ahead="engine.model.embedding:lower_films",
        foundation="trunk",
        gate="engine.intake.quality.film:gate",
        attributed=True,
    )
)
register(
    ModalitySpec(
        name="ecg",
        noun="ECG",
        content=Trace,
        inputs="engine.model.ecg:prepare",
        encoder="engine.model.models:EcgEncoder",
        gate="engine.intake.quality.ecg:gate",
        attributed=True,
        leads=ECG_LEADS,
        window="engine.intake.quality.judge:heart_score",
        beats="engine.intake.quality.rate:heart_beats",
        model_fs=100.0,
        fs_range=(50.0, 10_000.0),
        shortest_s=2.5,  # one printed column of a 12-lead ECG
    )
)
register(
    ModalitySpec(
        name="ppg",
        noun="pulse recording",
        content=Trace,
        inputs="engine.model.ppg:prepare",
        encoder="engine.model.models:PpgEncoder",
        gate="engine.intake.quality.ppg:gate",
        attributed=True,
        leads=(PPG_LEAD,),
        window="engine.intake.quality.judge:pulse_score",
        beats="engine.intake.quality.rate:pulse_beats_of",
        model_fs=125.0,
        fs_range=(15.0, 10_000.0),
        shortest_s=2.0,  # the shortest published PPG segments
    )
)
register(
    ModalitySpec(
        name="text",
        noun="report",
        content=Note,
        inputs="engine.model.text:inputs",
        encoder="engine.model.models:TextEncoder",
        embed="engine.model.embedding:embed_texts",
        foundation="text_model",
    )
)
