"""`casebind bench energy`: joules, grams and bytes of a query, of a release and of a year, beside dense retrieval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from engine.bench.energy import stages
from engine.bench.energy.stages import CODES, DENSE, ENCODE, EXPLAIN, SEARCH, StageEnergy, interval, rounded
from engine.bench.explain import shipped_studies
from engine.intake.read import read_text
from engine.model.release import Release
from engine.training.meter import MEASURED

CODE_BYTES, DENSE_BYTES = 32, 1024  # of a study: 256 bits, 256 floats of 32 bits
EXPLAINED_ONE_IN = 10  # queries of the life cycle
HOURS_A_YEAR = 8766
STORAGE_W_PER_TB = 1.2  # solid state disks, Cloud Carbon Footprint's methodology
JOULES_PER_WH = 3600.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class EnergyPlan:
    """What is metered and for which site.

    studies         : of the collection that is searched       seconds : of the processor, of every figure
    queries_a_year  : of the life cycle                         studies_of_each : recordings that are encoded in turn
    grid            : grams of CO₂ equivalent per kWh at the site; None where the site has not said
    storage_w_per_tb: of the site's disks
    """

    studies: int = 200_000
    seconds: float = 10.0
    queries_a_year: int = 100_000
    grid: float | None = None
    storage_w_per_tb: float = STORAGE_W_PER_TB
    studies_of_each: int = 8


def run(release: Release, made_here: Sequence[Release], plan: EnergyPlan, say: Say = lambda _: None) -> dict[str, Any]:
    """Return the object that `bench energy --json` prints.

    made_here : releases of the workspace's rounds, whose manifests say what each took
    """
    torch.set_num_threads(1)  # so that waiting for each other is no work
    pool = {kind: [study for _, study in found[: plan.studies_of_each]] for kind, found in shipped_studies().items()}
    read = {**pool, "text": [read_text(words) for words in stages.WORDS]}
    found: list[StageEnergy] = []
    for work in (
        stages.encoding(release, read, plan.seconds),
        stages.searching(plan.studies, plan.seconds),
        stages.explaining(release, pool, plan.seconds),
    ):
        for one in work:
            found.append(one)
            say(f"{one.stage}, {one.of}: {one.joules:.3g} J a query, {one.queries} queries")
    return result(release, made_here, plan, found)


def result(
    release: Release, made_here: Sequence[Release], plan: EnergyPlan, found: Sequence[StageEnergy]
) -> dict[str, Any]:
    """Return what was metered, with what follows from it."""
    by = {(one.stage, one.of): one for one in found}
    used = {key: one.joules for key, one in by.items()}
    error, search = found[0].used.error, used[SEARCH, CODES]
    asked = {of: (used[stage, of] + search, by[stage, of].queries) for stage, of in used if stage == ENCODE}
    spent = release.manifest.get("training", {}).get("energy", {})
    return {
        "release": release.name,
        "how": found[0].used.how,
        "error": error,
        "method": found[0].used.method,
        "grid_g_per_kwh": plan.grid,
        "collection": {
            "studies": plan.studies,
            "code_bytes": CODE_BYTES * plan.studies,
            "dense_bytes": DENSE_BYTES * plan.studies,
        },
        "stages": [{**one.as_dict(), **_grams(one.joules / 3.6, plan, "grams_per_1000")} for one in found],
        "queries": [
            {"of": of, "wh_per_1000": interval(joules / 3.6, error, n), **_grams(joules / 3.6, plan, "grams_per_1000")}
            for of, (joules, n) in asked.items()
        ],
        "training": spent,
        "rounds": [_round(one) for one in made_here],
        "life_cycle": _life_cycle([joules for joules, _ in asked.values()], used, spent, plan),
        "break_even": _break_even(used, spent),
    }


def _grams(wh: float, plan: EnergyPlan, name: str) -> dict[str, float | None]:
    return {name: None if plan.grid is None else rounded(wh / 1000 * plan.grid)}


def _round(release: Release) -> dict[str, Any]:
    """Return what a round says of itself; one that an earlier version made says its seconds alone."""
    about = release.manifest["round"]
    return {"release": release.name, "seconds": about.get("seconds"), "energy": about.get("energy")}


def _life_cycle(
    asked: Sequence[float], used: dict[tuple[str, str], float], spent: dict[str, Any], plan: EnergyPlan
) -> list[dict[str, Any]]:
    """Return Wh of a first year: training once, queries of all kinds alike often, one in ten explained, storage."""
    maps = [joules for (stage, _), joules in used.items() if stage == EXPLAIN]
    explained = plan.queries_a_year // EXPLAINED_ONE_IN
    parts = (
        ("training", 1, spent.get("wh")),
        ("queries", plan.queries_a_year, plan.queries_a_year * sum(asked) / len(asked) / JOULES_PER_WH),
        ("maps of pairs", explained, explained * sum(maps) / len(maps) / JOULES_PER_WH),
        ("codes on disk", plan.studies, _storage(CODE_BYTES, plan)),
        ("dense embeddings on disk", plan.studies, _storage(DENSE_BYTES, plan)),
    )
    return [
        {
            "part": part,
            "count": count,
            "wh": None if wh is None else rounded(wh),
            **({"grams": None} if wh is None else _grams(wh, plan, "grams")),
        }
        for part, count, wh in parts
    ]


def _storage(bytes_of_one: int, plan: EnergyPlan) -> float:
    return bytes_of_one * plan.studies / 1e12 * plan.storage_w_per_tb * HOURS_A_YEAR


def _break_even(used: dict[tuple[str, str], float], spent: dict[str, Any]) -> dict[str, Any]:
    """Return after how many searches codes have saved what training the hash layer took; None where they do not."""
    saved = used[SEARCH, DENSE] - used[SEARCH, CODES]
    hashing = spent.get("of", {}).get("hashing")
    searches = None if hashing is None or saved <= 0 else round(hashing * JOULES_PER_WH / saved)
    return {"saved_joules": rounded(saved), "hashing_wh": hashing, "searches": searches}


COLUMNS = (("J a query", 11), ("Wh per 1,000", 14), ("g per 1,000", 13), ("memory J", 11), ("CPU ms", 10), ("n", 9))


def as_lines(found: dict[str, Any]) -> str:
    """Return the figures for a person."""
    how = "" if found["how"] == MEASURED else f" (± {100 * found['error']:.0f} %)"
    grid = found["grid_g_per_kwh"]
    lines = [
        f"Energy of release {found['release']}, {found['how']}{how}: {found['method']}.",
        "No grams: the site's grid is not stated (--grid)." if grid is None else f"Grams by {grid:g} g/kWh.",
        "",
        f"{'stage':9}{'of':14}" + "".join(f"{name:>{wide}}" for name, wide in COLUMNS),
        *(_stage_line(one) for one in found["stages"]),
        "",
        "{studies:,} studies: codes {code_bytes:,} bytes, dense {dense_bytes:,} bytes.".format(**found["collection"]),
        "A query is encoded and searched: "
        + "; ".join(f"{one['of']} {_shown(one['wh_per_1000']['value'])} Wh per 1,000" for one in found["queries"])
        + ".",
        "",
        "The first year:",
        *(_part_line(one) for one in found["life_cycle"]),
        *(_round_line(one) for one in found["rounds"]),
        _even_line(found["break_even"]),
    ]
    return "\n".join(lines)


def _stage_line(one: dict[str, Any]) -> str:
    cells = (
        *(one["joules"]["value"], one["wh_per_1000"]["value"], one["grams_per_1000"], one["memory_joules"]),
        one["cpu_ms"],
        one["joules"]["n"],
    )
    shown = (f"{_shown(cell):>{wide}}" for cell, (_, wide) in zip(cells, COLUMNS, strict=True))
    return f"{one['stage']:9}{one['of']:14}{''.join(shown)}"


def _part_line(one: dict[str, Any]) -> str:
    return f"  {one['part']:26}{one['count']:>12,}{_shown(one['wh']):>12} Wh{_shown(one['grams']):>12} g"


def _round_line(one: dict[str, Any]) -> str:
    return f"  round {one['release']}: {_shown((one['energy'] or {}).get('wh'))} Wh, {one['seconds']} s"


def _even_line(even: dict[str, Any]) -> str:
    saved = f"Codes save {_shown(even['saved_joules'])} J a search"
    if even["searches"] is None:
        return f"{saved}; the training of the hash layer is not paid back so."
    training = f"the hash layer's training ({even['hashing_wh']:g} Wh)"
    return f"{saved}: {training} is paid back after {even['searches']:,} searches."


def _shown(value: float | int | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
