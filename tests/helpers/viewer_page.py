"""Recordings with known signals, and a page that draws one of them in the viewer: `streamlit run` this file."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine.study import ECG_LEADS, Study, Trace

FS = 500.0
FIRST_S, EVERY_S, HEIGHT_MV = 0.5, 0.8, 1.0  # of the spikes, a beat each
WAVE_S, WAVE_MV = 0.3, 0.25  # of the hump after each
ASYSTOLE_S = (140.0, 150.0)
SEARCHED_S = (200.0, 210.0)


def spikes(seconds: float = 10.0, leads: tuple[str, ...] = ECG_LEADS, scale: float = 1.0) -> Trace:
    """An ECG with a spike of known height at known times in every lead, each with a hump after it."""
    at = np.arange(round(seconds * FS)) / FS
    after = (at - FIRST_S) % EVERY_S
    before = EVERY_S - after
    spike = np.clip(1 - np.minimum(after, before) / 0.02, 0, 1)
    row = HEIGHT_MV * spike + WAVE_MV * np.exp(-(((after - WAVE_S) / 0.03) ** 2))
    row[(at > ASYSTOLE_S[0]) & (at < ASYSTOLE_S[1])] = 0.0
    return Trace((np.stack([row] * len(leads)) * scale).astype(np.float32), leads, FS, "mV")


def pulse(seconds: float, fs: float = 125.0) -> Trace:
    """A pulse at 80 per minute."""
    at = np.arange(int(seconds * fs)) / fs
    wave = np.sin(2 * np.pi * at / 0.75) + 0.3 * np.sin(4 * np.pi * at / 0.75 + 1)
    return Trace(wave[None].astype(np.float32), ("PPG",), fs, "au")


def study(trace: Trace, window: tuple[float, float] | None = None) -> Study:
    """A study of a trace that nothing else is known of."""
    modality = "ppg" if trace.leads == ("PPG",) else "ecg"
    return Study(modality, trace, "recording", window_s=window, fingerprint=f"{trace.samples.sum():.3f}".rjust(64, "0"))


def _page() -> None:
    from pages.shared import viewer
    from pages.shared.viewer import Panel

    st.set_page_config(layout="wide")
    wanted, height = st.query_params.get("show", "ecg"), "calc(100vh - 120px)"
    if wanted == "ecg":
        values = np.zeros((12, 5000))
        values[:, 500:900], values[:, 2000:2200] = 1.0, -1.0
        viewer.draw(study(spikes()), key="one", height=height, overlay=values, overlay_text="A map.")
    elif wanted == "pair":
        panels = [Panel(study(spikes(scale=scale)), title) for scale, title in ((1.0, "Query"), (0.5, "Match"))]
        viewer.draw_pair(panels[0], panels[1], key="two", height=height)
    elif wanted == "long":
        viewer.draw(study(spikes(300.0, ("II", "V5")), SEARCHED_S), key="long", height=height)
    else:
        viewer.draw(study(pulse(60.0), (20.0, 30.0)), key="pulse", height="500px")


if __name__ == "__main__":
    _page()
