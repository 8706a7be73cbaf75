"""Inputs that were misread once: each with its right value, and siblings of its kind made here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from helpers.recording_files import signals

from engine.errors import IntakeError, QuestionError
from engine.intake import Answers, Upload, read, read_paths
from engine.study import ECG_LEADS, Study


@dataclass(frozen=True)
class Right:
    """What a case has to be read as.

    fs      : Hz
    said    : words of the phrase
    mv      : smallest and largest sample
    missing : how many samples are NaN
    """

    file: str
    leads: tuple[str, ...]
    fs: float = 500
    said: str = ""
    mv: tuple[float, float] = (-0.165, 1.405)
    missing: int = 0
    answers: Answers = field(default_factory=Answers)


CHEST = tuple(f"V{i}" for i in range(1, 7))
READ = {
    "csv-apple-avg-hr-before-rate": Right("ecg.csv", ("I",), 512, mv=(-0.115, 0.915)),
    "csv-apple-comma": Right("ecg.csv", ("I",), 512, mv=(-0.115, 0.915)),
    "csv-beside-bad-header": Right("good.csv", ("I", "II")),
    "csv-beside-same-stem-record": Right("100.csv", ("I", "II")),
    "csv-ecg-paren-lead": Right("e.csv", ("V5",), mv=(-0.298, 2.112), answers=Answers(units="mV")),
    "csv-fs-answer-overrides": Right("e.csv", ("I", "II"), answers=Answers(fs=500)),
    "csv-minus-avr": Right("e.csv", ECG_LEADS[:6], said="−aVR turned over", mv=(-1.132, 1.405)),
    "csv-missing-32768": Right("e.csv", ("II",), missing=200),
    "csv-preamble-heart-rate": Right("e.csv", ("I", "II")),
    "csv-preamble-low-pass": Right("e.csv", ("I", "II"), answers=Answers(fs=500)),
    "csv-quoted-comma": Right("e.csv", ("I", "II")),
    "csv-shimmer3": Right("Session1_Shimmer_B64E_Calibrated_SD.csv", ("I", "II"), 256, mv=(-0.165, 1.399)),
    "dcm-4-groups-3x4": Right("e.dcm", ECG_LEADS, said="4 of 4 groups read side by side", mv=(-1.64, 2.047)),
    "dcm-8-rhythm-12-median": Right("e.dcm", ("I", "II", *CHEST), said="10 s, group 1 of 2", mv=(-1.66, 2.112)),
    "dcm-loinc-codes": Right("e.dcm", ECG_LEADS, mv=(-1.66, 2.112)),
    "dcm-private-code": Right("e.dcm", ECG_LEADS, mv=(-1.66, 2.112)),
    "dcm-sample-skew": Right("e.dcm", ECG_LEADS, said="skew between channels", mv=(-1.66, 2.112), missing=330),
    "edf-label-ECG_2": Right("a.edf", ("II",), said="lead not named, taken as II"),
    "edf-label-ECG_L": Right("a.edf", ("II",), said="lead not named, taken as II"),
    "edf-label-ECG_V5-RA": Right("a.edf", ("II",), said="V5-RA is no standard lead, taken as II"),
    "edf-label-EKG1-EKG2": Right("a.edf", ("II",), said="EKG1-EKG2 is no standard lead, taken as II"),
    "edf-utf8-micro": Right("a.edf", ("II",)),
    "wfdb-segments-units": Right("m.hea", ("II",)),
    "wfdb-segments-units-answered": Right("m.hea", ("II",), answers=Answers(units="mV")),
}
REFUSED = {
    "biosppy-label-ignored": ("ecg.txt", "unit"),
    "csv-preamble-sample-count-only": ("e.csv", "no time column"),
    "csv-sample-index-as-time": ("e.csv", "may count samples"),
    "edf-pulse-rate": ("a.edf", "bpm"),
}


@pytest.mark.parametrize("case", READ)
def test_a_case_is_read_rightly(recordings: Path, case: str) -> None:
    right = READ[case]
    study = read_paths([recordings / "cases" / case / right.file], right.answers)
    samples = study.trace.samples
    assert (study.trace.leads, study.trace.fs, study.trace.units) == (right.leads, right.fs, "mV")
    assert right.said in study.recognised
    assert (np.nanmin(samples), np.nanmax(samples)) == pytest.approx(right.mv, abs=1e-3)
    assert np.isnan(samples).sum() == right.missing


@pytest.mark.parametrize("case", REFUSED)
def test_a_case_that_leaves_something_open_is_a_sentence(recordings: Path, case: str) -> None:
    file, word = REFUSED[case]
    with pytest.raises(IntakeError, match=word):
        read_paths([recordings / "cases" / case / file])


def test_limb_leads_agree_with_each_other_after_sign_and_skew(recordings: Path) -> None:
    for case in ("csv-minus-avr/e.csv", "dcm-sample-skew/e.dcm"):
        i, ii, iii, avr = read_paths([recordings / "cases" / case]).trace.samples[:4]
        assert np.nanmax(np.abs(ii - i - iii)) < 0.006, case
        assert np.nanmax(np.abs(avr + (i + ii) / 2)) < 0.006, case


def test_one_ecg_in_three_formats_is_the_same_trace(recordings: Path) -> None:
    names = ("dicom_ecg_500hz_with_median_beat.dcm", "aecg_example_same_as_scp_and_dicom.xml", "scp_ecg_example.scp")
    first, *others = (read_paths([recordings / "uploads" / name]).trace for name in names)
    assert not np.isnan(first.samples).any()
    for other in others:
        assert (other.leads, other.fs) == (first.leads, first.fs)
        np.testing.assert_allclose(other.samples, first.samples, atol=0.0026)


# ---- siblings ---------------------------------------------------------------------------------------------------

X = signals(3, fs=500, seconds=6)
N = len(X)


def table(header: str, *columns: list[str], above: str = "", sep: str = ",") -> bytes:
    return (above + header + "\n" + "\n".join(sep.join(row) for row in zip(*columns, strict=True)) + "\n").encode()


def cells(values: np.ndarray, decimals: int = 4) -> list[str]:
    return [f"{value:.{decimals}f}" for value in values]


def taken_in(data: bytes, **answers: object) -> Study:
    return read([Upload("x.csv", data)], Answers(**answers))


@pytest.mark.parametrize(
    ("lines", "fs"),
    [
        ("# Heart rate: 72 bpm, sampling rate: 500 Hz\n", 500),
        ("# Ventricular rate,75\n# Samples per second: 500\n", 500),
        ("# Low pass: 150 Hz; high pass: 0.05 Hz; fs = 0.5 kHz\n", 500),
        ("# Pulse rate: 64\n# Sampling interval: 2 ms\n", 500),
        ("# Baud rate: 115200\n# 2 msec/sample\n", 500),
        ("# Frequency: 500 Hz\n", 500),
        ("# Sampling frequency: 1,000 Hz\n", 1000),
        ("# Sampling interval 1/500 s\n", 500),
        ("# Oversampling rate: 32 kHz, sampling rate: 500 Hz\n", 500),
        ("# Frecuencia de muestreo: 500\n", 500),
        ("# Sample rate: 32 Hz (ACC)\n# Sample rate: 500 Hz (ECG)\n", 500),
    ],
)
def test_the_rate_comes_from_what_states_the_sampling_rate(lines: str, fs: float) -> None:
    assert taken_in(table("II (mV)", cells(X[:, 0]), above=lines)).trace.fs == fs


@pytest.mark.parametrize(
    "lines",
    [
        "# Heart rate: 72\n",
        "# Filter: 0.5-40 Hz\n",
        "# Number of samples: 2000\n",
        "# Frequency: 50 Hz\n",
        "# Sampling rate: 500 Hz\n# Resampled, sampling rate: 250 Hz\n",
        "# Rate: 72\n",
    ],
)
def test_any_other_rate_is_asked_for_and_the_answer_counts(lines: str) -> None:
    data = table("II (mV)", cells(X[:, 0]), above=lines)
    with pytest.raises(QuestionError) as caught:
        taken_in(data)
    assert caught.value.field == "fs"
    assert taken_in(data, fs=400).trace.fs == 400


def test_an_answered_rate_wins_over_the_time_column_and_is_said() -> None:
    data = table("time (s),II (mV)", cells(np.arange(N) / 250), cells(X[:, 0]))
    study = taken_in(data, fs=500)
    assert study.trace.fs == 500
    assert "the file says 250 Hz" in study.recognised


def test_time_columns_that_contradict_each_other_are_asked_about() -> None:
    for times, fs in ((np.arange(N) / 500, None), (np.arange(N) / 250, 500)):
        columns = cells(1000 * times, 1), cells(np.arange(N) / 500), cells(X[:, 0])
        data = table("timestamp [ms],time [s],II (mV)", *columns)
        if fs is None:
            assert taken_in(data).trace.fs == 500
        else:
            with pytest.raises(QuestionError, match="250 Hz and 500 Hz"):
                taken_in(data)


def test_one_column_that_names_no_signal_is_asked_about() -> None:
    data = table("time (s),Voltage (mV)", cells(np.arange(N) / 500), cells(X[:, 0]))
    with pytest.raises(QuestionError) as asked:
        taken_in(data)
    assert asked.value.field == "modality"
    assert taken_in(data, modality="ecg").recognised.endswith("lead not named, taken as II")


def test_a_header_cell_may_go_over_lines() -> None:
    data = table('"time\n(s)","I\n(mV)","II\n(mV)"', cells(np.arange(N) / 500), cells(X[:, 0]), cells(X[:, 1]))
    trace = taken_in(data).trace
    assert (trace.leads, trace.fs, trace.units) == (("I", "II"), 500, "mV")
    np.testing.assert_allclose(trace.samples, X[:, :2].T, atol=1e-4)


def test_a_stated_rate_that_contradicts_the_time_column_is_asked_for() -> None:
    data = table("time (s),II (mV)", cells(np.arange(N) / 250), cells(X[:, 0]), above="# Sampling rate: 500 Hz\n")
    with pytest.raises(QuestionError, match="250 Hz"):
        taken_in(data)


def test_a_count_of_samples_is_placed_at_the_stated_rate() -> None:
    kept = np.r_[0:700, 720:N]
    columns = [str(i) for i in kept], cells(X[kept, 0])
    samples = taken_in(table("time,II (mV)", *columns, above="# fs: 500 Hz\n")).trace.samples
    assert samples.shape == (1, N)
    assert np.isnan(samples[0, 700:720]).all()
    np.testing.assert_allclose(samples[0, 720:], X[720:, 0], atol=1e-4)


@pytest.mark.parametrize(
    "sign",
    ["-32768", "32767", "-999", "-9999", "NaN", "null", "#N/A", "-2147483648", "", "-1000000000", "9999.99", "1e31"],
)
def test_a_sign_for_a_missing_sample_is_a_gap(sign: str) -> None:
    column = cells(X[:, 0] * 100, 1)
    column[40:60] = [sign] * 20
    samples = taken_in(table("time (s),II (uV)", cells(np.arange(N) / 500), column)).trace.samples
    assert np.isnan(samples[0]).nonzero()[0].tolist() == list(range(40, 60))


@pytest.mark.parametrize("above", ["# fs: 500\nII (mV)\n", "ecg.acq\n2 msec/sample\n1 channels\nECG II\nmV\nCH1\n"])
def test_the_number_of_samples_above_them_is_no_sample(above: str) -> None:
    samples = taken_in(f"{above}{N}\n{table('', cells(X[:, 0])).decode().lstrip()}".encode()).trace.samples
    np.testing.assert_allclose(samples[0], X[:, 0], atol=1e-4)


def test_channels_that_acqknowledge_lists_above_its_columns() -> None:
    listed = "a.acq\n2 msec/sample\n2 channels\nECG LEAD I\nmV\nECG LEAD II\nuV\n"
    time = [f"{x:.8f}" for x in np.arange(N) / 500 / 60]
    ended = [""] * N  # a comma ends every line
    data = table(f"min,CH1,CH2,\n,{N},{N},", time, cells(X[:, 0]), cells(X[:, 1] * 1000, 1), ended, above=listed)
    trace = taken_in(data).trace
    assert (trace.leads, trace.fs) == (("I", "II"), 500)
    np.testing.assert_allclose(trace.samples, X[:, :2].T, atol=1e-4)


def test_columns_that_opensignals_describes_above_them() -> None:
    device = '{"sampling rate": 500, "label": ["A1"], "sensor": ["ECG"], "column": ["nSeq", "I1", "A1"]}'
    above = f'# OpenSignals Text File Format\n# {{"00:07": {device}}}\n# EndOfHeader'
    data = table(above, [str(i % 16) for i in range(N)], ["0"] * N, cells(X[:, 0] * 200 + 512, 0), sep="\t")
    assert taken_in(data, units="au").recognised == "TSV, lead II, 500 Hz, 6 s, lead not named, taken as II"


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("'Time and date','II'\n'hh:mm:ss.mmm dd/mm/yyyy','mV'\n", "'[10:00:{0:06.3f} 13/01/2020]',{1:.4f}"),
        ("Time and date|patient|II (mV)\n", "[10:00:{0:06.3f} 13/01/2020]|Jane Roe|{1:.4f}"),
        ("   time     II (mV)\n", "{0:8.3f} {1:9.4f}"),
        ("   time     II\n    (s)    (mV)\n", "{0:8.3f} {1:9.4f}"),
        ("time,II\n(s),(mV)\n", "{0:.3f},{1:.4f}"),
        ("'time (s)','II (mV)'\n", "'{0:.3f}','{1:.4f}'"),
        ("time,II (mV)\n", "{2:.10f},{1:.4f}"),
    ],
)
def test_headers_and_times_of_other_programs(header: str, form: str) -> None:
    rows = [form.format(i / 500, X[i, 0], 45000.5 + i / 500 / 86400) for i in range(N)]
    trace = taken_in((header + "\n".join(rows)).encode()).trace
    assert (trace.leads, trace.fs) == (("II",), 500)
    np.testing.assert_allclose(trace.samples[0], X[:, 0], atol=1e-4)


def test_lines_above_a_table_with_a_delimiter_at_every_end() -> None:
    data = table("Name,Roe\nLead,II\nUnit,uV\nSample Rate,500 hertz\n", [f"{x:.1f}," for x in X[:, 0] * 1000])
    np.testing.assert_allclose(taken_in(data).trace.samples[0], X[:, 0], atol=1e-4)


def test_one_column_with_its_unit_below_its_label_and_signs_of_minus_in_its_exponents() -> None:
    texts = [f"{x:.5e}".replace("-", "\u2212") for x in X[:, 0]]
    trace = taken_in(table("II;\nmV;", [f"{text};" for text in texts]), fs=500).trace
    assert trace.units == "mV"
    np.testing.assert_allclose(trace.samples[0], X[:, 0], atol=1e-4)


def test_points_between_thousands_beside_decimal_points_are_one_sentence() -> None:
    texts = [f"{x:,.0f}".replace(",", ".") for x in X[:, 0] * 9000]
    np.testing.assert_allclose(taken_in(table("II (uV)", texts), fs=500).trace.samples[0], X[:, 0] * 9, atol=1e-3)
    with pytest.raises(IntakeError, match="contradict"):
        taken_in(table("time (s),II (uV)", cells(np.arange(N) / 500), texts))


def test_a_spreadsheets_error_at_the_start_of_a_line_is_a_missing_sample() -> None:
    column = cells(X[:, 0])
    column[40:43], column[-2:] = ["#N/A", "#VALUE!", "#DIV/0!"], ["#N/A"] * 2
    samples = taken_in(table("II (mV)", column), fs=500).trace.samples
    assert np.isnan(samples[0]).nonzero()[0].tolist() == [40, 41, 42, N - 2, N - 1]


def test_a_true_extreme_sample_is_none() -> None:
    wave = np.rint(X[:, 0] / np.abs(X[:, 0]).max() * 32768).clip(-32768, 32767)
    samples = taken_in(table("time (s),II (uV)", cells(np.arange(N) / 500), cells(wave, 0))).trace.samples
    assert not np.isnan(samples).any()


@pytest.mark.parametrize("style", ["{:,.1f}", "de", "ch", "space"])
def test_thousands_are_grouped_in_several_ways(style: str) -> None:
    texts = [f"{value:,.1f}" for value in X[:, 0] * 9000]
    swaps = {"de": (",.", ".,"), "ch": (",", "'"), "space": (",", "\u202f")}
    texts = [text.translate(str.maketrans(*swaps[style])) for text in texts] if style in swaps else texts
    time = [text.replace(".", "," if style == "de" else ".") for text in cells(np.arange(N) / 500)]
    samples = taken_in(table("time (s);II (uV)", time, texts, sep=";")).trace.samples
    np.testing.assert_allclose(samples[0], X[:, 0] * 9, atol=1e-4)


def test_commas_that_may_be_both_are_said_or_refused() -> None:
    pairs = [f"{20 + i % 7},{100 + i % 800}" for i in range(N)]
    with pytest.raises(IntakeError, match="commas"):
        taken_in("\n".join(pairs).encode(), modality="ppg", fs=500)
    told = taken_in(table("PPG", [f'"{text}"' for text in pairs], above="# fs: 500 Hz\n"))
    assert "commas read as decimal signs" in told.recognised


def test_decimal_commas_between_commas_are_one_sentence() -> None:
    with pytest.raises(IntakeError, match="semicolons"):
        taken_in(table("I (mV),II (mV)", *(cells(x).copy() for x in X[:, :2].T)).replace(b".", b","), fs=500)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_encodings_of_a_spreadsheet(encoding: str) -> None:
    data = table("time (s);II (mV)", cells(np.arange(N) / 500), cells(X[:, 0]), sep=";").decode()
    assert taken_in(("sep=;\r\n" + data).encode(encoding)).trace.leads == ("II",)


def test_leads_that_are_there_twice_are_read_upright() -> None:
    time = cells(np.arange(N) / 500)
    study = taken_in(table("time (s),aVR (mV),-aVR (mV)", time, cells(X[:, 0]), cells(-X[:, 0])))
    np.testing.assert_allclose(study.trace.samples[0], X[:, 0], atol=1e-4)


def test_a_pair_of_no_standard_lead_beside_others_is_left_out_and_said() -> None:
    header = "time (s),Shimmer_B64E_ECG_LL-RA_24BIT_CAL (mV),Shimmer_B64E_ECG_Vx-RL_24BIT_CAL (mV)"
    study = taken_in(table(header, cells(np.arange(N) / 500), cells(X[:, 0]), cells(X[:, 1])))
    assert study.trace.leads == ("II",)
    assert "VX-RL is no standard lead and is left out" in study.recognised


def test_a_row_with_more_cells_and_a_cell_that_is_no_number_are_sentences() -> None:
    good = table("time (s),II (mV)", cells(np.arange(N) / 500), cells(X[:, 0])).decode().splitlines()
    for line, word in (("0.1000,0.1,0.2", "different numbers"), ("0.1000,0.1x", "neither a number")):
        with pytest.raises(IntakeError, match=word):
            taken_in("\n".join([*good[:900], line, *good[900:]]).encode())
