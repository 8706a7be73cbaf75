"""ECG files of hospital devices, built byte by byte after their specifications; every signal and person is made up.

Each writer takes (n, leads) millivolts and writes a step of 5 µV. A person, a clinician and a statement stand in each
file, so that tests see that they stay there.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib

import numpy as np

from engine.study import ECG_LEADS

STEP_UV = 5.0
WORDS = ("Roe", "MRN-77", "House", "Sinus rhythm", "19510502", "1951")  # none of them may leave a reader
_SCP_LEADS = {"I": 1, "II": 2, **{f"V{i}": i + 2 for i in range(1, 7)}, "III": 61, "aVR": 62, "aVL": 63, "aVF": 64}
_ISHNE_LEADS = dict(zip(ECG_LEADS, range(5, 17), strict=True))


def twelve_leads(fs: float = 500, seconds: float = 10, seed: int = 0) -> np.ndarray:
    """Return (n, 12) mV in whole steps: I, II and V1–V6 are sines of their own, the others follow Einthoven."""
    t = np.arange(round(fs * seconds)) / fs
    phase = np.random.default_rng(seed).uniform(0, np.pi, 8)
    step = 4 * STEP_UV / 1000  # halves of I and II are whole steps too
    own = [np.rint((0.3 + 0.1 * i) * np.sin(2 * np.pi * (1 + 0.2 * i) * t + phase[i]) / step) * step for i in range(8)]
    one, two = own[:2]
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.stack(limb + own[2:], axis=1)


def with_calibration(values: np.ndarray, fs: float = 500) -> np.ndarray:
    """Return (n + fs, leads) mV: the second that follows ends in the same 1 mV step of 0.2 s in all leads."""
    last = np.resize(values, (round(fs), values.shape[1]))
    last[-round(0.4 * fs) :] = 0.0
    last[-round(0.3 * fs) : -round(0.1 * fs)] = 1.0
    return np.concatenate([values, last])


def stored(values: np.ndarray) -> np.ndarray:
    """Return mV as whole steps, (n, leads) int16."""
    return np.rint(values * 1000 / STEP_UV).astype("<i2")


def aecg(values: np.ndarray, fs: float = 500, leads: tuple[str, ...] = ECG_LEADS, beat: bool = True) -> bytes:
    """Return an HL7 annotated ECG with a rhythm series and, where asked for, a representative beat of other values."""
    rhythm = _aecg_sequences(stored(values), fs, leads)
    derived = _aecg_sequences(stored(-values[: round(fs)]), fs, leads)
    series = f'<derivation><derivedSeries><code code="REPRESENTATIVE_BEAT"/>{derived}</derivedSeries></derivation>'
    return (
        '<?xml version="1.0" encoding="UTF-8"?><!-- Roe, Jane -->'
        '<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        '<effectiveTime><center value="20190302091000"/></effectiveTime>'
        "<componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject>"
        '<id root="1.2.3" extension="MRN-77"/><subjectDemographicPerson><name>Roe</name>'
        '<administrativeGenderCode code="F"/><birthTime value="19510502"/></subjectDemographicPerson>'
        "</trialSubject></subject></subjectAssignment></componentOf></timepointEvent></componentOf>"
        f'<component><series><code code="RHYTHM"/>{rhythm}{series if beat else ""}</series></component></AnnotatedECG>'
    ).encode()


def _aecg_sequences(digits: np.ndarray, fs: float, leads: tuple[str, ...]) -> str:
    time = (
        '<component><sequence><code code="TIME_RELATIVE"/><value xsi:type="GLIST_PQ"><head value="0" unit="s"/>'
        f'<increment value="{1 / fs!r}" unit="s"/></value></sequence></component>'
    )
    waves = "".join(
        f'<component><sequence><code code="MDC_ECG_LEAD_{lead.upper()}"/><value xsi:type="SLIST_PQ">'
        f'<origin value="0" unit="uV"/><scale value="{STEP_UV}" unit="uV"/>'
        f"<digits>{' '.join(map(str, digits[:, i]))}</digits></value></sequence></component>"
        for i, lead in enumerate(leads)
    )
    return f"<component><sequenceSet>{time}{waves}</sequenceSet></component>"


def muse(values: np.ndarray, fs: float = 500, unit: str = "MICROVOLTS") -> bytes:
    """Return a GE MUSE export of (n, 12) mV: the eight leads that it stores, after a median beat of other values."""
    kept = [i for i, lead in enumerate(ECG_LEADS) if lead in ("I", "II") or lead.startswith("V")]
    median = _muse_waveform("Median", stored(-values[: round(fs)]), fs, kept, unit)
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?><!DOCTYPE RestingECG SYSTEM "restecg.dtd"><RestingECG>'
        "<MuseInfo><MuseVersion>9</MuseVersion></MuseInfo><PatientDemographics><PatientID>MRN-77</PatientID>"
        "<PatientAge>67</PatientAge><AgeUnits>YEARS</AgeUnits><Gender>FEMALE</Gender>"
        "<PatientLastName>Roe</PatientLastName></PatientDemographics><TestDemographics>"
        "<AcquisitionDate>03-02-2019</AcquisitionDate><AcquisitionTime>09:10:00</AcquisitionTime>"
        "<OverreaderLastName>House</OverreaderLastName></TestDemographics>"
        "<Diagnosis><DiagnosisStatement><StmtText>Sinus rhythm</StmtText></DiagnosisStatement></Diagnosis>"
        f"{median}{_muse_waveform('Rhythm', stored(values), fs, kept, unit)}</RestingECG>"
    ).encode("latin-1")


def _muse_waveform(kind: str, counts: np.ndarray, fs: float, kept: list[int], unit: str) -> str:
    leads = "".join(
        f"<LeadData><LeadByteCountTotal>{len(data)}</LeadByteCountTotal><LeadSampleSize>2</LeadSampleSize>"
        f"<LeadAmplitudeUnitsPerBit>{STEP_UV}</LeadAmplitudeUnitsPerBit><LeadAmplitudeUnits>{unit}</LeadAmplitudeUnits>"
        f"<LeadID>{ECG_LEADS[i]}</LeadID><LeadDataCRC32>{zlib.crc32(data)}</LeadDataCRC32>"
        f"<WaveFormData>{base64.b64encode(data).decode()}</WaveFormData></LeadData>"
        for i in kept
        for data in [np.ascontiguousarray(counts[:, i]).tobytes()]
    )
    return (
        f"<Waveform><WaveformType>{kind}</WaveformType><SampleBase>{fs:g}</SampleBase>"
        f"<SampleExponent>0</SampleExponent>{leads}</Waveform>"
    )


def sierra(values: np.ndarray, fs: float = 500, version: str = "1.04", encoding: str = "utf-8") -> bytes:
    """Return a Philips Sierra file of (n, 12) mV, as plain Base64."""
    data = base64.b64encode(np.ascontiguousarray(stored(values).T).tobytes()).decode()
    names = "".join(f'<leadlabel leadname="{lead}"/>' for lead in ECG_LEADS)
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?><restingecgdata><documentinfo><documenttype>SierraECG'
        f"</documenttype><documentversion>{version}</documentversion></documentinfo>"
        "<patient><generalpatientdata><patientid>MRN-77</patientid><name><lastname>Roe</lastname></name>"
        "<age><years>67</years></age><sex>Female</sex></generalpatientdata></patient>"
        '<dataacquisition date="2019-03-02" time="09:10:00"><signalcharacteristics>'
        f"<samplingrate>{fs:g}</samplingrate><resolution>{STEP_UV:g}</resolution><bitspersample>16</bitspersample>"
        "<signalsigned>True</signalsigned><numberchannelsallocated>12</numberchannelsallocated>"
        "<numberchannelsvalid>12</numberchannelsvalid><acquisitiontype>STD-12</acquisitiontype>"
        "</signalcharacteristics></dataacquisition><interpretations><interpretation><statement><leftstatement>"
        "Sinus rhythm</leftstatement></statement></interpretation></interpretations><waveforms><parsedwaveforms "
        f'samplespersecond="{fs:g}" durationperchannel="{1000 * len(values) / fs:g}" dataencoding="Base64" '
        'compressflag="False" leadlabels="I II III aVR aVL aVF V1 V2 V3 V4 V5 V6" numberofleads="12" '
        f'resolution="{STEP_UV:g}">{data}</parsedwaveforms>{names}</waveforms></restingecgdata>'
    )
    return text.encode("utf-16" if encoding.lower() == "utf-16" else encoding)


def scp(values: np.ndarray, fs: float = 500, leads: tuple[str, ...] = ECG_LEADS, first: int = 1) -> bytes:
    """Return an SCP-ECG record without compression; its samples are counted from `first`."""
    counts = stored(values)
    n = len(counts)
    person = [(0, b"Roe\0"), (2, b"MRN-77\0"), (4, struct.pack("<HB", 67, 1)), (8, b"\2"), (20, b"House\0")]
    person += [(25, struct.pack("<HBB", 2019, 3, 2)), (26, bytes([9, 10, 0])), (255, b"")]
    tags = b"".join(struct.pack("<BH", tag, len(value)) + value for tag, value in person)
    ranges = b"".join(struct.pack("<IIB", first, n, _SCP_LEADS[lead]) for lead in leads)
    waves = [np.ascontiguousarray(counts[:, i]).tobytes() for i in range(len(leads))]
    rhythm = struct.pack("<HHBB", round(1000 * STEP_UV), round(1e6 / fs), 0, 0)
    rhythm += struct.pack(f"<{len(leads)}H", *map(len, waves)) + b"".join(waves)
    return scp_record({1: tags, 3: bytes([len(leads), 4 | len(leads) << 3]) + ranges, 6: rhythm})


def scp_record(bodies: dict[int, bytes]) -> bytes:
    """Return an SCP-ECG record of the sections' contents, with its pointers and checksums."""
    pointers = struct.pack("<HII", 0, 16 + 10 * (len(bodies) + 1), 7)
    index, rest = 7 + 16 + 10 * (len(bodies) + 1), b""
    for number, body in bodies.items():
        body += b"\0" * (len(body) % 2)
        section = struct.pack("<HIBB6x", number, 16 + len(body), 20, 20) + body
        pointers += struct.pack("<HII", number, 16 + len(body), index)
        rest += struct.pack("<H", binascii.crc_hqx(section, 0xFFFF)) + section
        index += 16 + len(body)
    zero = struct.pack("<HIBB6s", 0, 16 + len(pointers), 20, 20, b"SCPECG") + pointers
    record = struct.pack("<H", binascii.crc_hqx(zero, 0xFFFF)) + zero + rest
    sized = struct.pack("<I", 6 + len(record)) + record
    return struct.pack("<H", binascii.crc_hqx(sized, 0xFFFF)) + sized


def ishne(values: np.ndarray, fs: int = 200, leads: tuple[str | None, ...] = ("II", "V1", "V5")) -> bytes:
    """Return an ISHNE Holter file; a lead of None has no name."""
    counts = stored(values[:, : len(leads)])
    specs = [_ISHNE_LEADS.get(str(lead), 1) for lead in leads] + [-9] * (12 - len(leads))
    resolution = [round(1000 * STEP_UV)] * len(leads) + [0] * (12 - len(leads))
    header = struct.pack("<iiii", 0, len(counts), 522, 522) + struct.pack("<h40s40s20s", 1, b"Jane", b"Roe", b"MRN-77")
    header += struct.pack("<hh", 2, 0) + struct.pack("<9h", 2, 5, 1951, 2, 3, 2019, 2, 3, 2019)
    header += struct.pack("<3h", 9, 10, 0) + struct.pack("<h", len(leads)) + struct.pack("<12h", *specs)
    header += struct.pack("<12h", *[0] * 12) + struct.pack("<12h", *resolution)
    header += struct.pack("<h40shh", 0, b"digital", fs, 0)
    header = header.ljust(512, b"\0")
    return b"ISHNE1.0" + struct.pack("<H", binascii.crc_hqx(header, 0xFFFF)) + header + counts.tobytes()
