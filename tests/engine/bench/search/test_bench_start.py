"""A large workspace is opened by a process of its own; what is withdrawn and deleted is not in the next answer."""

from __future__ import annotations

import json

import pytest

from engine.cli import run


def test_the_next_answer_lacks_what_was_withdrawn_and_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "start", "--n", "20000", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n"] == 20000 and found["first_answer_s"] > 0 and found["search_ms"] > 0
    for name in ("withdraw", "delete"):
        assert found[name]["still_there"] == 0 and found[name]["of"] > 5000
    assert run(["bench", "start", "--n", "10"]) == 2
