"""What the page says of a signal."""

from __future__ import annotations

from engine.monitor.gather import COLLECTION, EARLIER, OWN, STATED
from engine.monitor.watched import WatchedSignal
from engine.store.alarms import Alarm
from engine.strings import text

OURS = (COLLECTION, OWN, STATED, EARLIER)  # references that have words; the others are names of data sets


def signal(name: str) -> str:
    """Return a signal's name."""
    return text(f"watch.signal_{name.replace(' ', '_')}")


def source(modality: str, name: str) -> str:
    """Return a source's name."""
    return text("watch.from", modality=text(f"modality.{modality}"), source=name)


def reference(name: str) -> str:
    """Return what a signal is compared with."""
    return text(f"watch.reference_{name}") if name in OURS else name


def figure(value: float) -> str:
    """Return a figure of a signal, short."""
    return f"{value:.2f}" if abs(value) < 1 else f"{value:.3g}"


def too_few(one: WatchedSignal) -> str:
    """Return how many queries there are of how many that a window takes."""
    return text("watch.too_few", n=one.waiting, size=one.size)


def said(one: WatchedSignal) -> str:
    """Return one signal in a sentence."""
    if not one.windows:
        return text("watch.said_few", signal=signal(one.signal), n=one.waiting, size=one.size)
    last = one.windows[-1]
    figures = {"value": figure(last.value), "low": figure(last.low), "high": figure(last.high)}
    return text("watch.said", signal=signal(one.signal), **figures)


def alarm(one: Alarm) -> str:
    """Return an alarm in words."""
    usual = {"value": figure(one.value), "low": figure(one.usual_low), "high": figure(one.usual_high)}
    what = text(f"watch.alarm_{one.signal.replace(' ', '_')}")
    about = {"source": source(one.modality, one.source), "n": one.queries, "reference": reference(one.reference)}
    return text("watch.alarm", what=what, **about, **usual)
