"""`casebind evaluate robustness`: attacks of several sizes on a release and its defences by an attacker who knows them.

Every attack is a job whose result is kept in the cache: an evaluation that was stopped goes on with the next job.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from engine.evaluate.cache import cached_arrays, key
from engine.evaluate.robustness import attacks, sample
from engine.evaluate.robustness.all_films import clean_films
from engine.evaluate.robustness.attacks import Budget, Encoder, PreparedInputs, View, plain
from engine.evaluate.robustness.defences import Defence, defences, prepared_again, random_copy, squeezed
from engine.evaluate.robustness.measure import Judge
from engine.evaluate.robustness.through_file import studies_through_files
from engine.metrics.rows import Measurement, ResultRow, distinct
from engine.model.release import Release
from engine.model.smoothing import DRAWS
from engine.model.steadiness import SteadinessLimit

BUDGETS = {"cxr": (1.0, 2.0, 4.0), "ecg": (1.0, 2.0, 5.0), "ppg": (1.0, 5.0, 10.0)}  # grey levels of 255; % of SD
UNITS = {"cxr": (255.0, "/255"), "ecg": (100.0, " % SD"), "ppg": (100.0, " % SD")}
KINDS = {False: "untargeted", True: "targeted"}
LONGER, MOMENTUM = 2, 0.9  # times as many steps, and their momentum, against what is random
VERSION = "1"  # of what is kept of an attack
NOTES = (
    "Every value of the prepared recording may change by at most the size that is named (ℓ∞); the attacker has the "
    "release and descends along its gradients, from several random starts.",
    "untargeted: away from the clean code. targeted: towards a study of another patient that shares no finding.",
    "The collection is the split's recordings of the same kind with their plain codes; a query never meets its own "
    "patient. A defence answers for queries alone.",
    "knows it, of a defence that draws by chance: twice as many steps, momentum 0.9, a fresh draw at each. clean, all: "
    "every film of the split that can find something; of it above chance: the share lost of P@5 less chance.",
    "in a file: written as an 8-bit PNG or a table of samples and read by the intake. knows the file: attacks through "
    "the release's own filter, which takes most of an attack that does not.",
    "flagged: the squeezed copy's projections turn (1 − cosine) beyond the limit chosen on clean recordings of this "
    "split. AUROC: attacked against all clean recordings; 0.5 is chance.",
)


@dataclass(frozen=True)
class AttackPlan:
    """Which recordings are attacked, and how.

    path, split, cache : the open recordings, the split, and a folder for what is done
    n, seed  : recordings at most, one a patient, and by which chance they are drawn
    budgets  : sizes, largest changes of a value; none for BUDGETS
    with_defences : defences are attacked too, at the first size alone and from one random start
    draws    : noisy copies that a certificate rests on
    """

    path: Path
    split: str
    cache: Path
    n: int = 20
    budgets: tuple[float, ...] = ()
    steps: int = 20
    restarts: int = 2
    with_defences: bool = True
    draws: int = DRAWS
    seed: int = 0


@dataclass(frozen=True, eq=False)
class AttackRows:
    """What was found for one modality: rows, and the operating point of the check at query time."""

    rows: list[ResultRow]
    limit: SteadinessLimit


@dataclass(frozen=True, eq=False)
class Attacker:
    """Makes attacks of one size on one judge's sample, each kept in the cache."""

    judge: Judge
    asked: AttackPlan
    size: float

    @property
    def task(self) -> str:
        """What is attacked by how much, e.g. "cxr ±1/255"."""
        return f"{self.judge.encoder.modality} ±{self.size:g}{UNITS[self.judge.encoder.modality][1]}"

    def make(self, name: str, targeted: bool, views: Sequence[View], budget: Budget | None = None) -> PreparedInputs:
        """Return the sample after an attack through views; `name` tells their kinds apart in the cache.

        budget : of the attack, where it is not the one that was asked for
        """
        from tqdm import tqdm

        encoder, whole = self.judge.encoder, self.judge.sample
        budget = budget or Budget(self.epsilon, self.asked.steps, self.asked.restarts)
        ids = [self.judge.within.recordings[i].study_id for i in (*whole.places, *whole.targets)]
        made_of = key(VERSION, encoder.release.digest, name, str(targeted), repr(budget), str(self.asked.seed), *ids)

        def compute() -> dict[str, np.ndarray]:
            steps = len(whole.places) * budget.steps * budget.restarts
            with tqdm(total=steps, desc=f"{self.task} {KINDS[targeted]} {name}", leave=False, disable=None) as bar:
                x = attacks.attacked(
                    encoder,
                    whole.inputs,
                    self.judge.wanted[targeted],
                    budget,
                    views=views,
                    seed=self.asked.seed,
                    progress=bar.update,
                )
            return {"x": x.numpy()}

        file = self.asked.cache / f"attack-{encoder.modality}-{made_of}.npz"
        return whole.inputs.holding(torch.from_numpy(cached_arrays(file, compute)["x"]))

    def knowing(self, name: str, views: Sequence[View], *, random: bool) -> PreparedInputs:
        """Return the sample after a targeted attack by whoever knows a defence, from one random start.

        random : something is drawn anew at every step, so that it takes more of them, with momentum
        """
        if not random:
            return self.make(f"knows {name}", True, views, Budget(self.epsilon, self.asked.steps, 1))
        budget = Budget(self.epsilon, LONGER * self.asked.steps, 1, MOMENTUM)
        return self.make(f"knows {name}, momentum {MOMENTUM:g}", True, views, budget)

    @property
    def epsilon(self) -> float:
        """The size in units of the prepared recording."""
        return self.size / UNITS[self.judge.encoder.modality][0]


def evaluate(release: Release, modality: str, asked: AttackPlan, others: Sequence[Release] = ()) -> AttackRows:
    """Return the rows of one modality, and the operating point of the check at query time.

    others : releases that the same attacked recordings are given to, to see whether attacks carry over
    """
    judge = judge_of(release, modality, asked)
    transfer = [(other.name, judge_of(other, modality, asked)) for other in others]
    rows = [judge.clean_row(modality), _alarms(judge, modality)]
    told: list[ResultRow] = []
    for number, size in enumerate(asked.budgets or BUDGETS[modality]):
        attacker = Attacker(judge, asked, size)
        rows.append(_noise_row(attacker))
        found = list(_plain_rows(attacker))
        told += found
        rows += [*found, *_transfer_rows(attacker, transfer)]
        if asked.with_defences and number == 0:
            rows += _defence_rows(attacker)
    return AttackRows(rows, judge.operating_point(told))


def judge_of(release: Release, modality: str, asked: AttackPlan) -> Judge:
    """Return a release on the sample that is asked for: the same recordings and targets for every release."""
    within = sample.collection(release, modality, sample.listed(asked.path, modality, asked.split), asked.cache)
    chosen = sample.sample(release, modality, within, asked.n, asked.seed)
    return Judge(Encoder(release, modality), within, chosen)


def measurement(release: Release, split: str, rows: list[ResultRow]) -> Measurement:
    """Return rows as one measurement, with the notes without which they would mislead."""
    return Measurement("robustness", release.name, split, rows, NOTES)


def _alarms(judge: Judge, modality: str) -> ResultRow:
    """Return how often the check flags recordings that nobody attacked."""
    named = judge.within.patients
    figures = {"flagged": judge.false_alarms()}
    more = {"limit": f"turn above {judge.limit:g}; usual {np.median(judge.within.turns):.2g}"}
    return ResultRow(modality, "clean, checked", figures, distinct(named), more=more)


def _noise_row(attacker: Attacker) -> ResultRow:
    judge = attacker.judge
    x = attacks.noise(judge.sample.inputs, attacker.epsilon, attacker.asked.seed)
    return judge.row(attacker.task, "noise of that size", judge.sample.inputs.holding(x), targeted=False)


def _plain_rows(attacker: Attacker) -> Iterator[ResultRow]:
    """Yield attacks that expect nothing between the recording and the encoder, and those that expect the file."""
    judge = attacker.judge
    modality = judge.encoder.modality
    for targeted, kind in KINDS.items():
        made = attacker.make("plain", targeted, (plain,))
        yield judge.row(attacker.task, kind, made, targeted=targeted)
        yield _in_file(attacker, f"{kind}, in a file", made, targeted)
        if modality != "cxr":
            knowing = attacker.make("knows the file", targeted, (prepared_again(modality),))
            yield _in_file(attacker, f"{kind}, knows the file, in a file", knowing, targeted)


def _transfer_rows(attacker: Attacker, transfer: Sequence[tuple[str, Judge]]) -> Iterator[ResultRow]:
    """Yield what attacks that were made on this release do to others."""
    for targeted, kind in KINDS.items():
        for name, other in transfer:
            made = attacker.make("plain", targeted, (plain,))
            yield other.row(attacker.task, f"{kind}, on {name}", made, targeted=targeted)


def _in_file(attacker: Attacker, method: str, made: PreparedInputs, targeted: bool) -> ResultRow:
    """Return what is left of an attack that goes through a file, and whether the quality gate lets it through."""
    from engine.intake.quality.judge import judge as gate

    judge = attacker.judge
    studies = studies_through_files(judge.encoder.modality, made)
    row = judge.row(attacker.task, method, sample.inputs_of(judge.encoder.release, studies), targeted=targeted)
    accepted = judge.mean(np.array([gate(study).accepted for study in studies]))
    return replace(row, more={"gate": f"{accepted.value:.2f} accepted", "accepted": accepted.as_dict()})


def _defence_rows(attacker: Attacker) -> Iterator[ResultRow]:
    """Yield what a targeted attack does to each defence when the attacker knows it."""
    judge, task = attacker.judge, attacker.task
    modality = judge.encoder.modality
    for defence in defences(modality):
        yield judge.clean_row(task, defence)
        if modality == "cxr":
            yield clean_films(judge, defence, attacker.asked.cache)
        made = attacker.knowing(defence.name, (defence.view,), random=defence.draws > 1)
        method = f"targeted, knows it, answered by {defence.name}"
        yield judge.row(task, method, made, targeted=True, defence=defence, seed=1)
    made = attacker.knowing("the check", (plain, squeezed(modality)), random=False)
    yield judge.row(task, "targeted, knows the check", made, targeted=True)
    yield from _secret_rows(attacker)


def _secret_rows(attacker: Attacker) -> Iterator[ResultRow]:
    """Yield a check by random copies whose draw nobody knows, attacked through fresh draws of them."""
    judge = attacker.judge
    copies = Defence("random copies", random_copy(judge.encoder.modality))
    rng = np.random.default_rng(attacker.asked.seed)
    spare = rng.permutation(len(judge.within.recordings))[: 3 * len(judge.sample.places)]
    studies = [sample.study_of(judge.within.recordings[i]) for i in spare]
    clean = _moves(judge, sample.inputs_of(judge.encoder.release, studies), judge.within.bits[spare], copies)
    known = attacker.knowing("the check by random copies", (plain, copies.view), random=True)
    for said, made in (("", attacker.make("plain", True, (plain,))), (", knows the check", known)):
        bits = judge.encoder.bits(made)
        moves = _moves(judge, made, bits, copies)
        figures = {
            "random copies move": judge.mean(moves),
            "AUROC of random copies": judge.apart(moves, clean, judge.within.patients[spare]),
            "target first": judge.mean(judge.first(bits)[:, 0] == judge.sample.targets),
        }
        method = f"targeted{said}, checked by random copies"
        yield ResultRow(attacker.task, method, figures, distinct(judge.patients))


def _moves(judge: Judge, inputs: PreparedInputs, bits: np.ndarray, copies: Defence, draws: int = 3) -> np.ndarray:
    """Return how many bits random copies move on average, drawn by a seed that the attacker has not: (n,)."""
    drawn = [judge.encoder.bits(inputs, copies.view, 1, seed=1000 + number) for number in range(draws)]
    moved: np.ndarray = np.mean([(bits != one).sum(1) for one in drawn], axis=0)
    return moved
