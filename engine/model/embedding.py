"""Embedding many studies of one modality at once where there is a quicker way than stacking their inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from engine.study import Film, Note, Study


def embed_films(tower: Any, studies: Sequence[Study]) -> torch.Tensor:
    """Return (n, 256) embeddings of films, from the lower tokens that the quality gate has computed.

    tower : the release's module of films (engine.model.heads.Tower)
    """
    from engine.model.trunk import lower_tokens

    films = [study.content for study in studies if isinstance(study.content, Film)]
    if not any(study.facts.get("region") for study in studies):
        embedded: torch.Tensor = tower(tokens=lower_tokens(films))
        return embedded
    return torch.cat([_embed_part(tower, film, study) for film, study in zip(films, studies, strict=True)])


def lower_films(studies: Sequence[Study]) -> None:
    """Compute the lower tokens of films together: a batch costs less a film, and gate and encoder find them.

    They are kept for as long as the films are. Batches round otherwise in the last places than a film alone does.
    """
    from engine.model.trunk import lower_tokens

    films = [study.content for study in studies if isinstance(study.content, Film)]
    if films:
        lower_tokens(films)


def embed_texts(tower: Any, studies: Sequence[Study]) -> torch.Tensor:
    """Return (n, 256) embeddings of texts, all of them one batch of the sentence encoder."""
    from engine.model.text import sentence_vectors

    vectors = sentence_vectors([study.content.text for study in studies if isinstance(study.content, Note)])
    embedded: torch.Tensor = tower(x=torch.from_numpy(vectors))
    return embedded


def _embed_part(tower: Any, film: Film, study: Study) -> torch.Tensor:
    """Embed one film by the part that is asked for, or by all of it."""
    from engine.model.region import embed_region
    from engine.model.trunk import lower_tokens

    tokens, box = lower_tokens([film]), study.facts.get("region")
    return embed_region(tower, tokens, film, box) if box else tower(tokens=tokens)
