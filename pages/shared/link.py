"""Links that open a screen of this app as it is."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import streamlit as st


def link(page: str, **values: object) -> str:
    """Return the address of a screen with `values` as its parameters, of which one may be several.

    It is relative where the browser's own address is not known.
    """
    here = urlsplit(st.context.url or "")
    base = f"{here.scheme}://{here.netloc}" if here.netloc else ""
    return f"{base}/{page}?{urlencode(values, doseq=True)}"
