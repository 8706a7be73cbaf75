"""The search screen: a view is kept under a name, the queries asked last are listed, and both open again."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from helpers.screens import address, asked, cards, keys, new_screen, press, said_no_error
from streamlit.testing.v1 import AppTest

from engine.actor import single_user
from engine.strings import text
from engine.workspace.searches import saved_searches
from engine.workspace.workspace import Workspace

ECG = "syn-0001-e1-ecg"


def test_a_view_is_kept_under_a_name_and_opens_again_until_it_is_deleted(app: AppTest, place: Workspace) -> None:
    asked(app, ECG, sex="F", k="5", choose="syn-0003-e1-ecg")
    seen = cards(app)
    field = next(one for one in app.text_input if (one.key or "").startswith("save-name-"))
    field.set_value("Women like this one").run()
    press(app, "save-go")
    (kept,) = saved_searches(place, actor=single_user())
    assert kept.name == "Women like this one" and "choose" not in kept.address
    press(app, "new")
    press(app, f"saved-{kept.search_id}")
    assert address(app) == {"query": [ECG], "sex": ["F"], "k": ["5"]} and cards(app) == seen

    press(app, "new")
    app.text_input(key=f"rename-{kept.search_id}").set_value("Women").run()
    assert [one.name for one in saved_searches(place, actor=single_user())] == ["Women"]
    app.text_input(key=f"rename-{kept.search_id}").set_value("Like Mr. Quill").run()
    assert [one.name for one in saved_searches(place, actor=single_user())] == ["Like [name]"]
    (keep,) = [one for one in app.button if (one.key or "").endswith("keep_all")]
    said_no_error(keep.click().run())
    assert [one.name for one in saved_searches(place, actor=single_user())] == ["Like Mr. Quill"]
    press(app, f"delete-{kept.search_id}")
    assert saved_searches(place, actor=single_user()) == [] and f"saved-{kept.search_id}" not in keys(app)
    press(app, "undo-button")
    (again,) = saved_searches(place, actor=single_user())
    assert again.address == kept.address


def test_own_queries_are_listed_and_open(app: AppTest) -> None:
    app.text_input(key="typed").set_value("atrial fibrillation")
    (go,) = [one for one in app.button if one.label == text("search.find")]
    said_no_error(go.click().run())
    (query,) = address(app)["query"]
    press(app, "new")
    entry = app.button(key=f"past-{query}")
    assert entry.label == "“atrial fibrillation”"
    press(app, f"past-{query}")
    assert address(app)["query"] == [query] and cards(app)


def test_a_shared_link_shows_somebody_else_the_same_cases_under_the_same_settings(app: AppTest) -> None:
    asked(app, ECG, sex="F", into=["ecg", "cxr"], choose="syn-0003-e1-ecg")
    (link,) = [one.value for one in app.code]
    shared = parse_qs(urlsplit(link).query)
    assert shared == {"query": [ECG], "sex": ["F"], "into": ["ecg", "cxr"]}
    other = new_screen()
    other.query_params.update(shared)
    said_no_error(other.run())
    seen = other.button(key="accept").click().run() if "accept" in keys(other) else other
    assert cards(said_no_error(seen)) == cards(app) != []
