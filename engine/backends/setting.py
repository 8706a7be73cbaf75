"""Where a workspace's codes are searched: `index.backend` in its settings.json, beside the DuckDB file.

    {"index": {"backend": "ray", "sites": ["north", "south"], "address": "10.0.0.1:6379", "limit_s": 2.0}}

Without the file the search is local: in this process, by our own scan. `faiss` searches in this process by faiss's
binary flat index, with the same answers; `ray` and `pgvector` search on many machines. The file is its owner's alone,
as a server's address may hold a password.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from engine.errors import UsageError, WorkspaceError
from engine.files import write_whole

FILE = "settings.json"
IN_PROCESS = ("local", "faiss")  # one process holds the codes and searches them
BACKENDS = (*IN_PROCESS, "ray", "pgvector")
SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,39}")
MAX_SHARDS = 256


@dataclass(frozen=True)
class IndexSetting:
    """How the codes are searched; what only one backend needs is ignored by the others.

    sites       : names of the places that hold shards, as answers name them when one is missing
    address     : ray: host:port of the cluster's head, or "auto"
    servers     : pgvector: one connection string per site, in their order
    shards      : parts of the codes, routed by study; 0 means one per site
    replicas    : sites that hold the same shard
    limit_s     : seconds within which a shard answers or counts as missing
    approximate : pgvector: an HNSW index, faster and not exact, in place of the exact scan
    token       : tells this workspace's tables from others' on a server
    """

    backend: str = "local"
    sites: tuple[str, ...] = ()
    address: str = "auto"
    servers: tuple[str, ...] = ()
    shards: int = 0
    replicas: int = 1
    limit_s: float = 2.0
    approximate: bool = False
    token: str = ""

    @property
    def n_shards(self) -> int:
        """Return how many shards there are."""
        return self.shards or len(self.sites)

    def replica_sites(self, shard: int) -> list[int]:
        """Return the sites, as positions in `sites`, that hold a shard."""
        return [(shard + turn) % len(self.sites) for turn in range(self.replicas)]


def checked(setting: IndexSetting) -> IndexSetting:
    """Return the setting; UsageError in one sentence where it cannot be followed."""
    if setting.backend not in BACKENDS:
        raise UsageError(f"There is no index backend '{setting.backend}': use {', '.join(BACKENDS)}.")
    if setting.backend in IN_PROCESS:
        return setting
    if not setting.sites or len(set(setting.sites)) < len(setting.sites):
        raise UsageError(f"The backend {setting.backend} needs the names of its sites, each once: give --site.")
    strange = [site for site in setting.sites if not SITE.fullmatch(site)]
    if strange:
        raise UsageError(f"'{strange[0]}' cannot be a site's name: use letters, digits, spaces, - and _, at most 40.")
    if not 1 <= setting.replicas <= len(setting.sites):
        raise UsageError(f"{setting.replicas} replicas do not fit {len(setting.sites)} sites: use 1 to that many.")
    if not 0 <= setting.shards <= MAX_SHARDS or not 0.05 <= setting.limit_s <= 600:
        raise UsageError(f"Use 1 to {MAX_SHARDS} shards and a limit of 0.05 to 600 seconds.")
    if setting.backend == "pgvector" and len(setting.servers) != len(setting.sites):
        raise UsageError("The backend pgvector needs one server per site: give --server SITE=ADDRESS.")
    return setting


def read_setting(folder: Path) -> IndexSetting:
    """Return the setting of the workspace in `folder`; WorkspaceError where its file cannot be understood."""
    file = folder / FILE
    if not file.is_file():
        return IndexSetting()
    try:
        stated = json.loads(file.read_text(encoding="utf-8")).get("index", {})
        known = {field.name for field in fields(IndexSetting)}
        if set(stated) - known:
            raise UsageError(f"It has no setting index.{min(set(stated) - known)}.")
        return checked(_typed(stated))
    except (OSError, ValueError, TypeError, AttributeError, UsageError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise WorkspaceError(
            f"The settings {file} cannot be followed ({reason}): set them again by `casebind cluster use`."
        ) from error


def write_setting(folder: Path, setting: IndexSetting) -> IndexSetting:
    """Write the setting where the next opening of the workspace finds it; return it with its token."""
    setting = checked(setting)
    if setting.backend not in IN_PROCESS and not setting.token:
        setting = replace(setting, token=secrets.token_hex(8))
    file = folder / FILE
    others = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    try:
        write_whole(file, json.dumps({**others, "index": asdict(setting)}, indent=1) + "\n", mode=0o600)
    except OSError as error:
        raise WorkspaceError(f"The settings {file} cannot be written ({error.strerror}): check who owns it.") from error
    return setting


def _typed(stated: dict[str, Any]) -> IndexSetting:
    """Return the setting of plain JSON values, each of the type of its default."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stated.items()
    }
    for name, value in values.items():
        default = getattr(IndexSetting(), name)
        wanted = (int, float) if isinstance(default, float) else type(default)
        if not isinstance(value, wanted) or (isinstance(value, bool) and not isinstance(default, bool)):
            raise TypeError(f"index.{name} is {value!r}")
    return IndexSetting(**values)
