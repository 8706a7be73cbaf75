"""Viewers in the browser: our own ES modules as components of Streamlit.

A component has one entry, such as `film/film.js`, which imports others by relative addresses. Streamlit takes one
module as text, so the imported ones stand before it in that text; names at their top are unique within a component.
"""

from __future__ import annotations

import gzip
import re
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from streamlit import runtime

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

FOLDER = Path(__file__).parent
SALT_BYTES = 16  # common/payload.js takes them off
IMPORT = re.compile(r'^import \{[^}]*\} from "(\.{1,2}/[\w./-]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=const|function|class|async)", re.MULTILINE)


@lru_cache(maxsize=8)
def component(name: str, entry: str, styles: tuple[str, ...] = ()) -> ComponentRenderer:
    """Return the component that mounts a viewer.

    entry, styles : files of this folder; what has no styles of its own stands under those of the page
    """
    rules = "\n".join((FOLDER / style).read_text(encoding="utf-8") for style in styles)
    return st.components.v2.component(
        f"casebind.{name}", js=bundle(entry), css=rules or None, isolate_styles=bool(styles)
    )


def bundle(entry: str) -> str:
    """Return a module with everything that it imports, as one module."""
    done: list[Path] = []

    def text_of(file: Path) -> str:
        if file in done:
            return ""
        done.append(file)
        source = file.read_text(encoding="utf-8")
        before = "".join(text_of((file.parent / name).resolve()) for name in IMPORT.findall(source))
        return before + EXPORT.sub("", IMPORT.sub("", source)) + "\n"

    return text_of((FOLDER / entry).resolve())


def packed(content: bytes, token: str) -> bytes:
    """Return content compressed for the browser. token : of the panel; a secret one keeps the file's name secret"""
    salt = sha256(token.encode()).digest()[:SALT_BYTES]
    return gzip.compress(salt + content, compresslevel=1, mtime=0)


def address(content: bytes, place: str) -> str:
    """Return the address from which the browser fetches packed content. place : unique on the page"""
    if not runtime.exists():
        return ""
    found = runtime.get_instance().media_file_mgr.add(content, "application/octet-stream", place)
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}{found}" if base else found
