"""What the tests of a served archive share: a hospital that was drawn, and the archive that serves it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.served import free_ports, slow_pulse
from helpers.simple_generators import SIMPLE

from engine.synthetic.hospital import HospitalPlan, write_hospital
from engine.synthetic.served import Served, load, serving

PATIENTS = 2


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the manifest of a hospital that was drawn, of two patients."""
    plan = HospitalPlan(patients=PATIENTS, seed=6)
    (made,) = write_hospital(tmp_path_factory.mktemp("hospital") / "h", replace(SIMPLE, ppg=slow_pulse), plan)
    return made


@pytest.fixture(scope="module")
def archive(hospital: Path) -> Iterator[Served]:
    """An archive that holds it."""
    with serving(hospital.parents[1], free_ports()) as running:
        assert load(running, hospital, lambda line: None) > 0
        yield running
