"""What work took from the wall: by the processor's counters where they may be read, else estimated, and said to be."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from engine.training.meter import ESTIMATE_ERROR, EstimatingMeter, RaplMeter, start_meter


def zone(folder: Path, name: str, counter: int, of: str = "package-0", most: int = 1_000_000) -> Path:
    """Write one zone as Linux shows it."""
    home = folder / name
    home.mkdir(parents=True)
    for file, content in (("energy_uj", counter), ("max_energy_range_uj", most), ("name", of)):
        (home / file).write_text(f"{content}\n")
    return home


def test_counters_of_packages_and_memory_are_added_apart_and_may_begin_anew(tmp_path: Path) -> None:
    first, second = zone(tmp_path, "intel-rapl:0", 500_000), zone(tmp_path, "intel-rapl:1", 900_000, "package-1")
    memory, core = zone(tmp_path, "intel-rapl:0:1", 10, "dram"), zone(tmp_path, "intel-rapl:0:0", 10, "core")
    meter = start_meter(tmp_path)
    assert isinstance(meter, RaplMeter)
    for home, counter in ((first, 700_000), (second, 100_000), (memory, 50_010), (core, 999_999)):
        (home / "energy_uj").write_text(f"{counter}\n")
    used = meter.stop()
    assert used.joules == pytest.approx(0.2 + 0.2)  # the second began anew after a million
    assert used.memory_joules == pytest.approx(0.05)
    assert (used.how, used.error) == ("measured", 0.0)
    assert used.as_dict()["wh"] == pytest.approx(0.4 / 3600, abs=1e-5)


def test_a_meter_without_a_memory_zone_says_nothing_of_memory(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", 5)
    assert start_meter(tmp_path).stop().memory_joules is None


def test_where_no_counter_may_be_read_the_estimate_says_how_far_it_may_err(tmp_path: Path) -> None:
    home = zone(tmp_path, "intel-rapl:0", 5)
    (home / "energy_uj").unlink()
    (home / "energy_uj").mkdir()  # what may not be read, for root as well
    meter, began = start_meter(tmp_path), time.process_time()
    assert isinstance(meter, EstimatingMeter)
    while time.process_time() - began < 1:
        sum(range(10_000))
    used = meter.stop()
    assert (used.how, used.error) == ("estimated", ESTIMATE_ERROR)
    stated = re.search(r"([\d.]+) W for (\d+) cores", used.method)
    assert stated is not None
    assert used.joules == pytest.approx(float(stated[1]) / int(stated[2]) * used.cpu_seconds)  # however busy it is
    assert used.memory_joules is not None and used.memory_joules > 0
    assert used.cpu_seconds >= 1
    assert "codecarbon" in used.method and "given apart" in used.method
