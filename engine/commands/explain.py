"""casebind explain FILE [STUDY_ID] --out FILE.png"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.actor import single_user
from engine.commands.burned_in_option import burned_in_option, screened
from engine.commands.shared import (
    answer_options,
    is_file,
    load_release,
    read_query,
    workspace_from_option,
    workspace_option,
)
from engine.errors import RefusedError, UsageError
from engine.strings import notice, text

METHODS = ("gradients", "shap", "occlusion")  # those of engine.explain.maps, which takes torch's seconds to import

if TYPE_CHECKING:
    from engine.intake.burned_in_choice import Choice
    from engine.retrieval.answer import Neighbour


@click.command("explain")
@click.argument("query", metavar="FILE")
@click.argument("study_id", required=False)
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The picture to write.")
@click.option(
    "--method",
    type=click.Choice(METHODS),
    help="How shares are worked out. [default: shap between traces, gradients where a film is]",
)
@answer_options
@burned_in_option
@workspace_option
def command(
    *,
    query: str,
    study_id: str | None,
    out: Path,
    method: str | None,
    fs: float | None,
    units: str | None,
    modality: str | None,
    burned_in: Choice | None,
    workspace: Path | None,
) -> None:
    """Draw which regions of the query and of a match (default: the nearest) made them similar."""
    if not out.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {out.absolute().parent} to write to: make it first.")
    named = is_file(query)
    with workspace_from_option(workspace) as place:
        if study_id is not None:
            place.row(study_id, actor=single_user())
        from engine.explain.picture import write_png
        from engine.explain.sentences import uncoloured
        from engine.explain.workspace_maps import explained
        from engine.intake.upload import Answers
        from engine.retrieval.answer import Options
        from engine.retrieval.search import search
        from engine.workspace.serving import serving_release

        release = serving_release(place, load_release())

        study = read_query([query], named, Answers(modality, fs, units), place.key)
        study = screened(study, burned_in, place, actor=single_user())
        answer = search(place, release, study, Options(k=1), actor=single_user())
        if not answer.verdict.accepted:
            raise RefusedError(" ".join(answer.verdict.reasons))
        if study_id is None:
            study_id = nearest(answer.neighbours, answer.study.modality)
        match = place.study(study_id, actor=single_user())
        place.audit("explained", actor=single_user(), query_id=answer.query_id, returned=(study_id,))
        *_, maps = explained(place, release, answer.study, study_id, actor=single_user(), method=method)
        write_png(answer.study, match, maps, out)
        grey = [text(f"explain.grey_{side}", why=why) for side, why in uncoloured(maps)]
        sides = [one for one in (maps.query, maps.match) if one is not None]
        by = [text("explain.by", method=text(f"explain.method_{one.method}")) for one in sides[:1]]
    click.echo(" ".join([text("explain.written", file=out, study=study_id), *by, *grey, f"{notice()}."]))


def nearest(neighbours: Sequence[Neighbour], modality: str) -> str:
    """Return the nearest study of the query's own modality, else the one closer than most random pairs are.

    Texts come last: they can be matched, but not drawn.
    """
    if not neighbours:
        raise UsageError("The workspace holds no study to explain against: take one in with `casebind ingest`.")
    drawn = [one for one in neighbours if one.modality != "text"]
    alike = [one for one in drawn if one.modality == modality]
    return max(alike or drawn or neighbours, key=lambda one: one.further_share).study_id
