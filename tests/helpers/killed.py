"""A command killed by SIGKILL at everything that it does to files, and begun again each time until it comes through."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

# One process imports the command once. A child of it counts what it does to files and kills itself at the n-th;
# the next child begins where that one left the disk, until one comes through.
DRIVER = """
import importlib, json, os, signal, sys
module, words, under, before = json.loads(sys.argv[1])
importlib.import_module(before) if before else None
run = importlib.import_module(module).run
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "sqlite3.connect/handle"}

def kill_at(n):
    done = 0
    def watch(event, given):
        nonlocal done
        writes = event == "open" and isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_RDWR)
        if (event in CHANGES or writes) and under in str(given[0]):
            done += 1
            if done == n:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(watch)

for n in range(1, 200):
    child = os.fork()
    if child == 0:
        kill_at(n)
        status = run(words)
        sys.stdout.flush()
        os._exit(status)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        print(json.dumps({"kills": n - 1, "status": os.waitstatus_to_exitcode(status)}))
        break
"""


def through_kills(
    module: str, words: Sequence[str], environment: Mapping[str, str], *, under: Path, imported: str = ""
) -> int:
    """Run `module.run(words)` until it comes through; return how often it was killed. It must end with status 0.

    under    : a folder; only what is done to files in it counts
    imported : a module to import before, once
    """
    given = json.dumps([module, list(words), str(under), imported])
    own = {name: os.environ[name] for name in ("PATH", "HOME", "OMP_NUM_THREADS") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, given], env={**own, **environment}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["status"] == 0, (said, done.stdout, done.stderr)
    return int(said["kills"])


def holding(folder: Path, word: str) -> list[str]:
    """Return the files of a folder whose content has a word, uncompressed."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [str(path.relative_to(folder)) for path in files if word.encode() in path.read_bytes()]
