"""The whole path of a query on a cluster: the same neighbours; a missing site in JSON, on the page and in the shell."""

from __future__ import annotations

from pathlib import Path

from helpers.answers import QUERIES, stored_answers
from helpers.sites import ray_setting

from engine.actor import single_user
from engine.bench.cluster.nodes import Nodes, end
from engine.commands.search import table
from engine.modalities import MODALITIES
from engine.model.release import Release
from engine.retrieval import search as retrieval
from engine.retrieval.answer import Options
from engine.workspace.workspace import open_workspace


def test_a_query_finds_the_same_as_here(workspace_folder: Path, release: Release, nodes: Nodes) -> None:
    here = stored_answers(workspace_folder, release)
    ray_setting(workspace_folder, nodes, replicas=2)
    there = stored_answers(workspace_folder, release)
    assert [one.neighbours for one in there] == [one.neighbours for one in here]
    assert [one.nothing_close for one in there] == [one.nothing_close for one in here]
    assert all(one.to_json()["missing_sites"] == [] for one in here + there)
    assert all(one.neighbours for one in here)


def test_a_missing_site_is_said_wherever_an_answer_is_shown(
    workspace_folder: Path, release: Release, nodes: Nodes
) -> None:
    from pages.search.results import _missing

    ray_setting(workspace_folder, nodes)
    with open_workspace(workspace_folder) as place:
        retrieval.warm_up(place, release, ())
        assert retrieval.search_stored(place, release, QUERIES[0], Options(), actor=single_user()).missing == ()
        for pid in nodes.actors("south"):
            end(pid)
        answer = retrieval.search_stored(place, release, QUERIES[0], Options(), actor=single_user())
    sentence = "Site south did not answer: its studies are not among these."
    assert answer.to_json()["missing_sites"] == ["south"]
    assert sentence in table(answer, MODALITIES).splitlines()
    assert _missing(answer.missing) == answer.missing_sentence == sentence
    assert _missing(("a", "b")) == "Sites a and b did not answer: their studies are not among these."
