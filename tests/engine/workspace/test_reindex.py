"""A change of release: the old codes answer until the new ones are all there, whatever is killed meanwhile."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from engine.actor import single_user
from engine.errors import WorkspaceError
from engine.files import sha256_of
from engine.modalities import MODALITIES
from engine.model.release import Release, load_release
from engine.retrieval.answer import Options
from engine.retrieval.search import search, search_stored
from engine.settings import ROOT
from engine.study import Note, Study
from engine.workspace import reindex as reindex_module
from engine.workspace.reindex import reindex, reusable
from engine.workspace.workspace import Workspace, open_workspace

QUERY = "syn-0003-e1-ecg"
LIMIT_S = 240.0


def changed(old: Release, folder: Path, *parts: str, name: str = "r9") -> Release:
    """Return a copy of a release under another name, with changed weights in some parts."""
    shutil.copytree(old.path, folder)
    for part in parts:
        state = load_file(folder / part)
        key = "weight" if part == "hash.safetensors" else next(one for one in sorted(state) if one.startswith("head"))
        state[key] = state[key].roll(7, 0).contiguous()
        save_file(state, folder / part)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest |= {"name": name, "parts": {part: sha256_of(folder / part) for part in manifest["parts"]}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return load_release(folder)


@pytest.fixture
def rehashed(release: Release, tmp_path: Path) -> Release:
    return changed(release, tmp_path / "r9", "hash.safetensors")


def found(place: Workspace, newest: Release) -> tuple[str, list[tuple[str, int]]]:
    answer = search_stored(place, newest, QUERY, Options(k=5, bits=64), actor=single_user())
    return answer.release, [(one.study_id, one.hamming) for one in answer.neighbours]


def without_content(place: Workspace, *kept: str) -> None:
    """Delete the content files of all modalities but these, so that nothing can be encoded from them."""
    for row in place.all_rows():
        if row.modality not in kept and row.study_id != QUERY:
            (place.studies_folder / row.file).unlink()


def test_a_new_hash_layer_uses_the_stored_embeddings(workspace: Workspace, release: Release, rehashed: Release) -> None:
    before = found(workspace, rehashed)
    assert before[0] == release.name  # whose codes are there
    without_content(workspace)
    ids = [row.study_id for row in workspace.all_rows()]
    vectors = workspace.embeddings(release.name, ids)
    assert reusable(workspace, rehashed) == set(MODALITIES)
    assert reindex(workspace, rehashed, rehashed.digest) == len(ids)
    after = found(workspace, rehashed)
    assert after[0] == "r9" and after[1] != before[1]
    assert np.array_equal(workspace.embeddings("r9", ids), vectors)
    assert workspace.without_codes("r9") == []
    assert workspace.database.read("SELECT count(*) FROM staged") == [(0,)]
    assert workspace.database.read("SELECT DISTINCT release FROM codes") == [("r9",)]
    assert search_stored(workspace, rehashed, QUERY, Options(k=5, rerank="embedding"), actor=single_user()).neighbours
    with pytest.raises(WorkspaceError, match="no codes of release"):
        found(workspace, changed(release, rehashed.path.with_name("r8"), "text.safetensors", name="r8"))


def test_only_what_a_new_part_makes_is_encoded_again(workspace: Workspace, release: Release, tmp_path: Path) -> None:
    newer = changed(release, tmp_path / "r9", "text.safetensors")
    without_content(workspace, "text")
    held = {m: workspace.codes(release.name, m).words.copy() for m in MODALITIES}
    assert reusable(workspace, newer) == {"cxr", "ecg", "ppg"}
    reindex(workspace, newer, newer.digest)
    for modality in MODALITIES:
        same = np.array_equal(workspace.codes("r9", modality).words, held[modality])
        assert same == (modality != "text")


def until_seen(seen: list[tuple[str, list[tuple[str, int]]]], name: str) -> None:
    """Wait until a search of the threads was answered by this release."""
    until = time.monotonic() + LIMIT_S
    while all(release != name for release, _ in seen.copy()):
        assert time.monotonic() < until, f"no search was answered by {name}"
        time.sleep(0.01)


def test_searches_go_on_and_see_one_release_at_a_time(
    workspace: Workspace, release: Release, rehashed: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reindex_module, "REUSED_BATCH", 8)
    before = found(workspace, rehashed)[1]
    seen: list[tuple[str, list[tuple[str, int]]]] = []
    errors: list[Exception] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                seen.append(found(workspace, rehashed))
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    until_seen(seen, release.name)
    reindex(workspace, rehashed, rehashed.digest)
    until_seen(seen, "r9")
    done.set()
    for thread in threads:
        thread.join()
    after = found(workspace, rehashed)[1]
    assert errors == []
    assert {name for name, _ in seen} == {release.name, "r9"}
    assert all(near == (after if name == "r9" else before) for name, near in seen)


def test_studies_that_come_and_go_meanwhile_count(
    workspace: Workspace, release: Release, rehashed: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reindex_module, "REUSED_BATCH", 8)
    ids = [row.study_id for row in workspace.all_rows() if row.study_id != QUERY]

    class Meanwhile:
        """A progress bar under which somebody deletes and replaces."""

        turns = 0

        def update(self, n: float) -> None:
            self.turns += 1
            if self.turns == 3:
                workspace.remove([ids[0], ids[-1]])  # one that is staged and one that is not
                vector = workspace.embeddings(release.name, [ids[1]])
                code = np.full((1, 32), 7, np.uint8)
                workspace.add_codes(release.name, release.digest, [ids[1]], -vector, code, replace=True)

    vector = workspace.embeddings(release.name, [ids[1]])
    reindex(workspace, rehashed, rehashed.digest, Meanwhile())
    assert workspace.without_codes("r9") == []
    assert np.array_equal(workspace.embeddings("r9", [ids[1]]), -vector)
    assert {ids[0], ids[-1]}.isdisjoint(row.study_id for row in workspace.all_rows())
    held = sum(workspace.codes("r9", modality).ids.size for modality in MODALITIES)
    assert held == len(workspace.all_rows())


def test_an_embedding_that_was_replaced_before_it_was_staged_is_left_out(
    workspace: Workspace, release: Release, rehashed: Release
) -> None:
    ids = [row.study_id for row in workspace.all_rows()][:3]
    vectors, codes = workspace.embeddings(release.name, ids), np.zeros((3, 32), np.uint8)
    workspace.add_codes(release.name, release.digest, ids[:1], -vectors[:1], codes[:1], replace=True)
    workspace.releases.stage(rehashed.digest, ids, vectors, codes, release.name)
    waiting = [study_id for study_id, _ in workspace.releases.unstaged_studies(rehashed.digest)]
    assert ids[0] in waiting and not {ids[1], ids[2]} & set(waiting)


KILLED = """
import sys
from pathlib import Path
from engine.workspace import reindex as module
from engine.workspace.workspace import open_workspace
from engine.model.release import load_release
module.REUSED_BATCH = 4
class Said:
    def update(self, n): print(n, flush=True)
release = load_release(Path(sys.argv[2]))
with open_workspace(sys.argv[1]) as place:
    module.reindex(place, release, release.digest, Said())
print("done", flush=True)
"""


def test_killed_anywhere_it_works_and_goes_on(workspace_folder: Path, release: Release, rehashed: Release) -> None:
    with open_workspace(workspace_folder) as place:
        before, total = found(place, rehashed), len(place.all_rows())
    left = total
    for batches in (2, 9, 10**6):  # the last is killed while or just after it switches
        command = [sys.executable, "-c", KILLED, str(workspace_folder), str(rehashed.path)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            for said, _ in enumerate(process.stdout, start=1):
                if said == batches or said * 4 >= left:
                    break
            process.kill()
        with open_workspace(workspace_folder) as place:
            now = found(place, rehashed)
            waiting = len(place.releases.unstaged_studies(rehashed.digest))
            if now[0] == release.name:
                assert now == before
                assert waiting < left
                left = waiting
    with open_workspace(workspace_folder) as place:
        reindex(place, rehashed, rehashed.digest)
        assert found(place, rehashed)[0] == "r9"
        assert place.without_codes("r9") == []
        answer = search(
            place, rehashed, Study("text", Note("effusion"), "typed text"), Options(k=3), actor=single_user()
        )
        assert answer.release == "r9" and {one.modality for one in answer.neighbours} == set(MODALITIES)
