"""The stages of a release from prepared recordings: encoders → binding → hashing. Each writes into one run folder.

Each stage can be run again alone; what it writes is what the next one reads. A graphics card is used where there is
one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from engine.binding.train import EDGES, Binding
from engine.binding.train import Plan as BindPlan
from engine.cohorts import prepared
from engine.encoders import loop, pretrain, tune
from engine.encoders.models import ENCODERS, FilmEncoder
from engine.encoders.transformer import TraceTransformer

TUNE = {
    "cxr": tune.Plan(epochs=7, rate=1e-3, encoder_share=0.06),
    "ecg": tune.Plan(epochs=16, batch=48, rate=7e-4, encoder_share=1.0),
    "ppg": tune.Plan(epochs=4, batch=64, rate=7e-4, encoder_share=0.5),
}
PRETRAIN = {"ecg": pretrain.Plan(epochs=4, batch=48), "ppg": pretrain.Plan(epochs=5, batch=64)}


def _save(state: dict[str, torch.Tensor], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.detach().half().cpu().contiguous() for k, v in state.items()}, file)


def _load(file: Path) -> dict[str, torch.Tensor]:
    return {k: v.float() for k, v in load_file(file).items()}


def train_encoder(modality: str, cache: Path, run: Path, epochs: float = 1.0) -> None:
    """Pre-train (ECG, PPG) and tune one encoder; `epochs` scales the plan, e.g. 0.1 for a trial."""
    torch.manual_seed(0)
    data, log = prepared.load_for_training(cache, modality), loop.Log(run / "log.jsonl", modality=modality)
    encoder = ENCODERS[modality]()
    if isinstance(encoder, FilmEncoder):
        encoder.start_from_trunk()
    elif isinstance(encoder, TraceTransformer):
        plan = replace(PRETRAIN[modality], epochs=max(1, int(PRETRAIN[modality].epochs * epochs)))
        pretrain.pretrain(encoder, data, plan, log)
        _save(encoder.state_dict(), run / "encoders" / f"{modality}-pretrained.safetensors")
    tuning = TUNE[modality]
    tune.tune(modality, encoder, data, replace(tuning, epochs=max(1, int(tuning.epochs * epochs))), log)
    _save(encoder.state_dict(), run / "encoders" / f"{modality}.safetensors")


def train_binding(cache: Path, run: Path, epochs: float = 1.0, plan: BindPlan | None = None) -> None:
    """Bind the tuned encoders; writes bound/<modality>.safetensors (encoder and head)."""
    from engine.binding.train import bind
    from engine.cohorts.captions import load_captions

    torch.manual_seed(0)
    model = Binding()
    for modality in EDGES:
        model.way(modality).encoder.load_state_dict(_load(run / "encoders" / f"{modality}.safetensors"))
    plan = plan or BindPlan(epochs=max(1, int(BindPlan.epochs * epochs)))
    datas = {m: prepared.load_for_training(cache, m) for m in EDGES}
    model = bind(model, datas, load_captions(cache), plan, loop.Log(run / "log.jsonl"))
    for modality, way in model.ways.items():
        _save(way.state_dict(), run / "bound" / f"{modality}.safetensors")
