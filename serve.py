"""Start the app: `python serve.py [--server.port 8501]`, as `streamlit run app.py` does.

Streamlit takes a folder named pages/ for pages of its older kind until the first visitor has come, and tells them of an
address such as /releases that there is no such page. Here it is told beforehand. Its server gives every browser a
cookie by which makers and learners of quizzes are told apart (pages/shared/browser.py).
"""

from __future__ import annotations

import sys
from pathlib import Path

from starlette.middleware import Middleware
from streamlit.runtime.pages_manager import PagesManager
from streamlit.web.cli import main
from streamlit.web.server.starlette import starlette_app

from pages.shared.browser import BrowserCookie


def add_cookie() -> None:
    """Put the cookie before Streamlit's own middleware."""
    own = starlette_app.create_streamlit_middleware
    starlette_app.create_streamlit_middleware = lambda: [Middleware(BrowserCookie), *own()]


if __name__ == "__main__":
    PagesManager.uses_pages_directory = False
    add_cookie()
    main(["run", str(Path(__file__).with_name("app.py")), *sys.argv[1:]])
