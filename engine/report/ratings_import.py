"""Taking in another site's ratings: all of a file or nothing, each rating once, and only what can be used here.

A pair that both sites have is rated here under the other site's name. One that this site does not have is stored apart
with its embeddings, where the same encoders made them, so that a round can learn from it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from engine.actor import Actor
from engine.report.ratings_csv import site
from engine.report.ratings_read import ImportedRow, read_ratings
from engine.store import imported_ratings, permission, ratings
from engine.store.acts import Act, note
from engine.store.rated_studies import RatedSide, load_sides
from engine.store.records import Rating
from engine.workspace.workspace import Workspace

UNNAMED = "imported"  # the site of rows that name none
ADDED, POOLED, PRESENT = "added", "pooled", "present"
WITHDRAWN, BARE, FOREIGN = "withdrawn", "bare", "foreign"  # why a row was refused
FATES = (ADDED, POOLED, PRESENT, WITHDRAWN, BARE, FOREIGN)


@dataclass(frozen=True)
class Imported:
    """What became of the rows of a file.

    added     : ratings of pairs that this workspace has
    pooled    : ratings of other pairs, stored with their embeddings
    present   : here already, counted once
    withdrawn : refused: a patient of the pair has withdrawn here
    bare      : refused: the pair is not here and the file holds no embeddings of it
    foreign   : refused: the pair is not here and other encoders made its embeddings
    """

    added: int = 0
    pooled: int = 0
    present: int = 0
    withdrawn: int = 0
    bare: int = 0
    foreign: int = 0

    @property
    def refused(self) -> int:
        """How many rows could not be used."""
        return self.withdrawn + self.bare + self.foreign


def import_ratings(workspace: Workspace, data: bytes, *, actor: Actor, site_name: str = "") -> Imported:
    """Take in a file that `casebind ratings export` wrote; all of it in one transaction, or nothing.

    site_name : what to call the site whose rows carry only the id of a workspace
    Raises UsageError that names the first row that cannot stand.
    """
    permission.require(workspace.database, actor, "review")
    if site_name:
        site_name = ratings.rater_name(site_name)
    rows = [_sourced(row, site(workspace), site_name) for row in read_ratings(data)]
    known = load_sides(
        workspace.database, actor.acting_for("training"), {one for row in rows for one in row.rating.pair}
    )
    encoders = _encoders(workspace)
    counted: Counter[str] = Counter()
    added: list[Rating] = []
    pooled: list[imported_ratings.ImportedRating] = []
    with workspace.database.write() as cursor:
        present = imported_ratings.present_uids(cursor)
        for row in rows:
            fate = PRESENT if row.rating.uid in present else _fate(row, known, encoders)
            counted[fate] += 1
            if fate == ADDED:
                added.append(row.rating)
            elif fate == POOLED:
                pooled.append(_pooled(row))
        ratings.insert_all(cursor, added)
        imported_ratings.add(cursor, pooled)
        about = ", ".join(f"{n} {fate}" for fate, n in sorted(counted.items()))
        note(cursor, actor, Act("import ratings", filters=about))
    return Imported(**counted)


def _sourced(row: ImportedRow, home: str, named: str) -> ImportedRow:
    """Return the row with its source: "" where it was given in this workspace, else a name of the site."""
    source = row.rating.source
    if source == home:
        source = ""
    elif not source or source.startswith("site-"):
        source = named or source or UNNAMED
    return replace(row, rating=replace(row.rating, source=source))


def _fate(row: ImportedRow, known: dict[str, RatedSide], encoders: dict[str, str]) -> str:
    """Return what becomes of a row that is not here yet."""
    query, study = known.get(row.rating.query_id), known.get(row.rating.study_id)
    if (
        query
        and study
        and _same(query, row.query_modality, row.query_content)
        and _same(study, row.modality, row.content)
    ):
        return ADDED if query.permitted and study.permitted else WITHDRAWN
    if row.query_vector is None or row.vector is None:
        return BARE
    here = (encoders.get(row.query_modality), encoders.get(row.modality))
    return POOLED if here == (row.query_encoder, row.encoder) else FOREIGN


def _same(side: RatedSide, modality: str, content: str) -> bool:
    """Say whether an id means the same recording at both sites."""
    return (side.modality, side.content) == (modality, content)


def _pooled(row: ImportedRow) -> imported_ratings.ImportedRating:
    one: Rating = row.rating
    assert row.query_vector is not None and row.vector is not None
    return imported_ratings.ImportedRating(
        one.uid,
        one.source,
        one.who,
        one.query_id,
        row.query_modality,
        row.query_labels,
        one.study_id,
        row.modality,
        row.labels,
        one.mark,
        one.why,
        one.comment,
        one.finding,
        one.strategy,
        one.random_share,
        one.release,
        one.bits,
        one.operating_point,
        row.hamming,
        one.created_at,
        row.query_encoder,
        row.encoder,
        row.query_synthetic,
        row.synthetic,
        row.query_vector,
        row.vector,
    )


def _encoders(workspace: Workspace) -> dict[str, str]:
    serving = workspace.releases.serving()
    return workspace.releases.encoders(serving[1]) if serving else {}


def summary_lines(done: Imported) -> list[str]:
    """Return what became of a file in plain sentences."""
    lines = [
        (done.added, "of pairs of this workspace were added"),
        (done.pooled, "of pairs that are only at the other site were kept with their embeddings"),
        (done.present, "were here already"),
        (done.withdrawn, "were refused, because a patient of the pair has withdrawn here"),
        (done.bare, "were refused, because the pair is not here and the file holds no embeddings of it"),
        (done.foreign, "were refused, because the pair is not here and other encoders made its embeddings"),
    ]
    return [f"{n} ratings {words}." for n, words in lines if n] or ["The file holds no rating."]
