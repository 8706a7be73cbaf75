"""The stages of a release from prepared recordings: encoders → binding → hashing. Each writes into one run folder.

Each stage can be run again alone; what it writes is what the next one reads. A graphics card is used where there is
one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from engine.model.models import FilmEncoder, encoder_for
from engine.model.transformer import TraceTransformer
from engine.training.binding import align
from engine.training.binding.train import EDGES, Binding
from engine.training.binding.train import BindingPlan as BindPlan
from engine.training.data import prepared, simultaneous
from engine.training.encoders import film_views, loop, pretrain, tune
from engine.training.probe import linear_probe

TUNE = {
    "cxr": tune.TuningPlan(
        epochs=6, batch=32, rate=1e-3, encoder_share=0.06, ema_decay=0.98, rarity=0.0, by_dataset=True, best=False
    ),
    "ecg": tune.TuningPlan(epochs=16, batch=48, rate=7e-4, encoder_share=1.0),
    "ppg": tune.TuningPlan(epochs=4, batch=64, rate=7e-4, encoder_share=0.5),
}
PRETRAIN = {"ecg": pretrain.PretrainingPlan(epochs=7, batch=48), "ppg": pretrain.PretrainingPlan(epochs=5, batch=64)}


def _save(state: dict[str, torch.Tensor], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.detach().half().cpu().contiguous() for k, v in state.items()}, file)


def load_state(file: Path) -> dict[str, torch.Tensor]:
    """Return the weights of a stage's file as float32."""
    return {k: v.float() for k, v in load_file(file).items()}


def training_data(modality: str, cache: Path) -> prepared.Prepared:
    """Read one modality as its encoder's training sees it: films as tokens after the frozen blocks."""
    return film_views.load_tokens(cache) if modality == "cxr" else prepared.load(cache, modality)


def train_encoder(modality: str, cache: Path, run: Path, epochs: float = 1.0, start: Path | None = None) -> None:
    """Pre-train (ECG, PPG) and tune one encoder; `epochs` scales the plan, e.g. 0.1 for a trial.

    start : a release whose encoder is tuned further, in place of the trunk's blocks or of pre-training
    """
    torch.manual_seed(0)
    data, log = training_data(modality, cache), loop.Log(run / "log.jsonl", modality=modality)
    encoder, draw = encoder_for(modality), None
    if isinstance(encoder, FilmEncoder):
        encoder.start_from_trunk()
        draw = film_views.FilmViews(cache, data).sample
    if start is not None:
        _continue(encoder, start / f"{modality}.safetensors")
        log.write(stage="continue", release=start.name)
    elif isinstance(encoder, TraceTransformer):
        plan = replace(PRETRAIN[modality], epochs=max(1, int(PRETRAIN[modality].epochs * epochs)))
        before = linear_probe(encoder, data)
        pretrain.pretrain(encoder, data, plan, log)
        log.write(stage="pretraining", probe_untrained=before, probe_pretrained=linear_probe(encoder, data))
        _save(encoder.state_dict(), run / "encoders" / f"{modality}-pretrained.safetensors")
    tuning = TUNE[modality]
    tuning = replace(tuning, epochs=max(1, int(tuning.epochs * epochs)))
    tune.tune(modality, encoder, data, tuning, log, sample_views=draw)
    _save(encoder.state_dict(), run / "encoders" / f"{modality}.safetensors")
    for other in align.EDGES if modality in align.EDGES else ():  # rhythms are aligned in pairs, so both are stale
        (run / "encoders" / f"{other}-aligned.safetensors").unlink(missing_ok=True)


def keep_encoder(modality: str, run: Path, release: Path) -> None:
    """Take one encoder of a release as it is, with rhythm pooling as it was aligned.

    Before alignment, where folds begin, rhythm pooling is new: the release's was taught by the pairs they hold out.
    """
    torch.manual_seed(0)
    encoder = encoder_for(modality)
    new = {name: value.clone() for name, value in encoder.state_dict().items() if name.startswith("rhythm.")}
    _continue(encoder, release / f"{modality}.safetensors")
    kept = encoder.state_dict()
    if modality in align.EDGES:
        _save(kept, run / "encoders" / f"{modality}-aligned.safetensors")
    _save({**kept, **new}, run / "encoders" / f"{modality}.safetensors")
    loop.Log(run / "log.jsonl", modality=modality).write(stage="keep", release=release.name)


def _continue(module: nn.Module, file: Path, below: str = "encoder.") -> None:
    """Load what lies below a name in a release's part; what the part does not know yet stays as it is."""
    known = {name.removeprefix(below): value for name, value in load_state(file).items() if name.startswith(below)}
    module.load_state_dict({**module.state_dict(), **known})


def align_rhythms(cache: Path, run: Path, epochs: float = 1.0) -> None:
    """Fit rhythm pooling of the tuned ECG and PPG encoders on simultaneous windows of `train`, where there are any.

    Encoders that are aligned already stay as they are, so that plans of binding are compared on the same ones.
    """
    windows = simultaneous.load(cache)
    if windows is None or all((run / "encoders" / f"{m}-aligned.safetensors").is_file() for m in align.EDGES):
        return
    plan = replace(align.AlignmentPlan(), steps=max(1, int(align.AlignmentPlan.steps * epochs)))
    index = np.flatnonzero(windows.splits == "train")
    for modality, encoder in aligned(run, windows, index, plan, loop.Log(run / "log.jsonl")).items():
        _save(encoder.state_dict(), run / "encoders" / f"{modality}-aligned.safetensors")


def aligned(
    run: Path,
    windows: simultaneous.SimultaneousWindows,
    index: np.ndarray,
    plan: align.AlignmentPlan,
    log: loop.Log,
    *,
    tokens: align.Tokens | None = None,
) -> dict[str, TraceTransformer]:
    """Return the run's tuned ECG and PPG encoders with rhythm pooling fitted on the windows numbered by index.

    tokens : of all windows, as `tokens_of_run` returns them, where they are needed more than once
    """
    encoders = {m: _tuned(m, run, aligned=False) for m in align.EDGES}
    align.align(encoders, windows, index, plan, log, tokens=tokens)  # type: ignore[arg-type]
    return encoders  # type: ignore[return-value]


def tokens_of_run(run: Path, windows: simultaneous.SimultaneousWindows) -> align.Tokens:
    """Return what the run's tuned ECG and PPG transformers make of all windows."""
    return align.tokens_of({m: _tuned(m, run, aligned=False) for m in align.EDGES}, windows)  # type: ignore[misc]


def _tuned(modality: str, run: Path, aligned: bool = True) -> nn.Module:
    """Return an encoder as tuning left it, or as alignment did where it has been aligned."""
    encoder, file = encoder_for(modality), run / "encoders" / f"{modality}-aligned.safetensors"
    tuned = run / "encoders" / f"{modality}.safetensors"
    encoder.load_state_dict(load_state(file if aligned and file.is_file() else tuned))
    return encoder


def train_binding(cache: Path, run: Path, epochs: float, plan: BindPlan, start: Path | None = None) -> None:
    """Align rhythms (`epochs` scales it), bind, and take out of films what is no finding.

    Writes bound/<modality>.safetensors (encoder and head).

    start : a release whose heads are gone on with; those that do not learn by the plan stay as they are there
    """
    from engine.training.binding import nuisance
    from engine.training.binding.train import bind
    from engine.training.data.captions import load_captions

    align_rhythms(cache, run, epochs)
    torch.manual_seed(0)
    model = Binding()
    for modality, tower in model.towers.items():
        if start is not None:
            _continue(tower, start / f"{modality}.safetensors", "")
        if modality in EDGES:
            tower.encoder.load_state_dict(_tuned(modality, run).state_dict())  # type: ignore[union-attr]
    datas = {m: training_data(m, cache) for m in plan.modalities}
    log = loop.Log(run / "log.jsonl")
    model = bind(model, datas, simultaneous.load(cache), load_captions(cache), plan=plan, log=log)
    if plan.erase and "cxr" in plan.learn and "cxr" in datas:
        nuisance.erase(model.tower("cxr"), datas["cxr"], log)
    for modality, way in model.towers.items():
        _save(way.state_dict(), run / "bound" / f"{modality}.safetensors")
