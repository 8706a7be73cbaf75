"""One run: what was asked, and a language model for every task, arm and seed, in one folder.

    RUN/plan.json                         what was asked; another plan is refused
    RUN/TASK/ARM-SEED/model.safetensors   what was learnt; checkpoint.safetensors until it is there
    RUN/log.jsonl                         a line for every training that ended

A run that was stopped goes on where it stopped. `test` is read by `predictions` alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file

from engine.datasets.admissions import admissions
from engine.errors import UsageError
from engine.evaluate.outcomes.arms import MODALITIES, Arm, ReaderFolders, arms
from engine.evaluate.outcomes.cohort import Asked, TaskTable, task_table
from engine.evaluate.outcomes.embedded import Embedded, Progress, embed
from engine.evaluate.outcomes.fit import MODEL, OutcomeFitPlan, fit, scores
from engine.evaluate.outcomes.prompted import (
    TOKENS,
    LanguageModel,
    PromptedModel,
    PromptInputs,
    load_language_model,
    need_peft,
)
from engine.evaluate.outcomes.texts import TASKS
from engine.files import write_whole
from engine.metrics.classifying import auroc

PLAN, LOG, SHUFFLED = "plan.json", "log.jsonl", "shuffled"


@dataclass(frozen=True)
class OutcomePlan:
    """What is asked of whom.

    mimic : folders of MIMIC's sets        model : directory of the language model, None for the shipped MiniLM
    seeds : trainings of each row          tokens : of text at most
    only  : names of arms that are trained and shown; empty for all
    """

    mimic: tuple[Path, ...]
    readers: ReaderFolders = field(default_factory=ReaderFolders)
    tasks: tuple[str, ...] = TASKS
    asked: Asked = field(default_factory=Asked)
    fit: OutcomeFitPlan = field(default_factory=OutcomeFitPlan)
    seeds: int = 3
    tokens: int = TOKENS
    model: Path | None = None
    only: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class OutcomeRun:
    """A run that is begun: its folder, plan, arms and tables by task, and its embeddings by arm's reader."""

    folder: Path
    plan: OutcomePlan
    arms: list[Arm]
    tables: dict[str, TaskTable]
    cache: Path
    progress: Progress

    def trainings(self) -> Iterator[tuple[TaskTable, Arm, int, Path]]:
        """Yield task, arm, seed and folder of every training, a seed of all arms before the next seed."""
        for seed in range(self.plan.seeds):
            for task, table in self.tables.items():
                for arm in self.arms:
                    yield table, arm, seed, self.folder / task / f"{arm.name}-{seed}"

    def language(self) -> LanguageModel:
        """Return the language model anew: adapters are put into it."""
        return load_language_model(self.plan.model)

    def embedded(self, arm: Arm, table: TaskTable) -> dict[str, Embedded]:
        """Return modality → what the arm's readers make of the table's recordings."""
        held = {"cxr": table.films, "ecg": table.ecgs}
        return {m: embed(arm.readers[m], m, held[m], self.cache, self.progress) for m in MODALITIES if m in arm.readers}

    def inputs(self, arm: Arm, table: TaskTable, language: LanguageModel) -> PromptInputs:
        """Return what the arm reads of every row of a table."""
        texts = [f"{text} {more}".strip() for text, more in zip(table.texts, table.reports, strict=True)]
        return PromptInputs(
            language.ids(texts if arm.reports else table.texts, self.plan.tokens), self.embedded(arm, table)
        )


def begin(folder: Path, plan: OutcomePlan, cache: Path, progress: Progress = lambda what, done, of: None) -> OutcomeRun:
    """Read the admissions, and begin a run or go on with the one in the folder.

    UsageError where the folder holds a run of another plan, a data set is missing or damaged, an outcome is too rare,
    or peft is not installed.
    """
    need_peft()
    rows = chosen_arms(plan)
    listed = admissions(plan.mimic)
    progress("read admissions", len(listed), len(listed))
    tables = {task: task_table(listed, task, plan.asked) for task in plan.tasks}
    stated = _stated(plan, rows, tables)
    before = _begun_before(folder, stated)
    folder.mkdir(parents=True, exist_ok=True)
    held = before | stated | {"arms": before.get("arms", {}) | stated["arms"]}
    write_whole(folder / PLAN, json.dumps(held, indent=1) + "\n")
    return OutcomeRun(folder, plan, rows, tables, cache, progress)


def chosen_arms(plan: OutcomePlan) -> list[Arm]:
    """Return the arms of a plan; UsageError where one of `only` is not among them."""
    known = arms(plan.readers)
    unknown = [name for name in plan.only if name not in {arm.name for arm in known}]
    if unknown:
        names = ", ".join(arm.name for arm in known)
        raise UsageError(f"There is no row '{unknown[0]}' with these releases: use {names}, or name its release.")
    return [arm for arm in known if not plan.only or arm.name in plan.only]


def train(run: OutcomeRun) -> int:
    """Train what is not trained yet; return how many trainings were done."""
    done = 0
    waiting = [one for one in run.trainings() if not (one[3] / MODEL).is_file()]
    for place, (table, arm, seed, folder) in enumerate(waiting, start=1):
        folder.mkdir(parents=True, exist_ok=True)
        language = run.language()
        inputs = run.inputs(arm, table, language)
        model = _model(language, inputs, table, seed)
        named = f"{place} of {len(waiting)}: {table.task}, {arm.name}, seed {seed}"
        at = table.of("train")
        fit(
            model,
            inputs.take(at),
            table.truth[at],
            run.plan.fit,
            seed=seed,
            folder=folder,
            progress=_told(run.progress, named),
        )
        valid = table.of("valid")
        ranked = float(auroc(scores(model, inputs.take(valid)), table.truth[valid])[0]) if len(valid) else float("nan")
        line = {"task": table.task, "arm": arm.name, "seed": seed, "valid_auroc": round(ranked, 4)}
        with (run.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        done += 1
    return done


def predictions(run: OutcomeRun) -> dict[str, dict[str, np.ndarray]]:
    """Return task → arm → log-odds of every row of `test`, (seeds, n); `shuffled` has others' embeddings.

    UsageError where a training is not done.
    """
    out: dict[str, dict[str, list[np.ndarray]]] = {task: {} for task in run.tables}
    for table, arm, seed, folder in run.trainings():
        if not (folder / MODEL).is_file():
            raise UsageError(f"The run {run.folder} is not finished: go on with it by `casebind train outcomes`.")
        run.progress(f"test {table.task}, {arm.name}", seed, run.plan.seeds)
        language = run.language()
        inputs = run.inputs(arm, table, language)
        model = _model(language, inputs, table, seed)
        model.load_learnt(load_file(folder / MODEL))
        test = inputs.take(table.of("test"))
        out[table.task].setdefault(arm.name, []).append(scores(model, test))
        if arm.name == "bound":
            shuffled = PromptInputs(test.ids, exchanged(test.embedded, seed))
            out[table.task].setdefault(SHUFFLED, []).append(scores(model, shuffled))
    return {task: {name: np.stack(each) for name, each in found.items()} for task, found in out.items()}


def exchanged(embedded: Mapping[str, Embedded], seed: int) -> dict[str, Embedded]:
    """Return embeddings dealt anew among the rows that have one; film and ECG of a row stay with each other."""
    rng = np.random.default_rng([seed, 4])
    kinds = np.stack([one.has for one in embedded.values()], 1)
    order = np.arange(len(kinds))
    for kind in np.unique(kinds, axis=0):
        of_kind = np.flatnonzero((kinds == kind).all(1))
        order[of_kind] = rng.permutation(of_kind)
    return {name: Embedded(one.values[order], one.has) for name, one in embedded.items()}


def _model(language: LanguageModel, inputs: PromptInputs, table: TaskTable, seed: int) -> PromptedModel:
    import torch

    torch.manual_seed(seed)
    return PromptedModel(language, inputs.take(table.of("train")))


def _told(progress: Progress, named: str) -> Callable[[int, int, float], None]:
    return lambda step, steps, loss: progress(named, step, steps)


def _stated(plan: OutcomePlan, rows: Sequence[Arm], tables: Mapping[str, TaskTable]) -> dict[str, Any]:
    """Return everything that decides what a run finds."""
    return {
        "arms": {arm.name: arm.named() for arm in rows},
        "connected": plan.asked.connected,
        "most": plan.asked.most,
        "splits": plan.asked.splits,
        "model": load_language_model(plan.model).name,
        "tokens": plan.tokens,
        "fit": plan.fit.as_dict(),
        **{f"admissions of {task}": _digest(table) for task, table in tables.items()},
    }


def _digest(table: TaskTable) -> str:
    """Return what tells tables apart: a digest of who is asked, with which outcome, text and recordings."""
    held = [(one.study_id if one else "") for one in (*table.films, *table.ecgs)]
    said = [*table.texts, *table.reports, *table.split, *(str(one) for one in table.truth.astype(int)), *held]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]


def _begun_before(folder: Path, stated: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plan of the run that is in the folder, empty for none; UsageError where it differs from this one.

    Tasks and arms may be added to a run that is there, or asked for alone.
    """
    file = folder / PLAN
    if not file.is_file():
        if folder.is_dir() and any(folder.iterdir()):
            raise UsageError(f"{folder} holds other files and no run of outcomes: name a new folder by --run.")
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        held = dict(found["arms"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file} is no plan of a run ({error}): name a new folder by --run.") from error
    differing = [name for name in stated if name != "arms" and found.get(name, stated[name]) != stated[name]]
    differing += [f"arm {name}" for name, one in stated["arms"].items() if held.get(name, one) != one]
    if differing:
        named = ", ".join(differing)
        raise UsageError(f"The run in {folder} was begun otherwise ({named}): name a new folder by --run.")
    return dict(found)
