"""Start the app: `python serve.py [--server.port 8501]`, as `streamlit run app.py` does.

Streamlit takes a folder named pages/ for pages of its older kind until the first visitor has come, and tells them of an
address such as /releases that there is no such page. Here it is told beforehand.
"""

from __future__ import annotations

import sys
from pathlib import Path

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web.cli import main

if __name__ == "__main__":
    PagesManager.uses_pages_directory = False
    main(["run", str(Path(__file__).with_name("app.py")), *sys.argv[1:]])
