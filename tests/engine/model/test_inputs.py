"""What goes into the encoders: geometry, rates, scales, missing leads and gaps."""

import numpy as np
import pytest
import torch

from engine.model import cxr, ecg, ppg
from engine.model.models import EcgEncoder, FilmEncoder
from engine.model.trunk import features, film_features
from engine.study import ECG_LEADS, Film, Trace
from engine.training.encoders import augment
from engine.training.encoders.pretrain import mask_spans, pulse_period


def wave(fs: float, seconds: float = 10, leads: int = 12, hz: float = 1.2) -> np.ndarray:
    time = np.arange(int(fs * seconds)) / fs
    return np.stack([(i + 1) * 0.1 * np.sin(2 * np.pi * hz * time) ** 15 for i in range(leads)]).astype(np.float32)


def test_the_same_heart_at_any_rate_gives_the_same_input():
    at_500 = ecg.prepare(Trace(wave(500), ECG_LEADS, 500, "mV"))
    at_100 = ecg.prepare(Trace(wave(100), ECG_LEADS, 100, "mV"))
    assert at_500["x"].shape == (12, 1000)
    assert np.corrcoef(at_500["x"][3, 50:-50], at_100["x"][3, 50:-50])[0, 1] > 0.995
    assert np.allclose(at_500["amplitude"], at_100["amplitude"], atol=0.03)


def test_amplitude_is_known_only_in_millivolts_and_leads_keep_their_place():
    lead = Trace(wave(100, leads=1), ("V2",), 100, "sd")
    inputs = ecg.prepare(lead)
    row = ECG_LEADS.index("V2")
    assert inputs["flags"][row] == 1 and inputs["flags"].sum() == 1 and not inputs["amplitude"].any()
    assert inputs["x"][row].std() == pytest.approx(1, abs=0.01) and not np.delete(inputs["x"], row, 0).any()


def test_gaps_are_bridged_and_a_flat_lead_counts_as_absent():
    samples = wave(100)
    samples[0, 300:320] = np.nan
    samples[5] = 0
    inputs = ecg.prepare(Trace(samples, ECG_LEADS, 100, "mV"))
    assert np.isfinite(inputs["x"]).all() and inputs["flags"][5] == 0 and inputs["flags"][17] == 0


def test_short_pulse_waves_are_padded_and_say_so():
    inputs = ppg.prepare(Trace(wave(1000, 2.1, 1), ("PPG",), 1000, "au"))
    assert inputs["x"].shape == (1, 1250) and inputs["length"] == pytest.approx(0.21, abs=0.002)
    assert not inputs["x"][0, 270:].any()


def test_a_film_is_centred_in_a_square_and_stretched():
    pixels = np.zeros((100, 200), np.uint16)
    pixels[:, 100:] = 1000
    prepared = cxr.prepare(Film(pixels, 12))
    assert prepared.shape == (224, 224) and prepared.min() == 0 and prepared.max() == 1
    assert not prepared[:54].any() and prepared[112, 200] == pytest.approx(1) and prepared[112, 20] == pytest.approx(0)


def test_trunk_features_are_kept_for_the_film_and_equal_to_the_batch():
    film = Film((np.random.default_rng(0).random((256, 240)) * 255).astype(np.uint8), 8)
    assert np.allclose(features(film), film_features(cxr.prepare(film)[None])[0], atol=1e-4)
    assert features(film).shape == (768,)


def test_film_encoder_from_tokens_equals_from_pixels():
    encoder = FilmEncoder().start_from_trunk().eval()
    x = torch.rand(1, 1, 224, 224, generator=torch.Generator().manual_seed(0))
    from engine.model.trunk import load_trunk, lower

    with torch.no_grad():
        assert torch.allclose(encoder(x), encoder(tokens=lower(load_trunk(), x)), atol=1e-4)
    with pytest.raises(TypeError):
        encoder()


def test_dropping_leads_never_drops_all_and_keeps_a_single_one():
    batch = {"x": torch.ones(64, 12, 10), "amplitude": torch.ones(64, 12), "flags": torch.ones(64, 24)}
    batch["flags"][0, 1:12] = 0
    out = augment.drop_leads(batch, torch.Generator().manual_seed(0), share=1.0)
    assert (out["flags"][:, :12].sum(1) >= 1).all() and out["flags"][0, 0] == 1
    assert ((out["x"].abs().sum(2) > 0) == (out["flags"][:, :12] > 0))[1:].all()


def test_patches_drop_but_the_class_token_stays_first():
    tokens = torch.arange(257.0).view(1, 257, 1).expand(2, -1, 4)
    kept = augment.drop_patches(tokens, 0.4, torch.Generator().manual_seed(0))
    assert kept.shape == (2, 1 + 102, 4) and (kept[:, 0] == 0).all() and len(set(kept[0, :, 0].tolist())) == 103


def test_pulse_period_and_hidden_spans_follow_the_pulse():
    x = torch.from_numpy(wave(125, 10, 1, hz=1.0))[None]
    period = pulse_period(x, 125)
    assert abs(int(period[0]) - 62.5) < 64 and int(period[0]) in (62, 63, 125)
    masked = mask_spans(4, 125, torch.full((4,), 10), 0.4, torch.Generator().manual_seed(0))
    assert masked.shape == (4, 125) and 0.15 < masked.float().mean() < 0.45


def test_missing_leads_change_little_when_their_place_is_zero():
    encoder = EcgEncoder().eval()
    full = ecg.prepare(Trace(wave(100), ECG_LEADS, 100, "mV"))
    batch = {name: torch.from_numpy(np.asarray(value)[None]) for name, value in full.items()}
    with torch.no_grad():
        assert encoder(**batch).shape == (1, encoder.features) and torch.isfinite(encoder(**batch)).all()
