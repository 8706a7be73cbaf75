"""Workspaces from before embeddings were kept in 8 bits get them when they are opened."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
from helpers.studies import RELEASE, fill

from engine import settings
from engine.store import quantised
from engine.workspace.workspace import open_workspace


def test_an_old_workspace_gets_its_eight_bits(tmp_path: Path) -> None:
    with open_workspace(tmp_path, create=True) as place:
        fill(place)
        ordinals = [ordinal for (ordinal,) in place.database.read("SELECT ordinal FROM studies ORDER BY 1")]
        before = quantised.load(place.database, RELEASE, ordinals)
    file = duckdb.connect(str(tmp_path / "casebind.duckdb"))
    file.execute("DROP TABLE small_embeddings")
    file.execute("DELETE FROM schema_version WHERE version = 3")
    schemas = sorted(settings.ROOT.glob("engine/store/migrations/schema_*.sql"))
    file.execute(next(path for path in schemas if "003" in path.name).read_text())
    file.execute("INSERT INTO schema_version VALUES (3, now()::TIMESTAMP)")
    file.close()
    with open_workspace(tmp_path) as place:
        after = quantised.load(place.database, RELEASE, ordinals)
        assert len(before) == len(after) == 12
        assert all(np.allclose(before[one], after[one], atol=np.abs(before[one]).max() / 127) for one in ordinals)
        place.remove(["s0000"])
        assert len(quantised.load(place.database, RELEASE, ordinals)) == 11
