"""Messages that no page sends, over the WebSocket of the running app by somebody who is signed in."""

from __future__ import annotations

import http.client
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers.accounts import PASSWORD, ask, invite, sign_in
from helpers.server import start, stop
from helpers.tab import Tab, chosen, pressed
from streamlit.proto.BackMsg_pb2 import BackMsg

from engine.store.audit_file import AuditFile

STUDY, WORDS = "syn-0001-e1-ecg", "similar cases"  # a query, and what stands over its answer


@dataclass(frozen=True)
class Department:
    """A server where tom and bob sign in, and its workspace."""

    url: str
    folder: Path

    def window(self, cookie: str, **options: str) -> Tab:
        """Return a window of whoever the cookie stands for, who has accepted the notice."""
        tab = Tab(self.url, cookie, **options).run()
        if "accept" in tab.elements():
            tab.run(pressed(tab.elements()["accept"].id))
        return tab.run()


@pytest.fixture(scope="module")
def department(shipped_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Department]:
    """A department on the shipped cohort."""
    folder = tmp_path_factory.mktemp("department") / "ws"
    shutil.copytree(shipped_folder, folder)
    links = {name: invite(folder, name) for name in ("tom", "bob")}
    process, url = start(folder, folder.parent / "server.log", CASEBIND_SIGN_IN="accounts")
    for token in links.values():
        form = {"token": token, "password": PASSWORD, "again": PASSWORD}
        assert ask(url, "/invitation", "POST", form=form).status == 200
    yield Department(url, folder)
    stop(process)


def rows(department: Department, kind: str) -> list[dict[str, object]]:
    """Return what the record has of one kind of acts."""
    audit = AuditFile(department.folder)
    try:
        return [row for row in audit.rows() if row["kind"] == kind]
    finally:
        audit.close()


def test_the_state_of_a_window_is_resumed_by_the_session_that_made_it_and_by_no_other(department):
    toms, bobs = sign_in(department.url, "tom"), sign_in(department.url, "bob")
    department.window(bobs)
    open_case = department.window(toms, query=f"query={STUDY}")
    assert open_case.fragments() and open_case.says(WORDS)

    taken = Tab(department.url, bobs, resumes=open_case.number)
    for number in open_case.fragments():
        message = BackMsg()
        message.rerun_script.fragment_id = number
        taken.send(message)
    assert not taken.run().says(WORDS)
    assert taken.number not in ("", open_case.number)

    anew = Tab(department.url, sign_in(department.url, "tom"), resumes=open_case.number).run()
    assert anew.number != open_case.number  # who signs in once more begins with nothing
    assert Tab(department.url, toms, resumes=open_case.number).run().number == open_case.number


def test_a_file_comes_into_no_window_of_another(department):
    toms, bobs = sign_in(department.url, "tom"), sign_in(department.url, "bob")
    address = f"/_stcore/upload_file/{department.window(toms).number}/0a1b"
    parts = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nt,PPG\r\n--x--\r\n'

    def came(cookie: str, method: str) -> int:
        asked = ask(department.url, "/_stcore/health").headers["set-cookie"]
        token = asked.split("_streamlit_xsrf=")[1].split(";")[0]
        headers = {
            "Cookie": f"{cookie}; _streamlit_xsrf={token}",
            "X-Xsrftoken": token,
            "Origin": department.url,
            "Content-Type": "multipart/form-data; boundary=x",
        }
        connection = http.client.HTTPConnection(department.url.removeprefix("http://"), timeout=60)
        connection.request(method, address, parts if method == "PUT" else None, headers)
        return connection.getresponse().status

    assert (came(bobs, "PUT"), came(bobs, "DELETE")) == (404, 404)
    assert (came(toms, "PUT"), came(toms, "DELETE")) == (204, 204)


def test_a_message_that_no_page_sends_is_dropped_and_on_record(department):
    window = department.window(sign_in(department.url, "bob"))
    emptied, asked = BackMsg(), BackMsg()
    emptied.clear_cache = asked.load_git_info = True
    for forged in (emptied, asked, b"\xff\xff", "words"):
        window.send(forged)
    heartbeat = BackMsg()
    heartbeat.app_heartbeat = True
    window.send(heartbeat)
    told = [window.next().WhichOneof("type")]
    while told[-1] != "heartbeat_ack":
        told.append(window.next().WhichOneof("type"))
    assert set(told) <= {"session_status_changed", "heartbeat_ack"}
    assert "No page of this app sends that." in [row["refused"] for row in rows(department, "gate refused")]


def test_a_language_that_is_not_offered_is_none(department):
    window = department.window(sign_in(department.url, "bob"))
    field = window.elements()["language-field"].id
    for words in ("a patient's name", "../../pyproject", "x" * 100_000):
        window.run(chosen(field, words))
        assert not window.says("a patient's name") and "frame" in window.elements()
    assert rows(department, "language chosen") == []
    window.run(chosen(field, "Deutsch"))
    assert [row["about"] for row in rows(department, "language chosen")] == [{"language": "de"}]
