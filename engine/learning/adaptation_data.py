"""What an adaptation learns from: a workspace's own pairs, its labelled studies, and what is held out to measure.

Patients of `engine.learning.holdout` measure and are never learnt from. Of the others some choose when to stop.

    in.npz            the labelled studies as a round has them, and the rows of every pair
    in.<modality>.npy embeddings of the studies that are in a pair, (n, 256) float32, read as a memory map
    in.coarse.*       where encoders are adapted too, what adapters read (engine.learning.coarse)
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path

import numpy as np

from engine.actor import Actor
from engine.errors import UsageError
from engine.findings import findings
from engine.learning import coarse, pairing, round_data
from engine.learning.holdout import hash_share, is_holdout_patient
from engine.learning.round_data import Pool, RoundData
from engine.store.visit_pairs import PairCandidate
from engine.workspace.erased import reference
from engine.workspace.workspace import Workspace

INPUTS, FACTS, COARSE = "in.npz", "facts.", "coarse."
VALID_PATIENTS = 0.15  # of those who are not held out; they choose when to stop
CHUNK = 4096  # embeddings read at once
LEARN, VALID, HELD = 0, 1, 2  # what a patient's pairs are for
Kinds = tuple[str, str]


@dataclass(frozen=True, eq=False)
class KindPairs:
    """The pairs of two modalities, p of them.

    rows     : (p, 2) int, rows of the sides' embeddings
    part     : (p,) LEARN, VALID or HELD
    patients : (p,) str, keyed hashes
    """

    rows: np.ndarray
    part: np.ndarray
    patients: np.ndarray

    def of(self, part: int) -> np.ndarray:
        """Return the rows of one part, (k, 2)."""
        return self.rows[self.part == part]

    def fewer(self, share: float) -> KindPairs:
        """Return the same with the pairs of a share of the patients that are learnt from."""
        kept = np.array([hash_share(f"share {one}") < share for one in self.patients], bool)
        chosen = kept | (self.part != LEARN)
        return KindPairs(self.rows[chosen], self.part[chosen], self.patients[chosen])


@dataclass(frozen=True, eq=False)
class SideFacts:
    """What is known of n studies of one modality, beside their embeddings.

    findings : (n,) int64, equal where the studies carry the same findings
    age      : (n,) years, NaN where unknown;  sex : (n,) str, "" where unknown
    """

    findings: np.ndarray
    age: np.ndarray
    sex: np.ndarray


@dataclass(frozen=True, eq=False)
class AdaptationData:
    """What an adaptation learns from and is measured on.

    sides  : modality → (n, 256) float32, stored embeddings of the studies in a pair
    pairs  : two modalities → their pairs
    labels : labelled studies, and rated pairs held out, as a round has them
    facts  : modality → what is known of the sides' studies
    coarse : modality → (m, f) float16, coarse features of stored studies; {} where encoders stay
    coarse_rows : "side.cxr", "replay.cxr", "holdout.cxr" … → (n,) int, the row of each study of a side or pool in them
    """

    sides: Mapping[str, np.ndarray]
    pairs: Mapping[Kinds, KindPairs]
    labels: RoundData
    facts: Mapping[str, SideFacts] = field(default_factory=dict)
    coarse: Mapping[str, np.ndarray] = field(default_factory=dict)
    coarse_rows: Mapping[str, np.ndarray] = field(default_factory=dict)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many pairs of which modalities are learnt from, choose when to stop, and measure."""
        names = ((LEARN, "learn"), (VALID, "valid"), (HELD, "held_out"))
        return {
            "-".join(kinds): {name: int((found.part == part).sum()) for part, name in names}
            for kinds, found in self.pairs.items()
        }

    def fewer(self, share: float) -> AdaptationData:
        """Return the same with the pairs of a share of the patients that are learnt from."""
        return replace(self, pairs={kinds: one.fewer(share) for kinds, one in self.pairs.items()})

    @property
    def learnt_pairs(self) -> int:
        """How many pairs are learnt from, those that choose when to stop among them."""
        return sum(int((one.part != HELD).sum()) for one in self.pairs.values())


def gather(
    workspace: Workspace,
    actor: Actor,
    release: str,
    folder: Path,
    *,
    least: int = 0,
    encoders: Mapping[str, str] | None = None,
    progress: coarse.Progress = lambda share: None,
) -> tuple[list[PairCandidate], AdaptationData]:
    """Write what an adaptation under the serving release learns from into a folder; return its pairs and the data.

    least    : pairs to learn from; UsageError where there are fewer, before anything is read
    encoders : modality → hash of its encoder, where encoders are adapted too: films, ECGs and PPGs in pairs are then
               read, `progress` is told how far that is
    """
    actor = actor.acting_for("training")
    labels = round_data.gather_round_data(workspace, actor)
    found = pairing.find_pairs(workspace, actor, release)
    _check_enough(sum(not is_holdout_patient(one.patient_id) for one in found), least)
    ids: dict[str, dict[str, int]] = {}
    for one in found:
        for study, kind in ((one.first, one.a), (one.second, one.b)):
            seen = ids.setdefault(kind, {})
            seen.setdefault(study, len(seen))
    arrays = round_data.to_arrays(labels)
    for kind, studies in ids.items():
        _write_side(workspace, release, list(studies), folder / f"in.{kind}.npy")
        known = _facts_of(workspace, list(studies))
        arrays |= {f"{FACTS}{kind}.{one.name}": getattr(known, one.name) for one in fields(SideFacts)}
    for kinds in dict.fromkeys((one.a, one.b) for one in found):
        mine = [one for one in found if (one.a, one.b) == kinds]
        name = "-".join(kinds)
        arrays[f"pairs.{name}.rows"] = np.array([(ids[o.a][o.first], ids[o.b][o.second]) for o in mine], np.int64)
        arrays[f"pairs.{name}.part"] = np.array(
            [part_of(one.patient_id, held=is_holdout_patient(one.patient_id)) for one in mine], np.int8
        )
        arrays[f"pairs.{name}.patients"] = np.array([reference(workspace.key, one.patient_id) for one in mine])
    read_too = coarse.kinds_of({(one.a, one.b) for one in found}) if encoders is not None else ()
    if encoders is not None and read_too:
        linked = {kind: ids[kind] for kind in read_too}
        arrays |= _write_coarse(workspace, labels, linked, encoders, folder=folder, progress=progress)
    np.savez(folder / INPUTS, **arrays)  # type: ignore[arg-type]
    return found, read(folder)


def _check_enough(pairs: int, least: int) -> None:
    if pairs < least:
        raise UsageError(
            f"There are {pairs} pairs to learn from and {least} are needed: take in studies with visit numbers or "
            "times, and see `casebind pairs`."
        )


def read(folder: Path) -> AdaptationData:
    """Return what `gather` wrote; embeddings stay on disk until a batch is taken."""
    with np.load(folder / INPUTS, allow_pickle=False) as arrays:
        labels = round_data.from_arrays(arrays)
        names = [name.split(".")[1] for name in arrays.files if name.startswith("pairs.") and name.endswith(".rows")]
        parts = {name: [arrays[f"pairs.{name}.{part}"] for part in ("rows", "part", "patients")] for name in names}
        rows = {name.removeprefix(COARSE): arrays[name] for name in arrays.files if name.startswith(COARSE)}
        kinds = dict.fromkeys(kind for name in names for kind in name.split("-"))
        facts = {
            kind: SideFacts(**{o.name: arrays[f"{FACTS}{kind}.{o.name}"] for o in fields(SideFacts)}) for kind in kinds
        }
    pairs = {(name.split("-")[0], name.split("-")[1]): KindPairs(*found) for name, found in parts.items()}
    sides = {kind: np.load(folder / f"in.{kind}.npy", mmap_mode="r") for kind in kinds}
    return AdaptationData(sides, pairs, labels, facts, coarse.read(folder) if rows else {}, rows)


def _write_coarse(
    workspace: Workspace,
    labels: RoundData,
    ids: Mapping[str, Mapping[str, int]],
    encoders: Mapping[str, str],
    *,
    folder: Path,
    progress: coarse.Progress,
) -> dict[str, np.ndarray]:
    """Write the coarse features of all studies of the modalities of ids; return which row is whose."""
    made = workspace.path / "rounds" / "coarse"
    made.mkdir(parents=True, exist_ok=True)
    out: dict[str, np.ndarray] = {}
    wanted: dict[str, list[str]] = {}
    for kind in ids:
        users = {f"side.{kind}": list(ids[kind])}
        users |= {f"{part}.{kind}": [str(i) for i in p[kind].ids] for part, p in _pools(labels) if kind in p}
        place = {one: row for row, one in enumerate(dict.fromkeys(one for some in users.values() for one in some))}
        out |= {f"{COARSE}{name}": np.array([place[one] for one in some], np.int64) for name, some in users.items()}
        wanted[kind] = list(place)
    done, total = 0, sum(map(len, wanted.values()))
    for kind, studies in wanted.items():
        say = partial(_say, progress, done / total, len(studies) / total)
        coarse.write(workspace, kind, studies, encoders[kind], folder=made, progress=say)
        done += len(studies)
    coarse.take(made, folder, list(ids))
    return out


def _say(progress: coarse.Progress, first: float, whole: float, share: float) -> None:
    progress(first + whole * share)


def _pools(labels: RoundData) -> tuple[tuple[str, Mapping[str, Pool]], ...]:
    return ("replay", labels.replay), ("holdout", labels.holdout)


def digest(data: AdaptationData) -> str:
    """Return a SHA-256 over everything that is learnt from or measures, to tell whether it is still the same."""
    found = hashlib.sha256()
    for kinds, pairs in sorted(data.pairs.items()):
        for array in (pairs.rows, pairs.part, pairs.patients):
            found.update("-".join(kinds).encode() + np.ascontiguousarray(array).tobytes())
    for kind, z in sorted(data.sides.items()):
        found.update(kind.encode())
        for start in range(0, len(z), CHUNK):
            found.update(np.ascontiguousarray(z[start : start + CHUNK]).tobytes())
    for kind, known in sorted(data.facts.items()):
        for one in fields(known):
            found.update(f"{kind}.{one.name}".encode() + np.ascontiguousarray(getattr(known, one.name)).tobytes())
    for name, array in sorted(round_data.to_arrays(data.labels).items()):
        found.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def patients_digest(data: AdaptationData, key: bytes) -> tuple[str, int]:
    """Return a SHA-256 over the keyed hashes of all patients that are learnt from, and how many they are."""
    learnt = {str(who) for one in data.pairs.values() for who in one.patients[one.part != HELD]}
    learnt |= {reference(key, str(who)) for pool in data.labels.replay.values() for who in np.unique(pool.patients)}
    return hashlib.sha256("\n".join(sorted(learnt)).encode()).hexdigest(), len(learnt)


def part_of(patient_id: str, *, held: bool) -> int:
    """Return what a patient's pairs are for, where it is known whether the patient is held out."""
    if held:
        return HELD
    return VALID if hash_share(f"stop {patient_id}") < VALID_PATIENTS else LEARN


def _facts_of(workspace: Workspace, studies: list[str]) -> SideFacts:
    """Return what is known of studies, in their order."""
    found = SideFacts(np.zeros(len(studies), np.int64), np.full(len(studies), np.nan), np.full(len(studies), "", "U1"))
    for start in range(0, len(studies), CHUNK):
        rows = {row.study_id: row for row in workspace.all_rows(studies[start : start + CHUNK])}
        for at, one in enumerate(studies[start : start + CHUNK], start):
            held = "\n".join(sorted(findings(rows[one].labels)))
            found.findings[at] = int.from_bytes(hashlib.sha256(held.encode()).digest()[:7], "big")
            found.age[at] = np.nan if rows[one].age is None else rows[one].age
            found.sex[at] = rows[one].sex or ""
    return found


def _write_side(workspace: Workspace, release: str, studies: list[str], file: Path) -> None:
    out = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=(len(studies), 256))
    for start in range(0, len(studies), CHUNK):
        out[start : start + CHUNK] = workspace.embeddings(release, studies[start : start + CHUNK])
    out.flush()
