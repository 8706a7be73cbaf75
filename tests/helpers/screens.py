"""The app without a browser: what to press and what stands there."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from engine.settings import ROOT
from engine.strings import text

PATIENCE_S = 200.0  # for one run of a page: two shared cores, and a first query loads the models


def new_screen() -> AppTest:
    """Return the app as it is opened, nothing run yet; CASEBIND_WORKSPACE names its workspace."""
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)


def opened(screen: AppTest, page: str, **address: object) -> AppTest:
    """Open a page at an address and return what stands there; it may say in one sentence what is wrong."""
    screen.switch_page(f"pages/{page}/page.py")
    screen.query_params.clear()
    for name, value in address.items():
        screen.query_params[name] = str(value)
    return fine(screen.run())


def fine(screen: AppTest) -> AppTest:
    """Return the screen, which has not failed."""
    assert not screen.exception
    assert text("app.unexpected") not in [error.value for error in screen.error]
    return screen


def try_press(screen: AppTest, key: str) -> AppTest:
    """Press a button and return what stands there; it may say in one sentence what is wrong."""
    return fine(screen.button(key=key).click().run())


def keys(screen: AppTest) -> set[str]:
    return {button.key for button in screen.button}


def asked(screen: AppTest, query: str, **address: str | list[str]) -> AppTest:
    """Open an address and return what stands there."""
    screen.query_params["query"] = query
    for name, value in address.items():
        screen.query_params[name] = value
    return said_no_error(screen.run())


def said_no_error(screen: AppTest) -> AppTest:
    assert not screen.exception and [one.value for one in screen.error] == []
    return screen


def words(screen: AppTest) -> str:
    return "\n".join(block.value for block in screen.markdown)


def press(screen: AppTest, key: str) -> AppTest:
    return said_no_error(screen.button(key=key).click().run())


def cards(screen: AppTest, prefix: str = "open-syn") -> list[str]:
    """Return the ids of the cases whose cards are drawn, in their order."""
    start = prefix.removesuffix("syn")
    return [button.key.removeprefix(start) for button in screen.button if (button.key or "").startswith(prefix)]


def address(screen: AppTest) -> dict[str, list[str]]:
    held = screen.query_params.items()
    return {name: [values] if isinstance(values, str) else list(values) for name, values in held}
