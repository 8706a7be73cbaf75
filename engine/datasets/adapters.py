"""The registry of public data sets in their published layouts, and `collect`: folders → recordings that fit together.

Each adapter knows its folder by the files it was published with; see its module for what is read, which version, and
where its splits come from.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.datasets import bidmc, chapman, chexpert, covid, cpsc, kermany, ludb, nih, openi, ppgbp, ptbxl, rsna
from engine.datasets.mimic import ecgs as mimic_ecgs
from engine.datasets.mimic import films as mimic_films
from engine.datasets.mimic.hospital import hospital
from engine.datasets.mimic.pair import EMPTY_HOSPITAL, link
from engine.datasets.open_recordings import recordings as open_recordings
from engine.datasets.recording import Recording
from engine.errors import UsageError

DEPTH = 3  # folders below the one that is named: files/NAME/VERSION of a mirrored site
HOSPITAL, NOTES, EMERGENCY = "mimic-iv", "mimic-iv-note", "mimic-iv-ed"
TABLES = (HOSPITAL, NOTES, EMERGENCY)  # no film and no trace: they pair and describe those of the others


@dataclass(frozen=True)
class Adapter:
    """One data set.

    layouts    : alternatives; a folder that matches every pattern of one of them has this layout
    recordings : lists the folder's recordings; UsageError, one sentence, where a table is missing or damaged
    """

    name: str
    title: str
    layouts: tuple[tuple[str, ...], ...]
    recordings: Callable[[Path], Iterable[Recording]]

    def matches(self, folder: Path) -> bool:
        """Say whether a folder has this layout."""
        return any(all(any(folder.glob(pattern)) for pattern in patterns) for patterns in self.layouts)


def _no_studies(_: Path) -> Iterator[Recording]:
    """List nothing: a data set of TABLES."""
    return iter(())


_ALL = (
    Adapter(
        "open-recordings", "the open recordings", (("cxr/cxr.csv", "ecg/ecg.csv", "ppg/ppg.csv"),), open_recordings
    ),
    Adapter("mimic-cxr-jpg", "MIMIC-CXR-JPG", (("mimic-cxr-2.0.0-*.csv*",),), mimic_films.films),
    Adapter("mimic-iv-ecg", "MIMIC-IV-ECG", (("record_list.csv*",), ("machine_measurements.csv*",)), mimic_ecgs.ecgs),
    Adapter(HOSPITAL, "MIMIC-IV", (("hosp/admissions.csv*",), ("hosp/patients.csv*",)), _no_studies),
    Adapter(NOTES, "MIMIC-IV-Note", (("note/discharge.csv*",),), _no_studies),
    Adapter(EMERGENCY, "MIMIC-IV-ED", (("ed/edstays.csv*",),), _no_studies),
    Adapter("chexpert", "CheXpert", (("train/patient*", "train.csv"), ("valid/patient*", "valid.csv")), chexpert.films),
    Adapter("open-i", "Open-I", (("ecgen-radiology/*.xml",),), openi.films),
    Adapter("rsna", "RSNA pneumonia", (("stage_2_train_labels.csv",), ("stage_2_train_images/*.dcm",)), rsna.films),
    Adapter("covid", "COVID-19 Radiography", (("COVID*", "Normal", "Viral Pneumonia"),), covid.films),
    Adapter("nih-cxr14", "NIH ChestX-ray14", (("Data_Entry_2017*.csv*",),), nih.films),
    Adapter("ptb-xl", "PTB-XL", (("ptbxl_database.csv",), ("scp_statements.csv",)), ptbxl.ecgs),
    Adapter(
        "cpsc2018",
        "ICBEB / CPSC2018",
        (
            ("REFERENCE.csv", "A*.mat"),
            ("REFERENCE.csv", "TrainingSet*/A*.mat"),
            ("A*.hea", "A*.mat"),
            ("g*/A*.hea", "g*/A*.mat"),
        ),
        cpsc.ecgs,
    ),
    Adapter("chapman-shaoxing", "Chapman-Shaoxing / Ningbo", ((chapman.NAMES, "WFDBRecords"),), chapman.ecgs),
    Adapter("ludb", "LUDB", (("ludb.csv", "data"),), ludb.ecgs),
    Adapter(
        "kermany",
        "Kermany paediatric films",
        (("chest_xray/*/NORMAL",), ("train/NORMAL", "train/PNEUMONIA")),
        kermany.films,
    ),
    Adapter(
        "bidmc",
        "BIDMC",
        (("bidmc_csv/bidmc_*_Signals.csv",), ("bidmc_*_Signals.csv",), ("bidmc[0-9]*.hea",)),
        bidmc.minutes,
    ),
    Adapter(
        "ppg-bp", "PPG-BP", ((f"Data File/{ppgbp.BOOK}",), (ppgbp.BOOK,), ("Data File/0_subject",)), ppgbp.segments
    ),
)


def adapter_of(folder: Path) -> Adapter | None:
    """Return the data set whose published layout a folder has, None for any other folder."""
    return next((adapter for adapter in _ALL if adapter.matches(folder)), None)


def find_datasets(folder: Path) -> list[tuple[Adapter, Path]]:
    """Return the data sets in a folder: itself, or those of known layout below it, in the order of their paths."""
    level, datasets = [folder], []
    for _ in range(DEPTH + 1):
        here = {below: adapter for below in level if (adapter := adapter_of(below)) is not None}
        datasets += [(adapter, below) for below, adapter in here.items()]
        level = [child for below in level if below not in here for child in sorted(below.iterdir()) if child.is_dir()]
    return sorted(datasets, key=lambda pair: pair[1])


def collect(folders: Sequence[Path], split: str | None = None) -> list[Recording]:
    """Return the recordings of all data sets in the folders, MIMIC's paired across folders, of one split or of all.

    Raises UsageError, one sentence, for a folder of no known layout, a study that comes twice, and a split that leaks.
    """
    datasets = [pair for folder in folders for pair in datasets_in(folder)]
    stays = [hospital(below) for adapter, below in datasets if adapter.name == HOSPITAL]
    listed = [recording for adapter, below in datasets for recording in _listed(adapter, below)]
    if not listed:
        raise UsageError("MIMIC-IV's tables hold no film or trace: name MIMIC-CXR-JPG or MIMIC-IV-ECG beside them.")
    linked = link(listed, stays[0] if stays else EMPTY_HOSPITAL)
    check_studies(linked)
    check_splits(linked)
    return [recording for recording in linked if split is None or recording.split == split]


def datasets_in(folder: Path) -> list[tuple[Adapter, Path]]:
    """Return the data sets in a folder that somebody named; UsageError where there is none."""
    datasets = find_datasets(folder) if folder.is_dir() else []
    if not datasets:
        titles = ", ".join(adapter.title for adapter in _ALL)
        raise UsageError(f"{folder} has the layout of no known data set ({titles}): name the folder of its tables.")
    return datasets


def _listed(adapter: Adapter, folder: Path) -> list[Recording]:
    listed = list(adapter.recordings(folder))
    if not listed and adapter.name not in TABLES:
        raise UsageError(f"The folder {folder.name} of {adapter.title} lists no film or trace: download it whole.")
    return listed


def check_studies(recordings: Iterable[Recording]) -> None:
    """Raise UsageError where a study id comes twice."""
    twice = [name for name, count in Counter(one.study_id for one in recordings).items() if count > 1]
    if twice:
        raise UsageError(f"{len(twice)} studies come twice, such as {twice[0]}: name each data set's folder once.")


def check_splits(recordings: Iterable[Recording]) -> None:
    """Raise UsageError where a patient is in more than one split."""
    splits: dict[str, set[str]] = defaultdict(set)
    for one in recordings:
        splits[one.patient_id].add(one.split)
    leaked = [patient for patient, found in splits.items() if len(found) > 1]
    if leaked:
        patients = "1 patient is" if len(leaked) == 1 else f"{len(leaked)} patients are"
        places = " and ".join(sorted(splits[leaked[0]]))
        raise UsageError(
            f"{patients} in more than one split, such as {leaked[0]} in {places}: correct the split table, or leave "
            "one of the folders out."
        )
