"""casebind search --certify: its options, what it costs, and what is certain, in words."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

import click

from engine.actor import Actor
from engine.commands.shared import Command
from engine.errors import UsageError
from engine.strings import several, text
from engine.study import Study

if TYPE_CHECKING:
    from engine.model.release import Release
    from engine.retrieval.answer import Answer, Options
    from engine.retrieval.certified import CertifiedAsk, SearchCertificate
    from engine.workspace.workspace import Workspace

TRIED = 20  # copies encoded to say what all of them will take


def certify_options(command: Command) -> Command:
    """Add --certify, --within and --draws, which the command gets as one `asked`, None where nothing is certified."""

    @functools.wraps(command)
    def with_ask(*args: Any, certify: bool, within: float | None, draws: int | None, **others: Any) -> Any:
        if not certify and (within is not None or draws is not None):
            raise UsageError("--within and --draws say how to certify: add --certify.")
        return command(*args, asked=_asked(within, draws) if certify else None, **others)

    for option in (
        click.option("--draws", type=click.IntRange(100), metavar="N", help="Noisy copies that are encoded. [400]"),
        click.option(
            "--within", type=click.FloatRange(min=0, min_open=True), metavar="L2", help="Length of the change. [0.1]"
        ),
        click.option("--certify", is_flag=True, help="Mark neighbours that no small change of the file can displace."),
    ):
        with_ask = option(with_ask)
    return with_ask  # type: ignore[return-value]


def _asked(within: float | None, draws: int | None) -> CertifiedAsk:
    from engine.retrieval.certified import CertifiedAsk  # imports PyTorch, which a plain search goes without

    return CertifiedAsk(within, *(() if draws is None else (draws,)))


def certified(
    workspace: Workspace,
    release: Release,
    study: Study,
    options: Options,
    asked: CertifiedAsk,
    *,
    actor: Actor,
    started: float,
) -> tuple[Answer, SearchCertificate | None]:
    """Search with a certificate; what it costs is said before, and how far it is."""
    from tqdm import tqdm

    from engine.model.smoothing import smoothed
    from engine.retrieval.certified import certified_search

    if study.modality != "text":
        smoothed(release, study, draws=TRIED)  # the first copies also load what is needed
        began = time.monotonic()
        smoothed(release, study, draws=TRIED)
        seconds = (time.monotonic() - began) * asked.draws / TRIED
        click.echo(f"{asked.draws:,} copies are encoded: about {max(1, round(seconds)):,} s.", err=True)
    with tqdm(total=asked.draws, desc="certify", leave=False, disable=None) as bar:
        return certified_search(
            workspace, release, study, options, asked, actor=actor, progress=bar.update, started=started
        )


def words_of(certificate: SearchCertificate) -> str:
    """Return what is certain, in a sentence."""
    return several(
        len(certificate.certain),
        "steadiness.certificate",
        mark=text("steadiness.certain"),
        length=certificate.length,
        percent=100 * certificate.each,
        bits=certificate.bits,
        draws=certificate.draws,
        sigma=certificate.sigma,
    )
