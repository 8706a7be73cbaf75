"""About without a browser: the table of outcomes is shown as that of a synthetic cohort, and speaks of no patient."""

from __future__ import annotations

import pytest
from helpers.screens import new_screen, opened, said_no_error, table_rows, words

from engine.evaluate.outcomes.recorded import recorded
from engine.evaluate.outcomes.texts import TASKS
from engine.strings import text
from engine.workspace.workspace import Workspace


@pytest.mark.usefixtures("filled")
def test_about_shows_the_recorded_table(filled: Workspace) -> None:
    found = recorded()
    assert found is not None
    screen = said_no_error(opened(new_screen().run(), "about"))
    said = words(screen)
    assert "**Synthetic cohort**: nobody in it exists" in said and "never predicts an outcome of a patient" in said
    assert f"release {found.release} " in said
    assert all(f"{found.asked[task]:,} " in said for task in TASKS)
    rows = {row[0]: row[1:] for row in table_rows(screen)}
    bound, alone = (rows[text(f"about.outcomes_arm_{arm}")] for arm in ("bound", "text"))
    assert bound[0].startswith(f"{found.rows['bound']['readmission'].value:.2f} (")
    assert float(bound[1].split()[0]) > float(alone[1].split()[0])
