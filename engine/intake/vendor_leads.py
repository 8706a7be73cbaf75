"""What holds between the leads of a resting ECG: the calibration pulse, Einthoven's and Goldberger's equations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.errors import IntakeError
from engine.intake.assemble import Channel
from engine.intake.leads import scale_of
from engine.study import ECG_LEADS

PULSE_MV = 1.0  # height of the calibration pulse
PULSE_S, SECOND_S = 0.1, 1.0  # the pulse lasts at least this long; the second that holds it is cut
ALIKE_MV = 0.011  # all leads show the pulse within two steps of 5 µV
FEWEST_LEADS = 8  # fewer leads may look alike by chance
TOLERANCE_MV, SPIKE_MV = 0.02, 0.2  # a lead contradicts the others above one often, or above the other once
OFTEN = 0.01  # share of samples

# Every limb lead as a share of I and of II (Einthoven 1912, Goldberger 1942).
_LIMB = {"III": (-1.0, 1.0), "aVR": (-0.5, -0.5), "aVL": (1.0, -0.5), "aVF": (-0.5, 1.0)}


def without_calibration(channels: list[Channel]) -> list[Channel]:
    """Return the channels without their last second where all of them end in the same 1 mV step, else the same list.

    Philips' PageWriter stores 11 s, of which the last holds a calibration pulse in every lead.
    """
    leads = _in_millivolts(channels)
    second = round(channels[0].fs * SECOND_S)
    if len(leads) < FEWEST_LEADS or channels[0].samples.size < 2 * second:
        return channels
    tail = np.stack([values[-second:] for values in leads.values()])
    unlike = np.flatnonzero(~(np.ptp(tail, axis=0) <= ALIKE_MV))
    common = np.median(tail[:, unlike[-1] + 1 if unlike.size else 0 :], axis=0)
    pulse = np.abs(common - PULSE_MV) <= ALIKE_MV
    if pulse.sum() < PULSE_S * channels[0].fs or pulse.all() or np.abs(common[~pulse]).max() > PULSE_MV:
        return channels
    return [replace(item, samples=item.samples[:-second]) for item in channels]


def checked(channels: Sequence[Channel]) -> None:
    """Raise IntakeError where III, aVR, aVL or aVF contradicts what I and II say it is."""
    leads = _in_millivolts(channels)
    for lead, expected in _limb_leads(leads).items():
        off = np.abs(leads[lead] - expected) if lead in leads else np.zeros(1)
        off = off[np.isfinite(off)]
        if off.size and (np.mean(off > TOLERANCE_MV) > OFTEN or off.max() > SPIKE_MV):
            raise IntakeError(
                f"Lead {lead} of the file differs by up to {off.max():.2g} mV from what leads I and II say it is, so "
                "the file is damaged or its leads are mixed up: export it again."
            )


def completed(channels: list[Channel]) -> tuple[list[Channel], list[str]]:
    """Return the channels with the missing ones of III, aVR, aVL and aVF, and the names of those computed."""
    present = {item.lead for item in channels}
    by_lead = {item.lead: item for item in channels}
    one, two = by_lead.get("I"), by_lead.get("II")
    if one is None or two is None or one.units != two.units or one.fs != two.fs:
        return channels, []
    missing = [lead for lead in _LIMB if lead not in present]
    made = [
        replace(one, lead=lead, samples=_LIMB[lead][0] * one.samples + _LIMB[lead][1] * two.samples, position=lead)
        for lead in missing
    ]
    return channels + made, missing


def _in_millivolts(channels: Sequence[Channel]) -> dict[str, np.ndarray]:
    """Return the calibrated ECG leads by name, mV."""
    named = [(item, scale) for item in channels if item.lead in ECG_LEADS and (scale := scale_of(item.units))]
    return {str(item.lead): item.samples * factor for item, (unit, factor) in named if unit == "mV"}


def _limb_leads(leads: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return III, aVR, aVL and aVF as I and II say they are, mV; none without I and II."""
    if "I" not in leads or "II" not in leads:
        return {}
    return {lead: a * leads["I"] + b * leads["II"] for lead, (a, b) in _LIMB.items()}
