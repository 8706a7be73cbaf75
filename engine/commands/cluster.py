"""casebind cluster use | status"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine import settings
from engine.actor import single_user
from engine.backends.setting import BACKENDS, IndexSetting, read_setting, write_setting
from engine.commands.shared import load_release, workspace_from_option, workspace_option
from engine.errors import CasebindError, UsageError
from engine.modalities import MODALITIES
from engine.store.acts import Act
from engine.store.audit_file import AuditFile

if TYPE_CHECKING:
    from engine.backends.cluster.coordinator import ReplicaStatus

IN_THIS_PROCESS = {"local": "in this process", "faiss": "in this process by faiss"}  # backend → where it searches


@click.group("cluster")
def command() -> None:
    """Search the workspace's codes here, by our own scan or by faiss, on a Ray cluster, or on servers with pgvector."""


@command.command("use")
@click.argument("backend", type=click.Choice(BACKENDS))
@click.option("--site", "sites", multiple=True, help="ray: name of a site; a machine offers site_NAME. Repeat.")
@click.option("--address", default="auto", show_default=True, help="ray: host:port of the cluster's head.")
@click.option("--server", "servers", multiple=True, metavar="SITE=ADDRESS", help="pgvector: a site's server. Repeat.")
@click.option("--shards", type=int, default=0, help="Parts of the codes (default: one per site).")
@click.option("--replicas", type=int, default=1, show_default=True, help="Sites that hold the same shard.")
@click.option("--limit", "limit_s", type=float, default=2.0, show_default=True, help="Seconds that a shard may take.")
@click.option("--approximate", is_flag=True, help="pgvector: an HNSW index, faster and no longer exact.")
@workspace_option
def use_command(
    *,
    backend: str,
    sites: tuple[str, ...],
    address: str,
    servers: tuple[str, ...],
    shards: int,
    replicas: int,
    limit_s: float,
    approximate: bool,
    workspace: Path | None,
) -> None:
    """Set index.backend of the workspace; it holds from its next opening on."""
    from engine.store.folder import check_folder

    folder = workspace or settings.workspace_path()
    check_folder(folder, create=False)
    named = [_named(server) for server in servers]
    setting = IndexSetting(
        backend,
        sites or tuple(site for site, _ in named),
        address,
        tuple(at for _, at in named),
        shards,
        replicas,
        limit_s,
        approximate,
    )
    _need(setting)
    with AuditFile(folder) as audit:
        audit.append(single_user(), Act("setting", about={"index.backend": backend, "sites": list(setting.sites)}))
    write_setting(folder, setting)
    where = IN_THIS_PROCESS.get(backend) or f"by {backend} at {', '.join(setting.sites)}"
    click.echo(f"{folder} is searched {where} from its next opening on.")


@command.command("status")
@workspace_option
def status_command(workspace: Path | None) -> int:
    """Say where the codes are searched and which sites answer (status 0 only where all do)."""
    with workspace_from_option(workspace) as place:
        from engine.backends.cluster.coordinator import Coordinator

        backend = place.backend
        if not isinstance(backend, Coordinator):
            name = read_setting(place.path).backend
            click.echo(f"{name}: the codes are searched {IN_THIS_PROCESS[name]}.")
            return 0
        name = backend.setting.backend
        click.echo(f"{name}: {backend.setting.n_shards} shards, {backend.setting.replicas} of each")
        standing = backend.status(load_release().name, tuple(MODALITIES))
        for site in backend.setting.sites:
            click.echo(_line(site, [one for one in standing if one.site == site]))
        return CasebindError.exit_status if any(one.error for one in standing) else 0


def _line(site: str, shards: list[ReplicaStatus]) -> str:
    away = [one for one in shards if one.error]
    state = f"missing  {away[0].error}" if away else "in step"
    return f"  {site:<20}shards {', '.join(str(one.shard) for one in shards)}  {state}"


def _named(server: str) -> tuple[str, str]:
    site, _, address = server.partition("=")
    if not address or "/" in site or ":" in site:
        raise UsageError(
            f"'{server}' names no site: give --server SITE=ADDRESS, e.g. north=postgresql://host/casebind."
        )
    return site, address


def _need(setting: IndexSetting) -> None:
    """Raise UsageError where the backend's package is not installed."""
    if setting.backend == "ray":
        from engine.backends.cluster.ray_link import need_ray

        need_ray(setting.address)
    elif setting.backend == "pgvector":
        from engine.backends.cluster.server_link import need_psycopg

        need_psycopg()
    elif setting.backend == "faiss":
        from engine.index.flat import need_faiss

        need_faiss()
