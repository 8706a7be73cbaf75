"""What of an ECG its statements leave open: which pattern of ectopy, which kind of block, mode of pacing, mmol/l …

Drawn once per encounter and kept as facts of the study. Artefacts and exchanged electrodes belong to the recording, not
to the patient: they are facts, never labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

ECTOPY, BIGEMINY = "ventricular premature complex", "bigeminy"
SECOND_DEGREE, THIRD_DEGREE = "second degree AV block", "third degree AV block"
PACED, LONG_QT, HYPERKALAEMIA = "paced rhythm", "long QT-interval", "hyperkalaemia"
NORMAL = "normal ECG"
STEMI = {"stemi: anterior wall": "anterior", "stemi: inferior wall": "inferior", "stemi: lateral wall": "lateral"}
LABELS = (ECTOPY, BIGEMINY, SECOND_DEGREE, THIRD_DEGREE, PACED, LONG_QT, HYPERKALAEMIA, *STEMI)


@dataclass(frozen=True)
class EcgDetails:
    """Facts of one ECG; "" and 0 where there is nothing of the kind.

    ectopy     : "single", "couplets", "bigeminy"
    av_block   : "Wenckebach", "Mobitz II", "2:1", "junctional escape", "ventricular escape"
    pacing     : "AAI", "VVI", "DDD", "VAT" (P sensed, ventricle paced); spikes: "unipolar", "bipolar"
    potassium_mmol_l, qtc_s (Fridericia)
    t_form     : of a long QT interval: "broad", "notched", "late"
    territory  : of an ST elevation: "anterior", "inferior", "lateral"; st_mv: in the lead that shows most
    artefact   : "baseline wander", "muscle", "mains 50 Hz", "mains 60 Hz", "electrode pop"
    lead_swap  : the two electrodes, e.g. "RA/LA", "V1/V2"
    """

    ectopy: str = ""
    av_block: str = ""
    pacing: str = ""
    spikes: str = ""
    potassium_mmol_l: float = 0.0
    qtc_s: float = 0.0
    t_form: str = ""
    territory: str = ""
    st_mv: float = 0.0
    artefact: str = ""
    lead_swap: str = ""

    def facts(self) -> dict[str, str | float]:
        """Return what there is, numbers rounded."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value if isinstance(value, str) else round(value, 3) for name, value in values.items() if value}


def draw_details(
    labels: Sequence[str], rate_bpm: float, table: dict[str, Any], rng: np.random.Generator, *, recording: bool = False
) -> EcgDetails:
    """Return the details of an ECG with these statements; table as [details] of prior.toml.

    recording : whether artefacts and exchanged electrodes are drawn as well; electrodes only where the ECG is normal
        otherwise, so that an exchange does not hide a finding
    """

    def one_of(name: str) -> str:
        names, shares = zip(*table[name], strict=True)
        return str(rng.choice(names, p=np.array(shares) / sum(shares)))

    def within(name: str) -> float:
        return float(rng.uniform(*table[name]))

    territory = next((STEMI[label] for label in labels if label in STEMI), "")
    escape = "junctional escape" if rate_bpm >= table["junctional_from_bpm"] else "ventricular escape"
    block = one_of("second_degree") if SECOND_DEGREE in labels else escape if THIRD_DEGREE in labels else ""
    ectopy = one_of("ectopy") if ECTOPY in labels else ""
    return EcgDetails(
        ectopy=BIGEMINY if BIGEMINY in labels else ectopy,
        av_block=block,
        pacing=_pacing(labels, one_of("pacing")) if PACED in labels else "",
        spikes=one_of("spikes") if PACED in labels else "",
        potassium_mmol_l=within("potassium_mmol_l") if HYPERKALAEMIA in labels else 0.0,
        qtc_s=within("qtc_s") if LONG_QT in labels else 0.0,
        t_form=one_of("t_form") if LONG_QT in labels else "",
        territory=territory,
        st_mv=within(f"st_{territory}_mv") if territory else 0.0,
        artefact=one_of("artefact") if recording else "",
        lead_swap=one_of("lead_swap") if recording and NORMAL in labels else "",
    )


def _pacing(labels: Sequence[str], drawn: str) -> str:
    """Return the mode; an atrium that fibrillates is neither paced nor followed."""
    return "VVI" if "atrial fibrillation" in labels else drawn
