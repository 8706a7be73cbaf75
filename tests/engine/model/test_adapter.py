"""What an adapted tower reads of films and ECGs beside its encoder, and that it can be taken off again."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.learning.adapter_fit import FittedAdapter
from engine.model import ecg, ppg
from engine.model.adapter import (
    BEATS,
    INDEPENDENT,
    LAGS,
    LINKS,
    SHAPE,
    AdapterLink,
    TowerAdapter,
    beat_and_shape,
    columns_of,
    fields_of,
    mean_beat,
)
from engine.model.heads import Tower
from engine.study import ECG_LEADS, Trace

FS, QRS = 100.0, np.array([-0.1, 0.3, 1.0, -0.4, 0.05])


def beats(weights: dict[str, float], rate: float = 72.0) -> Trace:
    """An ECG of 10 s whose QRS stands in each lead with a weight in mV."""
    samples = np.zeros((12, 1000), np.float32)
    for start in np.arange(40, 960, 60 / rate * FS).astype(int):
        for lead, weight in weights.items():
            samples[ECG_LEADS.index(lead), start : start + len(QRS)] += weight * QRS
    return Trace(samples + 1e-4 * np.random.default_rng(1).normal(size=samples.shape), ECG_LEADS, FS, "mV")


def beat_of(trace: Trace) -> np.ndarray:
    made = ecg.prepare(trace)
    x, amplitude = (torch.from_numpy(made[name])[None] for name in ("x", "amplitude"))
    return mean_beat(x, amplitude).numpy().reshape(len(INDEPENDENT), len(LAGS))


def test_the_mean_beat_has_the_voltages_and_the_direction_of_the_leads():
    found = beat_of(beats({"I": 1.0, "II": 0.5, "V1": -0.8, "V5": 1.5}))
    at_peak = found[:, LAGS.index(0)]
    assert at_peak[0] > 0 > at_peak[2]
    assert at_peak[1] / at_peak[0] == pytest.approx(0.5, abs=0.05)
    assert at_peak[7 - 1] / at_peak[0] == pytest.approx(1.5, abs=0.1)
    assert abs(found[3]).max() < 0.05


def test_the_mean_beat_does_not_depend_on_the_rate_and_lets_gradients_pass():
    slow, fast = (beat_of(beats({"I": 1.0, "II": 0.7}, rate)) for rate in (60.0, 95.0))
    assert np.abs(slow - fast).max() < 0.25 * np.abs(slow).max()
    x = torch.randn(1, 12, 1000, requires_grad=True)
    mean_beat(x, torch.zeros(1, 12)).sum().backward()
    assert x.grad is not None and x.grad.abs().sum() > 0


def shape_of(trace: Trace) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mean beat of an ECG, the same as shares of its height, and how high it is in each lead."""
    made = ecg.prepare(trace)
    found = beat_and_shape(*(torch.from_numpy(made[name])[None] for name in ("x", "amplitude")))[0].numpy()
    beat = len(INDEPENDENT) * len(LAGS)
    return found[:beat], found[beat : 2 * beat], found[2 * beat :]


def test_a_beat_twice_as_high_has_the_same_shape_and_is_as_much_higher_in_every_lead():
    low, high = (shape_of(beats({"I": scale, "II": 0.7 * scale, "V5": 2 * scale})) for scale in (0.4, 0.8))
    assert np.abs(high[0] - 2 * low[0]).max() < 0.1 * np.abs(high[0]).max()
    assert np.abs(high[1] - low[1]).max() < 0.1 * np.abs(low[1]).max()
    with_a_beat = [INDEPENDENT.index(ECG_LEADS.index(lead)) for lead in ("I", "II", "V5")]
    assert (high[2] - low[2])[with_a_beat] == pytest.approx(np.log(2), abs=0.05)
    assert np.isfinite(np.concatenate(shape_of(beats({"I": 1.0})))).all()  # leads without any beat


def test_an_adapter_of_before_beats_shapes_were_read_says_what_it_said():
    beat = len(INDEPENDENT) * len(LAGS)
    adapter = TowerAdapter(beat, 4)
    adapter.load_state_dict({name: torch.randn_like(one) for name, one in adapter.state_dict().items()})
    coarse = torch.randn(3, SHAPE.readers["ecg"].width)
    assert torch.equal(adapter(coarse), adapter(coarse[:, :beat]))


def test_fields_say_where_on_the_film_a_patch_lies():
    tokens = torch.zeros(1, 257, 384)
    tokens[0, 1 + 5 * 16 + 14] = 1.0  # row 5, column 14 of the patches
    where = fields_of(tokens).reshape(16, 384).mean(1)
    assert where.argmax() == 1 * 4 + 3 and (where > 0).sum() == 1 and where[7] == pytest.approx(1 / 16)


def test_what_was_added_can_be_taken_off_again():
    rng = np.random.default_rng(0)
    up = np.linalg.qr(rng.normal(size=(256, 8)))[0].astype(np.float32)
    width = SHAPE.readers["ecg"].width
    down = rng.normal(size=(8, width)).astype(np.float32)
    one = FittedAdapter(np.zeros(width, np.float32), np.ones(width, np.float32), down, up, 1.0)
    z = rng.normal(size=(50, 256)).astype(np.float32)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    coarse = rng.normal(size=(50, width)).astype(np.float32)
    made = one.adapted(z, coarse)
    assert np.linalg.norm(made, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert np.abs((made * z).sum(1)).max() < 0.95
    assert one.plain(made, coarse) == pytest.approx(z, abs=1e-4)


def pulses(delay_s: float, rate: float = 72.0) -> Trace:
    """A pulse wave of 10 s whose beats begin a delay after those of `beats`."""
    at = np.arange(1250) / 125.0
    starts = np.arange(40, 960, 60 / rate * FS).astype(int) / FS + delay_s
    wave = sum(np.where(at > one, (at - one) * np.exp(-(at - one) / 0.12), 0.0) for one in starts)
    return Trace(np.asarray(wave, np.float32)[None], ("PPG",), 125.0, "au")


def spectrum_of(trace: Trace) -> np.ndarray:
    kind = "ppg" if trace.leads == ("PPG",) else "ecg"
    made = (ppg if kind == "ppg" else ecg).prepare(trace)
    inputs = {name: torch.from_numpy(np.asarray(value))[None] for name, value in made.items()}
    return BEATS.readers[kind].of(inputs)[0].numpy()


def test_the_spectrum_of_slopes_says_when_beats_fall_in_ecg_and_pulse_wave_alike():
    heart = spectrum_of(beats({"I": 1.0, "II": 0.7}))
    assert spectrum_of(beats({"I": 0.2, "V4": 1.9})) @ heart > 0.95  # whatever the leads show
    same, other = spectrum_of(pulses(0.02)), spectrum_of(pulses(0.02, rate=58.0))
    assert same @ heart > 0.6 > abs(other @ heart) + 0.3
    later = spectrum_of(pulses(0.42))  # half a beat later: the phase of the rate itself has turned
    assert later @ heart < 0.2


def test_what_an_ecg_is_read_for_stands_apart_by_link():
    spans = [columns_of(link, "ecg") for link in LINKS]
    assert spans[0].start == 0 and spans[0].stop == spans[1].start
    with pytest.raises(KeyError, match="no ppg"):
        columns_of(SHAPE, "ppg")


@pytest.mark.parametrize(
    "links", [(SHAPE,), (BEATS,), (SHAPE, BEATS)], ids=lambda links: "-".join(o.part for o in links)
)
def test_an_adapted_tower_is_rebuilt_from_its_weights_and_asks_for_what_it_reads(links: tuple[AdapterLink, ...]):
    plain = Tower("ecg").eval()
    weights = plain.state_dict()
    for link in links:
        width = link.readers["ecg"].width
        weights |= {f"{link.part}.{name}": one for name, one in TowerAdapter(width, 4).state_dict().items()}
        weights |= {f"{link.part}.down": torch.randn(4, width), f"{link.part}.gain": torch.tensor(0.8)}
        weights[f"{link.part}.up"] = torch.eye(256)[:, :4].contiguous()
    adapted = Tower("ecg", weights=weights).eval()
    adapted.load_state_dict(weights)
    made = ecg.prepare(beats({"I": 1.0, "II": 0.5}))
    inputs = {name: torch.from_numpy(np.asarray(value))[None] for name, value in made.items()}
    with torch.no_grad():
        before, after = plain(**inputs), adapted(**inputs)
        assert after.norm() == pytest.approx(1.0, abs=1e-5) and (before @ after.T).item() < 0.99
        with pytest.raises(TypeError, match="what the features were made of"):
            adapted.project(torch.zeros(1, adapted.encoder.features))
