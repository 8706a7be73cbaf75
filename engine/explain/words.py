"""The sentences that go with every explanation."""

from __future__ import annotations

CAVEAT = (
    "Where the colour lies is weak evidence: gradient maps localise findings worse than radiologists do "
    "(Saporta et al., Nat Mach Intell 2022) and often fail basic trust tests on chest films "
    "(Arun et al., Radiol Artif Intell 2021). They show what this model used, not what matters medically."
)
NOTICE = "For research and teaching, not for diagnosis."
TEXT_SIDE = (
    "Text is not attributed: its encoder reads whole sentences, so no word carries a gradient here; "
    "the other side is explained against the text as it stands."
)
SIDE_INPUTS = (
    "ECG amplitudes, missing-lead flags and length are held as they are; the colours share out the waveform's shape."
)
