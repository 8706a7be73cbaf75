"""What the tests against a real Orthanc share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from helpers.orthanc import Orthanc, filled_orthanc


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """A real Orthanc with films, ECGs and what accompanies them, in a network of its own."""
    with filled_orthanc(tmp_path_factory.mktemp("orthanc")) as running:
        yield running
