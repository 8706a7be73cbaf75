"""Words from files and manifests, made safe for Streamlit's Markdown: nothing in them may become a link or a style."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-!|~$:&])")


def escaped(words: object) -> str:
    """Return `words` with every character that Markdown reads escaped, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(words).split()))


def escaped_lines(words: str) -> str:
    """Return `words` as `plain` does, with their line breaks kept."""
    return "  \n".join(escaped(line) for line in words.strip().splitlines())
