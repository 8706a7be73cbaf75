"""The log of a server says where something went wrong, and no word of what a user gave."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engine.log import trace
from engine.settings import ROOT

WORDS = ("Mueller", "Hans", "1961")
FAILS = """
import logging, sys, threading, warnings
from engine.errors import IntakeError
from engine.log import keep_words_out
logging.basicConfig()
keep_words_out()
def read(name):
    try:
        int(name)
    except ValueError as error:
        raise IntakeError(f"The file {name} cannot be read.") from error
try:
    read("Mueller Hans 1961.csv")
except IntakeError:
    logging.getLogger("casebind.pages").exception("A page failed")
logging.getLogger("pydicom").warning("Invalid value for VR PN: %r", "Mueller^Hans")
warnings.warn("a cell holds Mueller, Hans, *1961", stacklevel=1)
thread = threading.Thread(target=read, args=("Mueller",))
thread.start()
thread.join()
read("Hans")
"""


def test_whatever_goes_wrong_the_log_names_lines_and_kinds_and_nothing_that_was_given():
    done = subprocess.run([sys.executable, "-c", FAILS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert [word for word in WORDS if word in done.stdout + done.stderr] == []
    assert done.stderr.count("IntakeError") == 3 and done.stderr.count("ValueError") == 3
    assert "A page failed" in done.stderr and 'File "<string>", line 9, in read' in done.stderr
    assert "A message of pydicom is left out" in done.stderr and "A message of py.warnings is left out" in done.stderr


def test_a_trace_has_the_line_of_each_error_that_led_to_it():
    with pytest.raises(KeyError) as caught:
        fail()
    said = trace(caught.value)
    ends = [said.rindex(words) for words in ("\nValueError\n", "after which", "\nKeyError")]
    assert ends == sorted(ends) and said.count(f'File "{__file__}"') == 3


def fail() -> None:
    try:
        raise ValueError("Mueller")
    except ValueError:
        raise KeyError("Hans")  # noqa: B904 (what led to it counts too)
