"""The rows of Table 4: what a language model is given beside the medical text, and who reads film and ECG.

| arm       | paper         | beside the text                                                       |
|-----------|---------------|-----------------------------------------------------------------------|
| text      | –             | nothing                                                               |
| reports   | Text-only     | what people or the machine wrote about film and ECG                    |
| zoo       | Encoder zoo   | embeddings of encoders that were bound each alone                     |
| normal    | MEDBind-NM    | embeddings bound to text, without EMCL                                |
| bound     | MEDBind-BD    | embeddings of the release                                             |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import UsageError
from engine.evaluate.outcomes.embedded import UNBOUND, EmbeddingReader
from engine.model.release import Release, load_release

MODALITIES = ("cxr", "ecg")


@dataclass(frozen=True)
class Arm:
    """One way of feeding the language model.

    title   : its row in the table        reports : whether the reports' words follow the text
    readers : modality → who reads it; empty for text alone
    """

    name: str
    title: str
    reports: bool = False
    readers: Mapping[str, EmbeddingReader] = field(default_factory=dict)

    def named(self) -> dict[str, str]:
        """Return what tells its inputs apart, for the plan of a run."""
        return {modality: reader.named(modality) for modality, reader in self.readers.items()}


@dataclass(frozen=True)
class ReaderFolders:
    """Folders of releases: the bound one (None: the newest), one bound without EMCL, and those bound each alone."""

    bound: Path | None = None
    normal: Path | None = None
    zoo_film: Path | None = None
    zoo_ecg: Path | None = None


def arms(readers: ReaderFolders) -> list[Arm]:
    """Return the rows that these releases allow; a row whose release is not named is left out.

    Without releases that were bound each alone, the zoo are the bound release's encoders under their heads: tuned each
    on its own modality, and never bound. UsageError where half of a zoo is named.
    """
    bound = load_release(readers.bound)
    made = [
        Arm("text", "text alone"),
        Arm("reports", "text and reports (Text-only)", reports=True),
        _zoo(readers, bound),
    ]
    if readers.normal is not None:
        normal = load_release(readers.normal)
        made.append(
            _embeddings("normal", f"text and embeddings bound without EMCL (MEDBind-NM: {normal.name})", normal)
        )
    made.append(_embeddings("bound", f"text and embeddings (MEDBind-BD: {bound.name})", bound))
    return made


def _embeddings(name: str, title: str, release: Release) -> Arm:
    return Arm(name, title, readers={modality: EmbeddingReader(release) for modality in MODALITIES})


def _zoo(readers: ReaderFolders, bound: Release) -> Arm:
    if (readers.zoo_film is None) != (readers.zoo_ecg is None):
        raise UsageError("An encoder zoo has an encoder of films and one of ECGs: name both --zoo-film and --zoo-ecg.")
    if readers.zoo_film is None or readers.zoo_ecg is None:
        title = f"text and unbound encoders (encoder zoo: {bound.name} under its heads)"
        return Arm("zoo", title, readers={modality: EmbeddingReader(bound, UNBOUND) for modality in MODALITIES})
    film, ecg = load_release(readers.zoo_film), load_release(readers.zoo_ecg)
    title = f"text and encoders bound each alone (encoder zoo: {film.name}, {ecg.name})"
    return Arm("zoo", title, readers={"cxr": EmbeddingReader(film), "ecg": EmbeddingReader(ecg)})
