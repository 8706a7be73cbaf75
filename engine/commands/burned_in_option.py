"""--burned-in: what is done about films that seem to carry text, where no page can ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.actor import Actor
from engine.study import Study

if TYPE_CHECKING:
    from engine.intake.burned_in_choice import Choice
    from engine.workspace.workspace import Workspace

Command = TypeVar("Command", bound=Callable[..., Any])

HELP = (
    "Films that seem to carry text: black out where it stands, keep films as they are without looking for any, or "
    "refuse (the default where the extra ocr is installed; without it, text is not looked for)."
)


def burned_in_option(command: Command) -> Command:
    """Add --burned-in; the command gets it as `burned_in`, None where it was not given."""
    return click.option("--burned-in", type=click.Choice(["black-out", "keep", "refuse"]), help=HELP)(command)


def screened(study: Study, burned_in: Choice | None, place: Workspace, *, actor: Actor) -> Study:
    """Return a query's study after what --burned-in says; a flagged film is in the record before it is searched.

    Raises IntakeError where a flagged film is refused, UsageError where text cannot be looked for as was asked.
    """
    from engine.intake.burned_in_choice import ACT, Screen

    screen = Screen(burned_in)
    if place.is_synthetic(study):
        return study
    try:
        return screen.passed(study)
    finally:
        if screen.flagged:
            place.audit(ACT, actor=actor, about=screen.about)
