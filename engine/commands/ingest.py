"""casebind ingest PATH --cohort NAME"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.actor import single_user
from engine.commands.burned_in_option import burned_in_option
from engine.commands.row_lines import listed, remarks_title
from engine.commands.shared import count_pairs, load_release, workspace_from_option, workspace_option
from engine.errors import UsageError
from engine.store.records import IDS, KEEP_IDS, REPLACE_IDS, TEXTS
from engine.strings import several

if TYPE_CHECKING:
    from engine.intake.burned_in_choice import Choice, Screen
    from engine.store.records import Cohort
    from engine.workspace.door import Door, DoorAccount
    from engine.workspace.ingest import Summary
    from engine.workspace.manifest import StudyEntry
    from engine.workspace.workspace import Workspace

PASSAGES = "Passages of texts that may tell who somebody is."
FILE = click.Path(path_type=Path, dir_okay=False)
Seal = Callable[[dict[tuple[str, str], str]], None]  # of (what, pseudonym) → id


@click.command("ingest")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--cohort", required=True, help="Where these studies come from; shown on every card.")
@click.option("--licence", default="not stated", help="Where a row states none.", show_default=True)
@click.option("--attribution", default="", help="Whom to acknowledge where a row states nobody.")
@click.option("--label-source", default="the manifest", help="Who gave the labels.", show_default=True)
@click.option("--synthetic", is_flag=True, help="These studies are synthetic.")
@click.option("--keep-column", "columns", multiple=True, metavar="NAME", help="Keep a further column too; repeatable.")
@click.option("--ids", type=click.Choice(IDS), help="Of patients and encounters [default: replace, by pseudonyms].")
@click.option("--free-text", "texts", type=click.Choice(TEXTS), default=TEXTS[0], show_default=True, help=PASSAGES)
@click.option("--reidentification", "sealed", type=FILE, help="Write which ids the pseudonyms stand for, sealed.")
@click.option("--officer-key", "officer", type=FILE, help="For whom: the privacy officer's public key.")
@click.option("--labels-from-reports", "from_reports", is_flag=True, help="Where a row has a report and no labels.")
@click.option("--split", type=click.Choice(["train", "valid", "test"]), help="Of a data set's folder only.")
@burned_in_option
@workspace_option
def command(
    *,
    path: Path,
    cohort: str,
    licence: str,
    attribution: str,
    label_source: str,
    synthetic: bool,
    columns: tuple[str, ...],
    ids: str | None,
    texts: str,
    sealed: Path | None,
    officer: Path | None,
    from_reports: bool,
    split: str | None,
    burned_in: Choice | None,
    workspace: Path | None,
) -> None:
    """Take in a manifest.csv, a folder that holds one, or the folder of a known data set as it was published.

    Known are MIMIC-CXR-JPG, MIMIC-IV-ECG and MIMIC-IV (a folder that holds them all is paired), CheXpert, Open-I, RSNA
    pneumonia, COVID-19 Radiography, NIH ChestX-ray14, Kermany's paediatric films, PTB-XL, Chapman-Shaoxing / Ningbo,
    LUDB, CPSC2018, BIDMC, PPG-BP, and the open recordings; `casebind fetch` downloads those that are open.

    May be stopped and started again at any time: nothing is lost, nothing comes twice, and bad rows are skipped. Ids of
    patients and encounters in a manifest become the workspace's pseudonyms, and further columns are kept by an
    allow-list, and names, dates and numbers in texts are replaced (docs/identity.md); a data set's folder and synthetic
    rows come in as they are.
    """
    if not cohort.strip():
        raise UsageError("The cohort has no name: pass --cohort NAME.")
    from engine.intake.burned_in_choice import Screen
    from engine.store.records import Cohort

    if (sealed is None) != (officer is None):
        raise UsageError("--reidentification and --officer-key go together: name both files.")
    wanted: AtTheDoor | None = AtTheDoor(columns, ids, texts, sealed, officer)
    if is_published(path):
        if wanted != AtTheDoor():
            raise UsageError("A data set comes in as it was published: leave options of ids and columns out.")
        wanted = None
    declared = KEEP_IDS if wanted is None else REPLACE_IDS
    about = Cohort(cohort.strip(), licence, attribution, synthetic, label_source, declared)
    entries = entries_of(path, split)
    if from_reports:
        from engine.workspace.report_labels import with_report_labels

        entries, labelled = with_report_labels(entries)
        click.echo(f"{labelled} studies take their labels from their reports.", err=True)
    screen = Screen(burned_in or (None if wanted else "keep"))  # of a published data set, its publisher has looked
    click.echo(summary_lines(take_in(workspace, about, entries, wanted, screen)))
    if screen.said:
        click.echo(screen.said)


@dataclass(frozen=True)
class AtTheDoor:
    """What somebody wants of the door of a workspace.

    ids             : one of IDS, or None for what the cohort declares, else pseudonyms
    texts           : one of TEXTS
    sealed, officer : see --reidentification
    """

    columns: tuple[str, ...] = ()
    ids: str | None = None
    texts: str = TEXTS[0]
    sealed: Path | None = None
    officer: Path | None = None


def take_in(
    workspace: Path | None,
    about: Cohort,
    entries: Sequence[StudyEntry],
    wanted: AtTheDoor | None = None,
    screen: Screen | None = None,
) -> Summary:
    """Take the entries into the workspace that --workspace means, with a progress bar.

    wanted : of its door; None where everything comes in as it is
    screen : what is done about films that seem to carry text; None takes them as they are
    """
    with workspace_from_option(workspace, create=True) as place:
        from tqdm import tqdm

        from engine.workspace.ingest import ingest
        from engine.workspace.serving import serving_release

        door, seal = _door(place, about, wanted)
        release = serving_release(place, load_release())
        begun = {"cohort": about.name, "entries": len(entries), "begins": True}
        place.audit("ingest", actor=single_user(), release=release.name, about=begun)
        with tqdm(total=len(entries), desc=about.name, unit="study", leave=False) as progress:
            cohort = about if door is None else door.cohort
            summary = ingest(
                place, release, release.digest, cohort, entries, screen=screen, progress=progress, door=door
            )
        counts = {"ingested": summary.ingested, "already": summary.already, "skipped": len(summary.skipped)}
        counts |= {"unsteady": summary.unsteady} if summary.unsteady else {}
        if door is not None and seal is not None:
            seal(door.account.ids)
            counts["reidentified"] = len(door.account.ids)
        looked = {"text in films": screen.about} if screen is not None and screen.films else {}
        place.audit(
            "ingest", actor=single_user(), release=release.name, about={"cohort": about.name, **counts, **looked}
        )
        count_pairs(place)
    return summary


def _door(place: Workspace, about: Cohort, wanted: AtTheDoor | None) -> tuple[Door | None, Seal | None]:
    """Return the door that is wanted, and what writes the ids in whose place pseudonyms stand, if that is wanted.

    UsageError where the cohort declares something else of its ids, or such a file cannot be written.
    """
    if wanted is None:
        return None, None
    from engine.store.catalogue import cohort
    from engine.workspace.door import Door, DoorRules
    from engine.workspace.manifest_columns import allowed_columns
    from engine.workspace.reidentification import check_new, public_key, write

    known = cohort(place.database, about.name)
    declared = known.ids if known else (wanted.ids or REPLACE_IDS)
    if wanted.ids not in (None, declared):
        raise UsageError(
            f"The cohort {about.name} was begun with --ids {declared}, and one cohort has one kind of ids: "
            "leave --ids out, or name another cohort."
        )
    rules = DoorRules(allowed_columns(place.path, wanted.columns), wanted.texts)
    door = Door(replace(about, ids=declared), place.key, rules)
    if wanted.sealed is None or wanted.officer is None:
        return door, None
    key = public_key(wanted.officer)
    check_new(wanted.sealed)
    return door, partial(write, wanted.sealed, key=key)


def is_published(path: Path) -> bool:
    """Say whether a path means a data set as it was published, and no manifest."""
    from engine.workspace.manifest import MANIFEST_NAME

    return path.is_dir() and not (path / MANIFEST_NAME).is_file()


def entries_of(path: Path, split: str | None) -> Sequence[StudyEntry]:
    """Return the entries of a manifest or of a known data set's folder."""
    from engine.datasets.adapters import find_datasets
    from engine.workspace.dataset_entries import read_dataset
    from engine.workspace.manifest import read_manifest

    if not path.exists():
        raise UsageError(f"There is nothing at {path}: name a manifest.csv, or a folder that holds one.")
    if is_published(path):
        if not find_datasets(path):
            raise UsageError(
                f"The folder {path.name} holds no manifest.csv and has the layout of no known data set: write one, "
                "or name a data set's own folder (`casebind ingest --help` lists them)."
            )
        return read_dataset(path, split)
    if split is not None:
        raise UsageError("A manifest has no splits to choose from: leave --split out.")
    return read_manifest(path)


def summary_lines(summary: Summary) -> str:
    """Return the summary as lines for a person."""
    lines = [
        f"{summary.ingested} ingested, {summary.already} already there, {len(summary.skipped)} skipped"
        + (f" (all reasons in {summary.report})" if summary.report else "")
    ]
    lines += listed(summary.skipped)
    if summary.unsteady:
        lines.append(several(summary.unsteady, "unsteady.ingested"))
    if summary.account is not None:
        lines += _at_the_door(summary.account)
    if summary.remarks:
        lines += [f"{remarks_title(summary.remarks)} (all in {summary.remarks_report})", *listed(summary.remarks)]
    return "\n".join(lines)


def _at_the_door(account: DoorAccount) -> list[str]:
    """Return what was replaced and left out, as lines for a person."""
    lines = []
    if account.ids:
        counts = ", ".join(f"{account.replaced(one):,} of {one}s" for one in ("patient", "encounter", "study"))
        counts = counts.replace("studys", "studies")
        lines.append(f"ids replaced by pseudonyms of this workspace: {counts}")
    if account.texts:
        kinds = sum(account.texts.values(), Counter())
        said = ", ".join(f"{n:,} × [{kind}]" for kind, n in sorted(kinds.items()))
        lines.append(f"passages replaced in the texts of {len(account.texts):,} rows: {said}")
    if account.columns:
        names = ", ".join(f"{name or '(no name)'} ({n:,})" for name, n in sorted(account.columns.items()))
        lines.append(f"columns left out, with their filled cells: {names}; --keep-column NAME keeps one")
    return lines
