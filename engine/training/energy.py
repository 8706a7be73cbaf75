"""What a training took from the wall, estimated: watt-hours, written to the run's log (codecarbon).

Where the machine has no power meter, codecarbon estimates from the processor's rated power and its load; the figure is
an order of magnitude.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.training.encoders.loop import Log

EVERY_S = 15  # seconds between two readings


@contextmanager
def metered(run: Path, what: str) -> Iterator[None]:
    """Log the energy of what is done inside, also where it fails: stage "energy", kwh, processor."""
    from codecarbon import OfflineEmissionsTracker

    log = Log(run / "log.jsonl")
    tracker = OfflineEmissionsTracker(
        country_iso_code="USA",  # of no effect on energy, the only figure kept
        output_methods=[],
        log_level="critical",
        measure_power_secs=EVERY_S,
        allow_multiple_runs=True,
    )
    tracker.start()
    try:
        yield
    finally:
        tracker.stop()
        found = tracker.final_emissions_data
        log.write(stage="energy", of=what, wh=1000 * float(found.energy_consumed), processor=found.cpu_model)
