"""`casebind cluster`, the workspace's setting, and what is said where a package or a cluster is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.backends.local import LocalBackend
from engine.backends.setting import FILE, IndexSetting, read_setting, write_setting
from engine.bench.cluster.nodes import Nodes
from engine.cli import run
from engine.errors import UsageError, WorkspaceError
from engine.workspace.workspace import open_workspace


def said(capsys: pytest.CaptureFixture, *words: object) -> tuple[int, str, str]:
    """Run one command; return its status, standard output and standard error."""
    status = run([str(word) for word in words])
    out, complaint = capsys.readouterr()
    return status, out, complaint


def test_the_setting_is_kept_and_local_is_the_default(tmp_path: Path) -> None:
    with open_workspace(tmp_path, create=True) as place:
        assert isinstance(place.backend, LocalBackend)
    stated = write_setting(tmp_path, IndexSetting("pgvector", ("a", "b"), servers=("x", "y"), shards=5, replicas=2))
    assert read_setting(tmp_path) == stated
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600  # an address may hold a password
    assert stated.replica_sites(4) == [0, 1]
    assert write_setting(tmp_path, IndexSetting()).backend == read_setting(tmp_path).backend == "local"


@pytest.mark.parametrize(
    ("stated", "named"),
    [
        ('{"index": {"backend": "spark"}}', "spark"),
        ('{"index": {"backend": "ray"}}', "--site"),
        ('{"index": {"backend": "ray", "sites": ["a", "a"]}}', "each once"),
        ('{"index": {"backend": "ray", "sites": ["a;b"]}}', "a;b"),
        ('{"index": {"backend": "ray", "sites": ["a"], "replicas": 2}}', "2 replicas"),
        ('{"index": {"backend": "ray", "sites": ["a"], "limit_s": 0}}', "seconds"),
        ('{"index": {"backend": "ray", "sites": ["a"], "limit_s": true}}', "limit_s"),
        ('{"index": {"backend": "pgvector", "sites": ["a"]}}', "--server"),
        ('{"index": {"colour": "blue"}}', "colour"),
        ('{"index": ', "settings.json"),
        ("[]", "settings.json"),
    ],
)
def test_a_setting_that_cannot_be_followed_is_one_sentence(tmp_path: Path, stated: str, named: str) -> None:
    open_workspace(tmp_path, create=True).close()
    (tmp_path / FILE).write_text(stated)
    with pytest.raises(WorkspaceError, match="casebind cluster use") as caught:
        open_workspace(tmp_path)
    assert named in str(caught.value)
    (tmp_path / FILE).unlink()
    open_workspace(tmp_path).close()


def test_use_and_status(tmp_path: Path, capsys: pytest.CaptureFixture, nodes: Nodes) -> None:
    status, _, complaint = said(capsys, "cluster", "use", "local", "--workspace", tmp_path)
    assert status == 2 and "no workspace" in complaint
    open_workspace(tmp_path, create=True).close()
    assert said(capsys, "cluster", "status", "--workspace", tmp_path)[:2] == (
        0,
        "local: the codes are searched in this process.\n",
    )
    sites = ("--site", "north", "--site", "south", "--site", "west")
    status, out, _ = said(capsys, "cluster", "use", "ray", *sites, "--address", nodes.address, "--workspace", tmp_path)
    assert status == 0 and "by ray at north, south, west" in out
    status, out, _ = said(capsys, "cluster", "status", "--workspace", tmp_path)
    assert status == 2
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["north", "south", "west"]
    assert "site_west" in out.splitlines()[3] and out.count("in step") == 2
    status, _, complaint = said(capsys, "cluster", "use", "pgvector", "--server", "nowhere", "--workspace", tmp_path)
    assert status == 2 and complaint.count("\n") == 1 and "SITE=ADDRESS" in complaint


def test_a_cluster_that_does_not_answer_is_one_sentence(tmp_path: Path, nodes: Nodes) -> None:
    """Not among the tests of a connection: the nodes of this process are already connected to."""
    open_workspace(tmp_path, create=True).close()
    write_setting(tmp_path, IndexSetting("ray", ("north",), address="127.0.0.1:1"))
    code = f"from engine.cli import main; main(['cluster', 'status', '--workspace', {str(tmp_path)!r}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "127.0.0.1:1 does not answer" in done.stderr


@pytest.mark.parametrize(("backend", "package"), [("ray", "ray"), ("pgvector", "psycopg")])
def test_without_the_package_one_sentence_says_what_to_install(tmp_path: Path, backend: str, package: str) -> None:
    open_workspace(tmp_path, create=True).close()
    words = ["cluster", "use", backend, "--site", "a", "--server", "a=x", "--workspace", str(tmp_path)]
    code = f"import sys; sys.modules[{package!r}] = None; from engine.cli import main; main({words!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "casebind[cluster]" in done.stderr


def test_the_engine_imports_neither() -> None:
    code = (
        "import sys, engine.retrieval, engine.backends.cluster.coordinator, engine.backends.cluster.ray_link\n"
        "import engine.backends.cluster.server_link, engine.bench.cluster.bench\n"
        "print(sorted({'ray', 'psycopg'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=True)
    assert done.stdout.strip() == "[]"


def test_more_replicas_than_sites_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="3 replicas"):
        write_setting(tmp_path, IndexSetting("ray", ("a", "b"), replicas=3))


def test_the_benchmarks_table_says_what_was_not_equal() -> None:
    from engine.bench.cluster.bench import as_table

    found = {
        "backend": "ray",
        "n": 100,
        "bits": 64,
        "nodes": 2,
        "shards": 2,
        "exact": True,
        "exact_after": False,
        "compared": 3,
        "filters": {"half": {"local_ms": 1.0, "cluster_ms": 2.0, "ratio": 2.0}},
        "killed_answer_s": 1.0,
        "limit_s": 2.0,
        "missing_sites": [],
        "next_answer_s": 0.1,
        "full_again_s": 3.0,
    }
    assert "NOT EQUAL" in as_table(found) and "missing nobody" in as_table(found)
