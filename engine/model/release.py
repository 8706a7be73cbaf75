"""One versioned set of model parts, loaded as a whole and used by everything after intake.

A release is a folder: manifest.json (modalities, data, figures, hashes of every part), one .safetensors per modality
(encoder and head), hash.safetensors, calibration.json. Parts load when first used; a part whose bytes differ from the
manifest is refused. A release that a round made (engine.learning.round_release) also has heads.safetensors, a map per
modality between stored embeddings and hash layer, and leaves the parts that it did not change with the release it is
based on.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import ReleaseError, UsageError
from engine.files import sha256_of
from engine.modalities import resolve, spec_of
from engine.model import exported
from engine.model.packing import BITS, pack
from engine.settings import MODELS
from engine.study import Study

if TYPE_CHECKING:
    import torch
    from torch import nn

    from engine.model.hash_layer import HashLayer

FORMAT = 1  # of the manifest
UNSTATED_MODALITIES = ("cxr", "ecg", "ppg", "text")  # of a manifest that states none, in its hash layer's order
BATCH = 32
LEAST_LENGTH = 1e-12  # that a vector is divided by, as torch.nn.functional.normalize does


def releases(folder: Path = MODELS) -> list[Path]:
    """Return the release folders, oldest first (r1, r2, … r10)."""
    found = [file.parent for file in folder.glob("r*/manifest.json")]
    return sorted(found, key=lambda path: (len(path.name), path.name))


def base_of(name: str) -> str:
    """Return the name of the shipped release that a release's name says it is based on: r2.3 → r2."""
    return name.partition(".")[0]


def load_release(path: Path | None = None) -> Release:
    """Return the release at `path`, or the newest in data/models. Raises ReleaseError where there is none."""
    if path is None:
        known = releases()
        if not known:
            raise ReleaseError("No model release is installed: restore data/models or run `casebind train`.")
        path = known[-1]
    try:
        manifest = json.loads((path / "manifest.json").read_text())
    except (OSError, ValueError) as error:
        raise ReleaseError(f"Release {path.name} has no readable manifest ({error}): restore its folder.") from error
    if manifest.get("format") != FORMAT:
        found = manifest.get("format")
        raise ReleaseError(f"Release {path.name} has format {found}, this Casebind reads {FORMAT}: update Casebind.")
    return Release(path, manifest)


_installed: dict[tuple[str, tuple[Path, ...]], Release] = {}  # found by `installed`, by digest and folders


def installed(name: str, digest: str, *extra_folders: Path) -> Release | None:
    """Return the release of that name and digest, loaded once, or None where it is not there.

    more : folders to look into beside data/models, such as a workspace's own
    """
    folders = (MODELS, *extra_folders)
    known = _installed.get((digest, folders))
    if known is not None and (known.path / "manifest.json").is_file():
        return known
    for path in (path for folder in folders for path in releases(folder)):
        found = load_release(path)
        if (found.name, found.digest) == (name, digest):
            _installed[digest, folders] = found
            return found
    return None


class Release:
    """Encoders, heads, hash layer and calibration of one version."""

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path, self.manifest = path, manifest
        self.name: str = manifest["name"]
        self.modalities: tuple[str, ...] = tuple(manifest.get("modalities", UNSTATED_MODALITIES))
        self._parts: dict[str, Any] = {}
        self._lock = threading.RLock()

    @property
    def base(self) -> str:
        """Name of the release whose encoders this one uses; its own where no round made it."""
        return str(self.manifest.get("base", self.name))

    @property
    def digest(self) -> str:
        """SHA-256 over everything that decides embeddings and codes; calibration, figures and cards do not count."""
        decisive = {key: self.manifest.get(key) for key in ("format", "name", "trunk", "text_model")}
        if self.modalities != UNSTATED_MODALITIES:  # so that the digest of those four does not depend on being stated
            decisive["modalities"] = self.modalities
        decisive["parts"] = {file: sha for file, sha in self.manifest["parts"].items() if file.endswith(".safetensors")}
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()

    @property
    def encoders(self) -> dict[str, str]:
        """Modality → SHA-256 over everything that decides its embeddings: encoder, head, and the model below them."""
        below = {m: self.manifest.get(spec_of(m).foundation) for m in self.modalities}
        parts = {m: [self.manifest["parts"].get(f"{m}.safetensors"), below[m]] for m in self.modalities}
        return {m: hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest() for m, part in parts.items()}

    def encoder(self, modality: str) -> str:
        """Return the SHA-256 of `encoders` for one modality. Raises ReleaseError where there is none."""
        self.check(modality)
        return self.encoders[modality]

    def open_exported(self, modality: str) -> None:
        """Open a modality's exported encoder where there is one, so that it also serves the quality gate of films."""
        if modality in self.modalities:
            exported.session_for(modality, self.encoder(modality))

    def inputs(self, study: Study) -> dict[str, np.ndarray]:
        """Return one study's model inputs, without batch axis; "x" is what attributions refer to.

        film: x (1, 224, 224) in 0 … 1. ecg: x (12, 1000) z-scored at 100 Hz, amplitude, flags, length.
        ppg: x (1, 1250) z-scored at 125 Hz, length. text: x (384,).
        """
        made: dict[str, np.ndarray] = resolve(spec_of(study.modality).inputs)(study.searched)
        return made

    def module(self, modality: str) -> nn.Module:
        """Return the module from batched inputs to (n, 256) embeddings; frozen, differentiable in its inputs."""
        self.check(modality)
        return self._part(modality, self._load_tower)

    def check(self, modality: str) -> None:
        """Raise ReleaseError where this release cannot encode a modality."""
        if modality not in self.modalities:
            raise ReleaseError(
                f"Release {self.name} has no encoder for {modality} and reads {', '.join(self.modalities)}: "
                "use a release that was trained with it."
            )

    def embed(self, studies: Sequence[Study]) -> np.ndarray:
        """Return embeddings in the order given, (n, 256) float32 of length 1.

        One study is encoded by the exported encoder, without PyTorch, where there is one (engine.model.exported).
        """
        alone = exported.embedding_of(studies[0], self.encoder(studies[0].modality)) if len(studies) == 1 else None
        if alone is not None:
            return alone[None]
        import torch

        out = np.zeros((len(studies), 256), np.float32)
        for modality in dict.fromkeys(study.modality for study in studies):
            where = [i for i, study in enumerate(studies) if study.modality == modality]
            for start in range(0, len(where), BATCH):
                chunk = where[start : start + BATCH]
                with torch.no_grad():
                    out[chunk] = self._embed_alike(modality, [studies[i] for i in chunk]).numpy()
        return out

    def embed_inputs(self, inputs: Sequence[Mapping[str, np.ndarray]], modality: str) -> np.ndarray:
        """Return embeddings of prepared studies of one modality, (n, 256) float32; inputs as `inputs` returns them."""
        session = exported.session_for(modality, self.encoder(modality)) if len(inputs) == 1 else None
        if session is not None:
            return session.embedding(inputs[0])[None]
        import torch

        with torch.no_grad():
            found: np.ndarray = self.module(modality)(**_batched(inputs)).numpy()
            return found

    def codes(self, embeddings: np.ndarray, modality: str) -> np.ndarray:
        """Return packed codes of one modality's embeddings: (n, 256) float32 → (n, 32) uint8."""
        return pack(self.projections(embeddings, modality) > 0)

    def projections(self, embeddings: np.ndarray, modality: str) -> np.ndarray:
        """Return what becomes codes by its sign, signed distances from each bit's threshold: (n, 256) → (n, 256)."""
        self.check(modality)
        planes = self._part("planes", self._load_planes)
        thresholds: np.ndarray = planes["threshold"][self.modalities.index(modality)]
        found: np.ndarray = (self.mapped(embeddings, modality) @ planes["weight"].T - thresholds) * BITS**0.5
        return found

    def mapped(self, embeddings: np.ndarray, modality: str) -> np.ndarray:
        """Return stored embeddings as this release orders them, the map of its round applied: (n, 256) of length 1."""
        z, head = np.asarray(embeddings, np.float32), self._part("heads", self._load_heads).get(modality)
        if head is None:
            return z
        turned = z @ head.T
        found: np.ndarray = turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), LEAST_LENGTH)
        return found

    def mapping(self, modality: str) -> Callable[[torch.Tensor], torch.Tensor]:
        """Return the map of one modality's embeddings, (n, 256) → (n, 256) of length 1; differentiable."""
        import torch
        from torch.nn.functional import normalize

        head = self._part("heads", self._load_heads).get(modality)
        if head is None:
            return lambda z: z
        matrix = torch.from_numpy(head)
        return lambda z: normalize(z @ matrix.T, dim=1)

    @property
    def heads(self) -> dict[str, np.ndarray]:
        """Modality → the (256, 256) float32 map of its round; the identity where there is none."""
        own = self._part("heads", self._load_heads)
        return {m: own.get(m, np.eye(256, dtype=np.float32)) for m in self.modalities}

    def layer(self) -> HashLayer:
        """Return the hash layer, frozen."""
        found: HashLayer = self._part("hash", self._load_hash)
        return found

    def radius(self, query: str, target: str, bits: int, operating_point: str) -> int:
        """Return the operating point's Hamming radius for a pair of modalities and a code length."""
        table = self._table(query, target, bits)["radius"]
        if operating_point not in table:
            raise UsageError(
                f"The operating point {operating_point!r} does not exist: choose one of {', '.join(table)}."
            )
        return int(table[operating_point])

    def close_limit(self, query: str, target: str, bits: int) -> int:
        """Return the distance beyond which a nearest neighbour is called "nothing close"."""
        return int(self._table(query, target, bits)["close_limit"])

    def further_share(self, query: str, target: str, bits: int, hamming: int) -> float:
        """Return the share of random validation pairs that are further apart than `hamming`."""
        return float(self._table(query, target, bits)["further"][hamming])

    def relevance(self, query: str, target: str, bits: int, hamming: int) -> float:
        """Return the calibrated probability that two studies this far apart share a finding (isotonic, validation)."""
        return float(self._table(query, target, bits)["relevance"][hamming])

    def load(self, modalities: Sequence[str] | None = None) -> None:
        """Load the parts of these modalities, or of all it can encode, so that no later query pays for it."""
        for modality in self.modalities if modalities is None else modalities:
            self.module(modality)
        self.layer()
        self._part("heads", self._load_heads)
        self._part("calibration", self._load_calibration)

    def _part(self, name: str, load: Any) -> Any:
        with self._lock:
            if name not in self._parts:
                self._parts[name] = load(name)
            return self._parts[name]

    def _embed_alike(self, modality: str, studies: Sequence[Study]) -> torch.Tensor:
        """Embed studies of one modality."""
        tower: Any = self.module(modality)
        embed = spec_of(modality).embed
        if embed is not None:
            embedded: torch.Tensor = resolve(embed)(tower, studies)
            return embedded
        return tower(**_batched([self.inputs(study) for study in studies]))

    def _table(self, query: str, target: str, bits: int) -> dict[str, Any]:
        self.check(query)
        self.check(target)
        tables = self._part("calibration", self._load_calibration)
        return tables[f"{query}>{target}"][str(bits)]

    def part(self, file: str) -> Path:
        """Return the path of a part whose bytes are those of the manifest; ReleaseError where it is not there.

        It lies in the release's own folder, in that of the adaptation that made it (`held_by`), or with the base.
        """
        wanted, holder = self.manifest["parts"].get(file), self.manifest.get("held_by", {}).get(file, self.name)
        places = (self.path, self.path.parent / holder, MODELS / self.base)
        path = next((at / file for at in places if (at / file).is_file()), None)
        if wanted is None or path is None:
            raise ReleaseError(f"The release {self.name} lacks its part {file}: restore {self.path.name}.")
        if sha256_of(path) != wanted:
            raise ReleaseError(f"The part {file} of release {self.name} is not the one its manifest names: restore it.")
        return path

    def _load_tower(self, modality: str) -> nn.Module:
        from safetensors.torch import load_file

        from engine.model import foundations
        from engine.model.heads import Tower

        foundations.check(self.name, self.manifest, modality)
        state = load_file(self.part(f"{modality}.safetensors"))
        tower = Tower(modality, weights=state)
        tower.load_state_dict({name: tensor.float() for name, tensor in state.items()})
        return tower.eval().requires_grad_(False)

    def _load_hash(self, _: str) -> HashLayer:
        from safetensors.torch import load_file

        from engine.model.hash_layer import HashLayer

        layer = HashLayer(self.modalities)
        layer.load_state_dict({k: v.float() for k, v in load_file(self.part("hash.safetensors")).items()})
        return layer.eval().requires_grad_(False)

    def _load_planes(self, _: str) -> dict[str, np.ndarray]:
        from safetensors.numpy import load_file

        found = load_file(self.part("hash.safetensors"))
        return {name: found[name].astype(np.float32) for name in ("weight", "threshold")}

    def _load_heads(self, _: str) -> dict[str, np.ndarray]:
        from safetensors.numpy import load_file

        there = "heads.safetensors" in self.manifest["parts"]
        return load_file(self.part("heads.safetensors")) if there else {}

    def _load_calibration(self, _: str) -> dict[str, Any]:
        return json.loads(self.part("calibration.json").read_text())["pairs"]


def _batched(inputs: Sequence[Mapping[str, np.ndarray]]) -> dict[str, torch.Tensor]:
    """Return model inputs of several studies as one batch."""
    import torch

    return {name: torch.from_numpy(np.stack([np.asarray(one[name]) for one in inputs])) for name in inputs[0]}
