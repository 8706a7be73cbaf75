"""The search screen: a query of one's own is deleted after a question that says what goes with it."""

from __future__ import annotations

from helpers.screens import address, keys, press, said_no_error
from streamlit.testing.v1 import AppTest

from engine.actor import single_user
from engine.store import queries
from engine.strings import text
from engine.workspace.workspace import Workspace


def ask(app: AppTest, words: str) -> str:
    """Ask by typed words; return the query's id."""
    app.text_input(key="typed").set_value(words)
    (go,) = [one for one in app.button if one.label == text("search.find")]
    said_no_error(go.click().run())
    return address(app)["query"][0]


def test_own_queries_are_deleted_with_what_hangs_on_them(app: AppTest, place: Workspace) -> None:
    query = ask(app, "pulmonary oedema")
    study = place.all_rows()[0].study_id
    place.rate(query, study, "relevant", actor=single_user(), release="r")
    (file,) = [file for file, _ in queries.sources(place.database, single_user(), [query]).values()]
    assert (place.queries_folder / file).is_file()
    press(app, "delete-query")
    assert "Gone for good: 1 query with its recording or words, 1 mark. Marks" in " ".join(
        one.value for one in app.markdown
    )
    press(app, "forget-go")
    assert address(app) == {} and place.query(query, actor=single_user()) is None
    assert place.all_ratings(query) == [] and not (place.queries_folder / file).exists()

    first = ask(app, "lung mass")
    press(app, "new")
    second = ask(app, "rib fracture")
    press(app, "new")
    press(app, f"forget-{first}")
    press(app, "forget-go")
    assert f"past-{first}" not in keys(app) and f"past-{second}" in keys(app)
    press(app, "forget-all")
    press(app, "forget-go")
    assert not [key for key in keys(app) if str(key).startswith("past-")]
