"""Channels as a file names them → one Trace: leads chosen, ordered, in one unit and at one rate, within the limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.errors import IntakeError, QuestionError
from engine.intake.labels import GENERIC_ECG, read_label
from engine.intake.units import is_trend, scale_of
from engine.intake.upload import Answers
from engine.modalities import spec_of
from engine.signals import resample
from engine.study import ECG_LEADS, PPG_LEAD, IdentityRow, Modality, Trace, Units

MAX_DURATION_S = 72 * 3600.0  # a Holter of a day runs some minutes longer, others two or three days
SAMPLE_LIMIT = 64_000_000  # all leads together: 256 MB as float32
MISSING_LIMIT = 0.20  # share of a lead's samples that may be missing
UNNAMED_LEAD = "II"  # single unnamed ECG channels are lead II by convention (AASM montage; ward monitors)
UNIT_CHOICES = ("mV", "uV", "au", "sd")
OTHER_CHANNEL = "not an ECG lead or pulse wave"
SAME_RATE = 0.01  # an answered rate this close to the file's is the same one


@dataclass(frozen=True, eq=False)
class Channel:
    """One channel as its file describes it.

    lead    : canonical lead, "PPG", GENERIC_ECG, or None where the file names something else
    samples : (n,) float, NaN where missing, in `units` as written in the file ("" where it does not say)
    position: how the identity table calls it without using the file's own words, e.g. "column 3"
    rank    : preference among several channels of one lead or pulse wave, lower is better
    remark  : what has to be said where this channel is read, or left out
    trend   : the channel is named like a wave and holds rates or other trend values
    """

    lead: str | None
    samples: np.ndarray
    fs: float
    units: str
    position: str
    rank: int = 0
    remark: str = ""
    trend: bool = False


@dataclass(frozen=True, eq=False)
class Assembled:
    """A trace with what was said about it on the way."""

    modality: Modality
    trace: Trace
    rows: tuple[IdentityRow, ...]
    remark: str = ""  # for the recognised phrase, e.g. "lead not named, taken as II"


def channel(label: str, samples: np.ndarray, fs: float, *, units: str, position: str) -> Channel:
    """Return a Channel from the label that a file gives it, turned over where the label says that it is upside down.

    units : as the file writes them beside the label; the label's own where there are none
    """
    found = read_label(label)
    written = units or found.units
    if is_trend(written):
        named = read_label(label.replace(found.units, "") if found.units else label).lead
        return Channel(None, samples, fs, written, position, trend=named is not None)
    turned = samples if found.sign > 0 else -samples
    return Channel(found.lead, turned, fs, written, position, found.rank + (found.sign < 0), found.remark)


def assemble(channels: Sequence[Channel], answers: Answers, *, partial: bool = False) -> Assembled:
    """Return the trace of one study; `partial` drops leads that are present in a part of the recording only.

    Raises QuestionError where modality or units stay open, IntakeError for a recording that cannot be searched.
    """
    modality, chosen, remarks = _choose(channels, answers)
    chosen, rate_remark = _at_answered_rate(chosen, answers)
    rows = [IdentityRow(c.position, "removed", OTHER_CHANNEL) for c in channels if c.lead is None]
    rows += [
        IdentityRow(c.position, "removed", "another channel of the same pulse wave, or not asked for")
        for c in channels
        if c.lead is not None and not any(c.position == kept.position for kept in chosen)
    ]
    for item in chosen:
        _check_rate(item.fs, modality)
    chosen, empty = _without_gaps(chosen, partial)
    rows += empty
    units = _common_units(chosen, modality, answers)
    fs = max(item.fs for item in chosen)
    _check_size(chosen, fs)
    samples = _stack(chosen, fs, units, answers)
    _check_length(samples.shape[1] / fs, modality)
    leads = tuple(str(item.lead) for item in chosen)
    remark = ", ".join(dict.fromkeys(said for said in (*remarks, rate_remark) if said))
    return Assembled(modality, Trace(samples, leads, float(fs), units), tuple(rows), remark)


def check_announced(n_samples: float, n_channels: int, fs: float) -> None:
    """Raise IntakeError where a header announces more than is ever read, before memory is spent on it."""
    if n_samples < 0 or n_samples * n_channels > SAMPLE_LIMIT:
        raise IntakeError(
            f"The header announces {n_samples * n_channels:,.0f} samples and the limit is {SAMPLE_LIMIT:,}: "
            "cut out the part that matters, or check the header for damage."
        )
    if fs > 0 and n_samples / fs > MAX_DURATION_S:
        raise IntakeError(
            f"The recording lasts {n_samples / fs / 3600:,.0f} h and the limit is {MAX_DURATION_S / 3600:.0f} h: "
            "cut out the part that matters."
        )


def _choose(channels: Sequence[Channel], answers: Answers) -> tuple[Modality, list[Channel], list[str]]:
    """Pick the channels of one modality, in canonical order, with what has to be said of them."""
    ecg = _directly([c for c in channels if c.lead in ECG_LEADS])
    generic = [c for c in channels if c.lead == GENERIC_ECG]
    ppg = sorted((c for c in channels if c.lead == PPG_LEAD), key=lambda c: c.rank)
    if not ecg and not ppg and not generic and any(c.trend for c in channels):
        raise IntakeError(
            "The channel that is named like a wave is in a unit of rates or trend values, such as bpm: export the "
            "ECG or the pulse wave itself."
        )
    modality = _modality(bool(ecg or generic), bool(ppg), answers)
    if modality == "ppg":
        return "ppg", ppg[:1], [ppg[0].remark]
    left_out = [f"{c.remark} and is left out" for c in generic if c.remark and ecg]
    if not ecg:
        left_out = [f"{generic[0].remark or 'lead not named'}, taken as {UNNAMED_LEAD}"]
        ecg = [replace(generic[0], lead=UNNAMED_LEAD, remark="")]
    doubled = [lead for lead, count in Counter(c.lead for c in ecg).items() if count > 1]
    if doubled:
        raise IntakeError(
            f"The file holds lead {doubled[0]} {sum(c.lead == doubled[0] for c in ecg)} times, so it is open "
            "which one is meant: "
            "export it with each lead once."
        )
    ordered = sorted(ecg, key=lambda c: ECG_LEADS.index(str(c.lead)))
    return "ecg", ordered, [c.remark for c in ordered] + left_out


def _directly(channels: list[Channel]) -> list[Channel]:
    """Leave out leads that are turned over where the file has them upright too."""
    upright = {c.lead for c in channels if c.rank == 0}
    return [c for c in channels if c.rank == 0 or c.lead not in upright]


def _at_answered_rate(channels: list[Channel], answers: Answers) -> tuple[list[Channel], str]:
    """Return the channels at the rate that the user stated, which wins over the file's; slower ones in proportion."""
    fastest = max(c.fs for c in channels)
    if answers.fs is None or answers.fs == fastest:
        return channels, ""
    if not np.isfinite(answers.fs) or answers.fs <= 0:
        raise IntakeError(
            f"The sampling rate {answers.fs:g} Hz is not a positive number: give the number of samples per second."
        )
    said = f"rate as stated, the file says {fastest:.4g} Hz" if abs(fastest / answers.fs - 1) > SAME_RATE else ""
    return [replace(c, fs=c.fs * answers.fs / fastest) for c in channels], said


def _modality(has_ecg: bool, has_ppg: bool, answers: Answers) -> Modality:
    if not has_ecg and not has_ppg:
        raise IntakeError(
            "None of the file's channels is named as an ECG lead (I, II, III, aVR, aVL, aVF, V1–V6) or a pulse "
            "wave (PPG): "
            "name the channels and export it again."
        )
    if has_ecg and has_ppg and answers.modality not in ("ecg", "ppg"):
        raise QuestionError(
            "The file holds an ECG and a PPG, and one of them is searched at a time: say which one is meant.",
            field="modality",
            choices=("ecg", "ppg"),
        )
    wanted = answers.modality
    if (wanted == "ecg" and not has_ecg) or (wanted == "ppg" and not has_ppg):
        raise IntakeError(
            f"The file holds no {str(wanted).upper()} channel, which was asked for: choose the other modality."
        )
    if wanted in ("ecg", "ppg"):
        return "ecg" if wanted == "ecg" else "ppg"
    return "ecg" if has_ecg else "ppg"


def _check_rate(fs: float, modality: str) -> None:
    low, high = spec_of(modality).fs_range
    if not low <= fs <= high:
        raise IntakeError(
            f"The sampling rate is {fs:g} Hz and {modality.upper()} recordings between {low:g} and {high:g} Hz "
            "are read: "
            "check the rate, or export the waveform instead of trend values."
        )


def _without_gaps(channels: list[Channel], partial: bool) -> tuple[list[Channel], list[IdentityRow]]:
    """Drop leads without any sample; refuse (or, if partial, drop) those with more than MISSING_LIMIT missing."""
    shares = [_missing_share(c.samples) for c in channels]
    worst = [(share, c) for share, c in zip(shares, channels, strict=True) if MISSING_LIMIT < share < 1.0]
    kept = [c for share, c in zip(shares, channels, strict=True) if share <= MISSING_LIMIT]
    if all(share == 1.0 for share in shares):
        raise IntakeError("The recording holds no sample at all, only missing values: export it again.")
    if worst and not (partial and kept):
        share, item = max(worst, key=lambda pair: pair[0])
        raise IntakeError(
            f"In {item.lead} {share:.0%} of the samples are missing and at most {MISSING_LIMIT:.0%} may be: "
            "export a stretch that is complete, or leave that channel out."
        )
    rows = [
        IdentityRow(c.position, "removed", f"{share:.0%} of the samples are missing")
        for share, c in zip(shares, channels, strict=True)
        if share > MISSING_LIMIT
    ]
    return kept, rows


def _common_units(channels: Sequence[Channel], modality: Modality, answers: Answers) -> Units:
    """Return the unit of the trace: mV where every channel is calibrated, else what the user answered."""
    known = {scale[0] if (scale := scale_of(c.units)) else None for c in channels}
    if modality == "ppg":
        return "sd" if known == {"sd"} or answers.units == "sd" else "au"
    if len(known) == 1 and None not in known:
        unit = known.pop()
        return "mV" if unit == "mV" else ("sd" if unit == "sd" else "au")
    answer = scale_of(answers.units or "")
    if answer is not None and known <= {None, answer[0]}:
        return "mV" if answer[0] == "mV" else ("sd" if answer[0] == "sd" else "au")
    if known - {None} and len(known) > 1 and answer is not None:
        raise IntakeError(
            "The leads are in different units that cannot be brought to one: export all leads in mV or uV."
        )
    raise QuestionError(
        "The file does not say in which unit the ECG is stored: choose mV, uV, au (arbitrary) or sd (scaled to "
        "its own spread).",
        field="units",
        choices=UNIT_CHOICES,
    )


def _check_size(channels: Sequence[Channel], fs: float) -> None:
    check_announced(max(c.samples.size / c.fs for c in channels) * fs, len(channels), fs)


def _stack(channels: Sequence[Channel], fs: float, units: Units, answers: Answers) -> np.ndarray:
    """Return (leads, n) float32 at `fs`, in `units`; slower channels are resampled to the fastest."""
    rows = []
    for item in channels:
        scale = (scale_of(item.units) or scale_of(answers.units or "") or ("au", 1.0)) if units == "mV" else ("au", 1.0)
        values = np.where(np.isfinite(item.samples), item.samples, np.nan) * scale[1]
        if np.nanmax(np.abs(values), initial=0.0) > np.finfo(np.float32).max / 1e6:
            raise IntakeError("The recording holds values too large to be a measurement: check the file for damage.")
        rows.append(resample(values, item.fs, fs))
    n = min(row.size for row in rows)
    return np.ascontiguousarray(np.stack([row[:n] for row in rows]), dtype=np.float32)


def _check_length(duration_s: float, modality: str) -> None:
    if duration_s < spec_of(modality).shortest_s - 1e-6:
        kind = "an ECG" if modality == "ecg" else "a PPG"
        raise IntakeError(
            f"The recording lasts {duration_s:.3g} s and at least {spec_of(modality).shortest_s:g} s are needed for "
            f"{kind}: export a longer stretch."
        )


def _missing_share(samples: np.ndarray) -> float:
    return float(np.mean(~np.isfinite(samples))) if samples.size else 1.0
