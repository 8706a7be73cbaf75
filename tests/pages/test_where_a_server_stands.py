"""A server that is asked where it stands says so in its log, and goes on."""

from __future__ import annotations

import urllib.request

import pytest
from helpers.server import standing

pytestmark = pytest.mark.browser


def test_a_server_writes_where_its_threads_stand_and_goes_on(server: str) -> None:
    said = standing(f"{server}/about")
    assert "Current thread" in said and "streamlit" in said
    with urllib.request.urlopen(f"{server}/_stcore/health", timeout=60) as answer:
        assert answer.status == 200
