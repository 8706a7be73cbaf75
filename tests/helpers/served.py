"""A served archive: whether Debian's Orthanc is here, ports that nothing has, and a pulse that no gate refuses."""

from __future__ import annotations

import os
import random
import shutil
import socket
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from helpers.orthanc import PLUGIN
from helpers.simple_generators import SIMPLE

from engine.synthetic.patients import Encounter
from engine.synthetic.rhythm import Rhythm
from engine.synthetic.served import Ports

needs_archive = pytest.mark.skipif(
    not shutil.which("Orthanc", path=os.environ["PATH"] + ":/usr/sbin") or not PLUGIN.exists(),
    reason="needs Debian's orthanc with orthanc-dicomweb: make hospital",
)


def slow_pulse(one: Encounter, beats: Rhythm, person: np.random.Generator, rng: np.random.Generator) -> np.ndarray:
    """A pulse at one rate, since the simple one's shape is refused at fast ones."""
    times = np.arange(-3, 13, 0.86)
    return SIMPLE.ppg(one, Rhythm(times, np.full(times.size, "sinus")), person, rng)


def free_ports() -> Ports:
    """Return ports that nothing has, and that Linux gives to no connection meanwhile."""
    first_given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    drawn = random.SystemRandom().sample(range(first_given - 8000, first_given), 40)
    free = list(islice(filter(_is_free, drawn), 3))
    return Ports(*free)


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False
