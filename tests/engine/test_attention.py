"""Work in the background stands still while a page is drawn, and goes on beside pages that never end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from helpers.archive_objects import wait_until

from engine.attention import GivesWay, descriptor, drawing, let_pages_go_first

WORKS = """
import sys
from engine.attention import GivesWay
gives_way = GivesWay(int(sys.argv[1]))
for line in sys.stdin:
    gives_way()
    print(line, end="", flush=True)
"""


def test_a_process_stands_still_until_the_last_page_is_drawn() -> None:
    command = [sys.executable, "-c", WORKS, str(descriptor())]
    with subprocess.Popen(
        command, pass_fds=[descriptor()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as works:
        assert works.stdin is not None and works.stdout is not None
        said: list[str] = []

        def listen() -> None:
            said.extend(iter(works.stdout.readline, ""))  # type: ignore[union-attr]

        threading.Thread(target=listen, daemon=True).start()
        works.stdin.write("before\n")
        wait_until(lambda: said == ["before\n"])
        with drawing():
            with drawing():
                works.stdin.write("beside\n")
            assert said == ["before\n"]  # one page is still being drawn
        wait_until(lambda: said == ["before\n", "beside\n"])
        works.stdin.close()


def test_work_has_its_share_beside_pages_that_never_end() -> None:
    gives_way, ended = GivesWay(os.dup(descriptor())), threading.Event()

    def work() -> None:
        gives_way()
        ended.set()

    with drawing():
        threading.Thread(target=work, daemon=True).start()
        assert ended.wait(60)


def test_a_transaction_waits_for_pages_no_longer_than_it_is_told() -> None:
    assert let_pages_go_first(60)
    with drawing():
        assert not let_pages_go_first(0.01)
    assert let_pages_go_first(0)
