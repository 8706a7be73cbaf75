"""What a piece of work took from the wall: measured by the processor's own meter, or else estimated by codecarbon.

RAPL (Intel and AMD, Linux) counts the joules of a whole processor package, so what else the machine did is in them;
since 2020 only root may read it on most systems. Without it the power that codecarbon states for the processor counts
by the seconds that this process had of it: codecarbon's process mode with counted seconds in the place of sampled ones,
which came out up to twenty times too high on a machine whose processes waited for each other. Against external meters
such estimates err by up to 40 % (Fischer 2025, "Ground-truthing AI energy consumption"), and memory is a constant of
the machine: it is given apart and counts in no sum.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

POWERCAP = Path("/sys/class/powercap")
MEASURED, ESTIMATED = "measured", "estimated"
ESTIMATE_ERROR = 0.4  # of codecarbon against external meters
EVERY_S = 15  # seconds between two of its readings, of which its stated power alone is used
MICRO = 1e-6


@dataclass(frozen=True)
class EnergyUsed:
    """What was used between start and stop.

    joules      : of the processor            memory_joules : of memory; None where the meter does not say
    cpu_seconds : of this process             seconds       : of the clock
    how         : "measured" or "estimated"   error         : share by which the joules may err; 0 where measured
    method      : the meter, with what it assumes
    """

    joules: float
    memory_joules: float | None
    cpu_seconds: float
    seconds: float
    how: str
    error: float
    method: str

    def as_dict(self) -> dict[str, Any]:
        """Return it for a manifest, in watt-hours."""
        memory = self.memory_joules
        return {
            "wh": round(self.joules / 3600, 5),
            "memory_wh": None if memory is None else round(memory / 3600, 5),
            "cpu_seconds": round(self.cpu_seconds, 1),
            "how": self.how,
            "error": self.error,
            "method": self.method,
        }


class Meter(Protocol):
    """A meter that runs since it was made."""

    def stop(self) -> EnergyUsed:
        """End it, and return what was used."""
        ...


def start_meter(powercap: Path = POWERCAP) -> Meter:
    """Start the best meter that this machine lets be read."""
    zones = _readable_zones(powercap)
    return RaplMeter(zones) if zones else EstimatingMeter()


class RaplMeter:
    """The counters of the processor packages, in microjoules, that begin anew at their range."""

    def __init__(self, zones: list[Path]) -> None:
        self._zones = zones
        self._began, self._cpu_began, self._first = time.monotonic(), time.process_time(), self._read()

    def stop(self) -> EnergyUsed:
        """Return joules of the packages and, where there is such a zone, of memory."""
        last, spent = self._read(), {True: 0.0, False: 0.0}
        for zone in self._zones:
            used = last[zone] - self._first[zone]
            if used < 0:
                used += int((zone / "max_energy_range_uj").read_text())
            spent[_is_memory(zone)] += used * MICRO
        memory = spent[True] if any(map(_is_memory, self._zones)) else None
        seconds, cpu_seconds = time.monotonic() - self._began, time.process_time() - self._cpu_began
        method = "RAPL, all processor packages; what else the machine did meanwhile is in it"
        return EnergyUsed(spent[False], memory, cpu_seconds, seconds, MEASURED, 0.0, method)

    def _read(self) -> dict[Path, int]:
        return {zone: int((zone / "energy_uj").read_text()) for zone in self._zones}


class EstimatingMeter:
    """The processor's power as codecarbon states it, by the seconds that this process had of it."""

    def __init__(self) -> None:
        from codecarbon import OfflineEmissionsTracker
        from codecarbon.external.logger import set_logger_level

        set_logger_level("critical")
        self._tracker = OfflineEmissionsTracker(
            country_iso_code="USA",  # of no effect on energy, the only figure kept
            tracking_mode="process",
            output_methods=[],
            log_level="critical",
            measure_power_secs=EVERY_S,
            allow_multiple_runs=True,
        )
        self._began, self._cpu_began = time.monotonic(), time.process_time()
        self._tracker.start()

    def stop(self) -> EnergyUsed:
        """Return the estimate, with what it rests on."""
        from codecarbon import __version__
        from codecarbon.core.cpu import TDP

        seconds, cpu_seconds = time.monotonic() - self._began, time.process_time() - self._cpu_began
        self._tracker.stop()
        found, rated = self._tracker.final_emissions_data, float(TDP().tdp)
        cores, model = int(found.cpu_count), found.cpu_model or "an unknown processor"
        method = (
            f"codecarbon {__version__}'s {rated:g} W for {cores} cores ({model}) by the seconds of one; "
            f"memory as {found.ram_power:g} W of the whole machine, given apart"
        )
        joules, memory = rated / cores * cpu_seconds, float(found.ram_power) * seconds
        return EnergyUsed(joules, memory, cpu_seconds, seconds, ESTIMATED, ESTIMATE_ERROR, method)


def _is_memory(zone: Path) -> bool:
    return (zone / "name").read_text().strip() == "dram"


def _readable_zones(powercap: Path) -> list[Path]:
    """Return packages and their memory zones; none where one of them may not be read."""
    packages = sorted(powercap.glob("intel-rapl:[0-9]*"))
    zones = [zone for zone in packages if zone.name.count(":") == 1]
    zones += [zone for zone in packages if zone.name.count(":") == 2 and _readable(zone / "name") and _is_memory(zone)]
    return zones if all(_readable(zone / "energy_uj") for zone in zones) else []


def _readable(file: Path) -> bool:
    try:
        file.read_text()
    except OSError:
        return False
    return True
