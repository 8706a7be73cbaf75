"""Half-width matrix products, where the processor has them: without, they are many times slower than whole ones."""

from __future__ import annotations

import torch

ON_CPU = ("avx512_bf16", "amx_bf16", "bf16")  # instructions for bfloat16: Intel and AMD, Intel, ARM


def has_bfloat16(kind: str) -> bool:
    """Say whether devices of a kind ("cpu" or "cuda") multiply in bfloat16 by instructions of their own."""
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    known = torch.cpu.get_capabilities()
    return any(known.get(name, False) for name in ON_CPU)


def bfloat16_autocast(kind: str) -> torch.autocast:
    """Return the context for an encoder's passes on a kind of device; losses stay outside, in float32."""
    return torch.autocast(kind, torch.bfloat16, enabled=has_bfloat16(kind))
