"""Words from files, manifests and addresses, made safe for Streamlit's Markdown: no link and no style comes of them."""

from __future__ import annotations

import re

from engine.sentences import spoken

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-!|~$:&])")
_CODE = re.compile(r"(`[^`\n]*`)")
_ADDRESS = re.compile(r"(?<=https)(?=://)|(?<=http)(?=://)|(?<=www)(?=\.)|(?<=[\w.+-])(?=@[\w-]+\.\w)", re.IGNORECASE)
APART = "\N{WORD JOINER}"  # has no width: GitHub's Markdown makes a link of an address, also where it is escaped


def escaped(words: object) -> str:
    """Return `words` with every character that Markdown reads escaped, on one line."""
    return _SPECIAL.sub(r"\\\1", _unlinked(" ".join(str(words).split())))


def escaped_lines(words: str) -> str:
    """Return `words` as `plain` does, with their line breaks kept."""
    return "  \n".join(escaped(line) for line in words.strip().splitlines())


def said(sentence: object) -> str:
    """Return a sentence of the engine, or an error's, in the reader's language.

    What it names as `code` stands as such; nothing that it quotes of somebody's becomes a link, a picture or a style.
    """
    parts = _CODE.split(spoken(sentence))
    return "".join(part if n % 2 else re.sub(r"([\[\]<])", r"\\\1", _unlinked(part)) for n, part in enumerate(parts))


def _unlinked(words: str) -> str:
    """Return words in which addresses of the web and of mails are no such for a machine."""
    return _ADDRESS.sub(APART, words)
