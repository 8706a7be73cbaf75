"""CSV and TSV as people export them."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.recording_files import LEADS, signals

from engine.errors import IntakeError, QuestionError
from engine.intake import Answers, Upload, read
from engine.study import Study


def taken_in(text: str | bytes, **answers: object) -> Study:
    return read([Upload("x.csv", text.encode() if isinstance(text, str) else text)], Answers(**answers))


def rows(*columns: np.ndarray, sep: str = ",", decimals: int = 4) -> str:
    return "\n".join(sep.join(f"{value:.{decimals}f}" for value in row) for row in zip(*columns, strict=True)) + "\n"


X = signals(12, fs=200)
T = np.arange(len(X)) / 200


def test_twelve_leads_with_a_time_column() -> None:
    order = [5, 0, 7, 1, 2, 3, 4, 6, 8, 9, 10, 11]
    header = ",".join(["time", *(f"{LEADS[i].lower()} (mV)" for i in order)])
    study = taken_in(header + "\n" + rows(T, *X[:, order].T))
    assert study.recognised == "CSV, 12 leads, 200 Hz, 10 s"
    np.testing.assert_allclose(study.content.samples, X.T, atol=1e-4)


@pytest.mark.parametrize(
    "label", ["II", "ii (mV)", "Lead II [mV]", "ECG II/mV", "MLII_mV", "lead2 (mV)", "ECG_LEAD_II (mV)"]
)
def test_spellings_of_a_lead(label: str) -> None:
    assert taken_in(f"t,{label}\n" + rows(T, X[:, 1]), units="mV").content.leads == ("II",)


@pytest.mark.parametrize("label", ["PPG", "pleth", "Plethysmogram", "IR", "red", "BVP"])
def test_spellings_of_a_pulse_wave(label: str) -> None:
    study = taken_in(f"t,{label}\n" + rows(T, X[:, 1]))
    assert (study.modality, study.content.units) == ("ppg", "au")


def test_of_several_light_sources_infrared_is_taken() -> None:
    study = taken_in("t,red,ir\n" + rows(T, X[:, 0], X[:, 1]))
    np.testing.assert_allclose(study.content.samples[0], X[:, 1], atol=1e-4)


def test_microvolts_become_millivolts() -> None:
    np.testing.assert_allclose(taken_in("t,ecg_uV\n" + rows(T, X[:, 0] * 1000)).content.samples[0], X[:, 0], atol=1e-4)
    assert "taken as II" in taken_in("t,ecg_uV\n" + rows(T, X[:, 0] * 1000)).recognised


@pytest.mark.parametrize(
    ("label", "times"),
    [("time", T), ("t (ms)", T * 1000), ("timestamp", T * 1e9 + 1.6e18), ("elapsed", T * 1000), ("Time [s]", T + 55)],
)
def test_the_time_column_gives_the_rate(label: str, times: np.ndarray) -> None:
    assert taken_in(f"{label},PPG\n" + rows(times, X[:, 0])).content.fs == 200


def test_clock_stamps_give_the_rate() -> None:
    stamps = [f"2024-03-01T10:{int(t) // 60:02d}:{t % 60:06.3f}" for t in T]
    body = "\n".join(f"{stamp},{value:.3f}" for stamp, value in zip(stamps, X[:, 0], strict=True))
    assert taken_in("timestamp,PPG\n" + body).content.fs == 200
    coarse = "\n".join(f"10:15:{int(t):02d},{value:.3f}" for t, value in zip(T, X[:, 0], strict=True))
    assert taken_in("time,PPG\n" + coarse).content.fs == 200


def test_a_clock_that_passes_midnight_goes_on() -> None:
    stamps = [
        f"{int(23 * 3600 + 3595 + t) // 3600 % 24:02d}:{int(3595 + t) // 60 % 60:02d}:{(55 + t) % 60:06.3f}" for t in T
    ]
    body = "\n".join(f"{stamp},{value:.3f}" for stamp, value in zip(stamps, X[:, 0], strict=True))
    assert taken_in("time,PPG\n" + body).content.fs == 200


def test_without_time_the_rate_is_asked_for() -> None:
    with pytest.raises(QuestionError) as caught:
        taken_in("PPG\n" + rows(X[:, 0]))
    assert caught.value.field == "fs"
    assert taken_in("PPG\n" + rows(X[:, 0]), fs=100).content.duration_s == 20


def test_ecg_units_are_asked_for() -> None:
    with pytest.raises(QuestionError) as caught:
        taken_in("t,II\n" + rows(T, X[:, 0]))
    assert (caught.value.field, caught.value.choices) == ("units", ("mV", "uV", "au", "sd"))
    assert taken_in("t,II\n" + rows(T, X[:, 0]), units="sd").content.units == "sd"


@pytest.mark.parametrize("encode", ["utf-8-sig", "utf-16", "latin-1"])
def test_semicolons_decimal_commas_and_encodings(encode: str) -> None:
    text = "Zeit (ms);II (µV);Bemerkung\n" + rows(T * 1000, X[:, 0] * 1000, T, sep=";").replace(".", ",")
    study = taken_in(text.encode(encode))
    np.testing.assert_allclose(study.content.samples[0], X[:, 0], atol=1e-4)


def test_physionet_export_with_a_line_of_units() -> None:
    study = taken_in("'Elapsed time','MLII','V5'\n'seconds','mV','mV'\n" + rows(T, X[:, 0], X[:, 1]))
    assert study.content.leads == ("II", "V5")


def test_watch_export_with_a_preamble() -> None:
    head = 'Name,"Jane Roe"\nDate of Birth,"Jan 1, 1980"\nClassification,Sinus Rhythm\nSample Rate,200 hertz\n\n'
    head += "Lead,Lead I\nUnit,µV\n\n"
    study = taken_in(head + rows(X[:, 0] * 1000))
    assert study.recognised == "CSV, lead I, 200 Hz, 10 s"
    assert "Roe" not in repr(study)


def test_one_unnamed_column_is_asked_for() -> None:
    with pytest.raises(QuestionError) as caught:
        taken_in(rows(X[:, 0]))
    assert (caught.value.field, caught.value.choices) == ("modality", ("ecg", "ppg"))
    assert taken_in(rows(X[:, 0]), modality="ppg", fs=200).modality == "ppg"
    ecg = taken_in("value\n" + rows(X[:, 0]), modality="ecg", fs=200, units="mV")
    assert ecg.recognised == "CSV, lead II, 200 Hz, 10 s, lead not named, taken as II"


def test_wristband_export_with_start_and_rate_on_top() -> None:
    study = taken_in("1587694881.000000\n64.000000\n" + rows(X[:, 0]), modality="ppg")
    assert study.content.fs == 64
    np.testing.assert_allclose(study.content.samples[0], X[:, 0], atol=1e-4)
    assert "1587694881" not in repr(study)


def test_other_columns_are_dropped_and_shown_by_position() -> None:
    body = "\n".join(f"{t:.3f},Jane Roe,{v:.3f},4711" for t, v in zip(T, X[:, 0], strict=True))
    study = taken_in("time,Roe_Jane,II (mV),id\n" + body)
    actions = {row.tag: row.action for row in study.identity}
    assert (actions["column 2"], actions["column 4"], actions["column 3"]) == ("removed", "removed", "kept")
    assert "Roe" not in repr(study)


def test_short_gaps_stay_missing_and_long_ones_are_refused() -> None:
    def with_blanks(every: int) -> str:
        return "\n".join(
            f"{t:.3f},{'' if i % every == 0 else f'{v:.3f}'}" for i, (t, v) in enumerate(zip(T, X[:, 0], strict=True))
        )

    samples = taken_in("t,PPG\n" + with_blanks(10)).content.samples
    assert np.isnan(samples[0, ::10]).all()
    assert np.isnan(samples).mean() == pytest.approx(0.1)
    with pytest.raises(IntakeError, match="33%"):
        taken_in("t,PPG\n" + with_blanks(3))


def test_rows_left_out_of_the_time_column_become_missing_samples() -> None:
    keep = (T < 4) | (T >= 4.5)
    samples = taken_in("t,PPG\n" + rows(T[keep], X[keep, 0])).content.samples
    assert samples.shape == (1, len(T))
    assert np.isnan(samples[0, 800:900]).all()
    np.testing.assert_allclose(samples[0, 900:], X[900:, 0], atol=1e-4)


BAD = {
    "manifest": ("file,modality,age\na.hea,ecg,50\n", "casebind ingest"),
    "no header": (rows(T, X[:, 0]), "no header"),
    "no lead": ("t,hr\n" + rows(T, X[:, 0]), "named"),
    "one column of text": ("word\nhello\nthere\n", "plain text"),
    "twice the same lead": ("t,II (mV),ii (mV)\n" + rows(T, X[:, 0], X[:, 1]), "2 times"),
    "time runs backwards": ("t,PPG\n" + rows(T[::-1], X[:, 0]), "does not increase"),
    "trend values": ("time (s),PPG\n" + rows(np.arange(100.0), X[:100, 0]), "1 Hz"),
    "too short": ("t,PPG\n" + rows(T[:200], X[:200, 0]), "at least 2 s"),
    "all missing": ("t,PPG\n" + "\n".join(f"{t:.3f},nan" for t in T), "only missing"),
    "half the samples left out": ("t,PPG\n" + rows(T[(T < 2) | (T > 8)], X[(T < 2) | (T > 8), 0]), "leaves out"),
    "huge values": ("t,PPG\n" + "\n".join(f"{t:.3f},1e300" for t in T), "too large"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tables_are_one_sentence(case: str) -> None:
    text, word = BAD[case]
    with pytest.raises(IntakeError, match=word) as caught:
        taken_in(text)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
