"""Start the app: `python serve.py [--server.port 8501]`, as `streamlit run app.py` does, behind the gate.

The gate (engine.access.gate) stands before every address and the WebSocket; /healthz and /readyz are open to whoever
watches the app. Without sign-in the app is served to this machine alone. Every browser is given a cookie by which
makers and learners of quizzes are told apart (pages/shared/browser.py).

Streamlit takes a folder named pages/ for pages of its older kind until the first visitor has come, and tells them of an
address such as /releases that there is no such page. Here it is told beforehand.
"""

from __future__ import annotations

import atexit
import faulthandler
import json
import os
import signal
import sys
from pathlib import Path

from starlette.middleware import Middleware
from streamlit import config
from streamlit.runtime.pages_manager import PagesManager
from streamlit.web.cli import main
from streamlit.web.server.starlette import starlette_app

from engine.access import emergency_mail, gate, mode
from engine.access.mail_server import mail_server
from engine.access.policies import policy_files
from engine.access.ways import Way, way_in
from engine.consent.retention import upload_days
from engine.errors import CasebindError
from engine.log import DEBUG_VARIABLE, keep_words_out
from engine.settings import workspace_path
from engine.store.acts import Act
from engine.store.audit_file import SYSTEM, AuditFile
from engine.store.people import People
from engine.upkeep import monitoring
from engine.upkeep.readiness import check_settings
from engine.version import __version__
from pages.shared import media, probes, resources, signed_in
from pages.shared.browser import BrowserCookie

OWNER = json.dumps({gate.OF_SESSION.decode(): signed_in.SESSION})  # a window is resumed by its own session alone


def add_gate(people: People | None, audit: AuditFile | None, way: Way | None) -> None:
    """Put the gate and the cookie before Streamlit's own middleware; both see Streamlit's settings by then."""
    own = starlette_app.create_streamlit_middleware

    def middleware() -> list[Middleware]:
        try:
            mode.check_listening(str(config.get_option("server.address") or "0.0.0.0"))
        except CasebindError as problem:
            print(problem, file=sys.stderr, flush=True)
            os._exit(problem.exit_status)  # the server's loop would report it as its own failure
        addresses = {"/healthz": probes.healthz, "/readyz": probes.readyz}
        owners = {gate.MEDIA: media.is_given, gate.UPLOADS: signed_in.is_own_window}
        asked = {"is_click": signed_in.is_click, "owners": owners}
        before = Middleware(gate.Gate, people=people, audit=audit, probes=addresses, way=way, **asked)
        return [before, Middleware(BrowserCookie), *own()]

    starlette_app.create_streamlit_middleware = middleware


def start_audit() -> AuditFile | None:
    """Write that the app starts, and when it stops; None where there is no workspace yet."""
    if not workspace_path().is_dir():
        return None
    audit, about = AuditFile(workspace_path()), {"version": __version__, "sign_in": mode.sign_in()}
    audit.append(SYSTEM, Act("app started", about=about))
    atexit.register(audit.append, SYSTEM, Act("app stopped", about=about))
    return audit


if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1)  # where a server that no longer answers stands: lines of code, no data
    PagesManager.uses_pages_directory = False
    if not os.environ.get(DEBUG_VARIABLE):
        keep_words_out()
    try:
        upload_days()
        check_settings()
        monitoring.serve(probes.ready.found, resources.opened)
        people = signed_in.open_gate()
        way = way_in(people, workspace_path()) if people is not None else None
        add_gate(people, start_audit(), way)
        if people is not None:
            media.keep_apart()
        if people is not None and (remark := policy_files.parsed(policy_files.text_of(workspace_path())).remark):
            print(remark, file=sys.stderr, flush=True)
        if (officers := mail_server()) is not None and people is not None:
            emergency_mail.watch(people.audit, officers)
    except CasebindError as problem:
        sys.exit(str(problem))
    main(["run", str(Path(__file__).with_name("app.py")), *sys.argv[1:], "--server.trustedUserHeaders", OWNER])
