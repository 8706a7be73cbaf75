"""Whole exports of wearables, as their makers pack them; every signal is made up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
from helpers.recording_files import zipped

APPLE_HZ, E4_HZ, POLAR_HZ, SHIMMER_HZ, FITBIT_HZ = 512, 64, 55, 128, 250
# An Apple Watch names its lines in the language of the phone, in this order.
APPLE_HEADS = {
    "en": (
        *("Name", "Date of Birth", "Recorded Date", "Classification", "Symptoms", "Software Version", "Device"),
        *("Sample Rate,512 hertz", "Lead,Lead I", "Unit,µV", "Sinus Rhythm", "."),
    ),
    "de": (
        *("Name", "Geburtstag", "Aufzeichnungsdatum", "Klassifizierung", "Symptome", "Softwareversion", "Gerät"),
        *("Messrate,512 Hertz", "Ableitung,Ableitung I", "Einheit,µV", "Sinusrhythmus", ","),
    ),
    "fr": (
        *("Nom", "Date de naissance", "Date d’enregistrement", "Classification", "Symptômes", "Version du logiciel"),
        *("Appareil", "Fréquence d’échantillonnage,512 hertz", "Dérivation,Dérivation I", "Unité,µV"),
        *("Rythme sinusal", ","),
    ),
    "es": (
        *("Nombre", "Fecha de nacimiento", "Fecha de registro", "Clasificación", "Síntomas", "Versión del software"),
        *("Dispositivo", "Frecuencia de muestreo,512 hercios", "Derivación,Derivación I", "Unidad,µV"),
        *("Ritmo sinusal", ","),
    ),
}


def apple_ecg(microvolts: np.ndarray, began: datetime, language: str = "en", offset: str = "+0200") -> bytes:
    """Return one ECG of an Apple Watch, (n,) µV at 512 Hz, in a language of the phone."""
    *names, rate, lead, unit, rhythm, decimal = APPLE_HEADS[language]
    said = ["Jane Roe", '"1 Jan 1980"', f"{began:%Y-%m-%d %H:%M:%S} {offset}", rhythm, "", "2.0", '"Watch6,2"']
    head = [f"{name},{words}" for name, words in zip(names, said, strict=True)]
    rows = [f"{value:.3f}".replace(".", decimal) for value in microvolts]
    return "\n".join([*head, rate, "", "", lead, unit, "", *rows]).encode()


def apple_export(ecgs: Mapping[str, bytes]) -> bytes:
    """Return an Apple Health export.zip of ECGs by file name, with the large table of everything else beside them."""
    others = {
        "apple_health_export/export.xml": b"<HealthData>" + b'<Record type="HR" value="61"/>' * 2000 + b"</HealthData>",
        "apple_health_export/export_cda.xml": b"<ClinicalDocument/>",
        "apple_health_export/workout-routes/route_2019-06-11_9.10am.gpx": b"<gpx/>",
    }
    return zipped({**others, **{f"apple_health_export/electrocardiograms/{name}": data for name, data in ecgs.items()}})


def e4_session(wave: np.ndarray, began: datetime) -> dict[str, bytes]:
    """Return the files of one session of an E4 that matter here: the pulse wave (n,) at 64 Hz, and a slower sensor."""
    start = (began - datetime(1970, 1, 1)).total_seconds()
    return {
        "BVP.csv": "\n".join([f"{start:.2f}", f"{E4_HZ:.6f}", *(f"{value:.2f}" for value in wave)]).encode(),
        "TEMP.csv": "\n".join([f"{start:.2f}", "4.000000", *["33.1"] * 80]).encode(),
        "tags.csv": b"",
    }


def polar_pulse(counts: np.ndarray, began: datetime) -> bytes:
    """Return a table of Polar Sensor Logger: three lights and the ambient one, (n,) counts at 55 Hz."""
    lines = ["Phone timestamp;sensor timestamp [ns];channel 0;channel 1;channel 2;ambient"]
    for i, value in enumerate(counts):
        at = began + timedelta(seconds=i / POLAR_HZ)
        stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}"
        lines.append(f"{stamp};{599616000000000000 + round(i * 1e9 / POLAR_HZ)};{value};{value + 9};{value - 9};1000")
    return "\n".join(lines).encode()


def polar_steps(counts: np.ndarray) -> bytes:
    """Return the other table of a Polar sensor, whose column of time holds the step from the row before, in ms."""
    step = 1000 / POLAR_HZ
    rows = [f"{step:.3f},{value},{value + 9},{value - 9},1000" for value in counts]
    return "\n".join(["delta,P0,P1,P2,AMBIENT", *rows]).encode()


def shimmer_pulse(millivolts: np.ndarray, began: datetime) -> bytes:
    """Return a table of a Shimmer with three lines of heads, (n,) mV at 128 Hz."""
    start = (began - datetime(1970, 1, 1)).total_seconds() * 1000
    heads = [["Shimmer_9C5F"] * 2, ["Timestamp Unix", "Internal ADC A13 PPG"], ["CAL", "CAL"], ["ms", "mV"]]
    rows = [f"{start + i * 1000 / SHIMMER_HZ:.3f}\t{value:.3f}\t" for i, value in enumerate(millivolts)]
    return "\n".join(["sep=\t", *("\t".join(head) + "\t" for head in heads), *rows]).encode()


def fitbit_ecg(counts: np.ndarray) -> bytes:
    """Return one reading of a Fitbit as Google Takeout has it, (n,) counts at 250 Hz."""
    head = "reading_id,reading_time,result_classification,heart_rate,waveform_samples"
    samples = " ".join(str(int(value)) for value in counts)
    return f"{head}\n77,Thu Oct 08 07:15:06 UTC 2020,NSR,61,[{samples}]\n".encode()


def ecg(seconds: float, fs: int, seed: int = 0, rate: float = 66) -> np.ndarray:
    """Return (n,) µV of a lead I, with P, QRS and T at a rate in beats a minute, that the quality gate accepts."""
    rng, t = np.random.default_rng(seed), np.arange(round(seconds * fs)) / fs
    beats = np.cumsum(60 / rate + rng.normal(0, 0.02, int(seconds * rate / 60) + 3))
    waves = ((-0.17, 0.025, 90), (-0.02, 0.008, -80), (0, 0.011, 800), (0.02, 0.009, -150), (0.24, 0.05, 220))
    wave = rng.normal(0, 6, t.size)
    for at in beats:
        for after, width, height in waves:
            wave += height * np.exp(-0.5 * ((t - at - after) / width) ** 2)
    return np.round(wave, 3)


def pulse(seconds: float, fs: int, rate_hz: float = 1.1, seed: int = 0) -> np.ndarray:
    """Return (n,) a pulse wave of an E4's size that the quality gate accepts."""
    rng = np.random.default_rng(seed)
    phase = 2 * np.pi * rate_hz * np.arange(round(seconds * fs)) / fs
    return np.round(40 * np.sin(phase) + 12 * np.sin(2 * phase + 0.7) + rng.normal(0, 0.5, phase.size), 2)
