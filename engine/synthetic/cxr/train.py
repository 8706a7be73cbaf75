"""Fit the film generator on the open recordings: codec, reader, then the flow in latent space; about 100 minutes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pandas as pd
import torch

from engine.errors import UsageError
from engine.synthetic.cxr import train_codec, train_flow
from engine.synthetic.cxr.codec import Codec, channels_last
from engine.synthetic.cxr.condition import LABELS, MOVES
from engine.synthetic.cxr.films import load_films
from engine.synthetic.cxr.flow import Flow
from engine.synthetic.cxr.reader import FilmReader, learn
from engine.training.encoders import loop

Part = TypeVar("Part", Codec, Flow)
CODEC, FLOW, READER = "film-codec.safetensors", "film-flow.safetensors", "film-reader.npz"
LOG = "film-log.jsonl"
CODEC_PLAN, FLOW_PLAN = train_codec.CodecPlan(), train_flow.FlowPlan()


def train_films(
    recordings: Path,
    out: Path,
    scale: float = 1.0,
    plan: train_codec.CodecPlan = CODEC_PLAN,
    plan_flow: train_flow.FlowPlan = FLOW_PLAN,
) -> Path:
    """Fit all parts on the NIH's `train` films and write them under `out`; a codec already there is kept.

    scale : of both networks' steps, e.g. 0.01 for a trial. Returns the flow's file.
    """
    out.mkdir(parents=True, exist_ok=True)
    films, table = load_films(recordings)
    log = loop.Log(out / LOG)
    if not (out / CODEC).is_file():
        codec = train_codec.train_codec(films, replace(plan, steps=_scaled(plan.steps, scale)), log, out / "codec.pt")
        save(codec, out / CODEC)
    fit_reader(films, table).save(out / READER)
    codec = load_codec(out)
    latents, moves = train_flow.views_of(codec, films, plan_flow)
    told = torch.from_numpy(train_flow.conditions_of(table)).repeat(1 + plan_flow.views, 1)
    told[:, -MOVES:] = moves
    plan_flow = replace(plan_flow, steps=_scaled(plan_flow.steps, scale))
    save(train_flow.train_flow(latents, told, plan_flow, log, out / "flow.pt"), out / FLOW)
    return out / FLOW


def fit_reader(films: torch.Tensor, table: pd.DataFrame) -> FilmReader:
    """Return the reader of drawn films, learnt on films (n, 1, 224, 224) in 0 … 1 and their table."""
    from engine.model.trunk import film_features

    held = train_flow.conditions_of(table)[:, : len(LABELS)] > 0
    return learn(film_features(films[:, 0].numpy()), pd.DataFrame(held, columns=LABELS), table.patient_id.to_numpy())


def _scaled(steps: int, scale: float) -> int:
    return max(2, round(steps * scale))


def save(part: Codec | Flow, file: Path) -> None:
    """Write a part's weights as half floats; statistics that the Gaussian part squares stay whole."""
    from safetensors.torch import save_file

    whole = ("gaussian.", "shift", "scale")
    state = {
        name: value.contiguous() if name.startswith(whole) else value.half().contiguous()
        for name, value in part.state_dict().items()
    }
    save_file(state, file)


def load_codec(folder: Path) -> Codec:
    """Return the codec of a folder of generators."""
    return _load(Codec(), folder / CODEC)


def load_flow(folder: Path) -> Flow:
    """Return the flow of a folder of generators."""
    return _load(Flow(), folder / FLOW)


def _load(part: Part, file: Path) -> Part:
    """Fill a part from its file; UsageError where there is none."""
    from safetensors.torch import load_file

    if not file.is_file():
        raise UsageError(f"There is no film generator at {file}: fit one with `casebind train generator films`.")
    part.load_state_dict({name: value.float() for name, value in load_file(file).items()})
    part.eval().requires_grad_(False)
    return channels_last(part)
