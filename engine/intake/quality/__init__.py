"""The gate that every query passes: what was measured, against which limit, and what to do about it.

`judge` has the gate's two steps, `verdict` its limits and sentences; a module a modality measures. Limits are in
thresholds.json and what they rest on in thresholds_provenance.json, which `python -m engine.training.quality_gate`
writes.
"""
