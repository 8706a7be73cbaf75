"""A coordinator as a process that can be killed: `python federation_coordinator.py FOLDER PORT OPTIONS`, as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from engine.federation.coordinator import CoordinatorSetting, coordinate
from engine.federation.flower import flower
from engine.federation.plan import FederationPlan
from engine.federation.state import Ground, from_arrays

if __name__ == "__main__":
    folder, port, asked = Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
    with np.load(folder / "start.npz") as arrays:
        start = from_arrays(Ground("base", ("cxr",), "encoders", "findings"), dict(arrays))
    coordinate(
        folder,
        flower(),
        start,
        plan=FederationPlan(**asked["plan"]),
        secure=asked.get("secure", False),
        setting=CoordinatorSetting(port=port, fewest=2, gather_s=20, patience_s=asked["patience"]),
        say=lambda words: print(words, flush=True),
    )
