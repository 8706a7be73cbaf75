"""Whether an emergency opens anything to somebody: whoever may see and do no more by it is not signed in for one.

The policies are asked about every kind of study that they can tell apart. Where that cannot be said for certain, as
where a policy compares parts of words or days, the answer is yes: a wrong no would cost time that an emergency lacks.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from engine.access.policies import policy_files
from engine.access.policies.decisions import Decided, decide
from engine.actor import USES, Actor
from engine.store.classes import MOST, Attributes

STRING = re.compile(r'"([^"\\]*)"')
NOT_LISTED = re.compile(r'\blike\b|\bdatetime\b|\bduration\b|StudyClass::"|\\')  # what is more than equal or not
LISTED = re.compile(r'@\w+\("[^"]*"\)|Action::"\w+"|roles\.contains\w*\([^)]*\)|purpose\s*==\s*"\w+"')
OTHER, PAST = "of somebody else", "1970-01-01"


def opens_more(folder: Path, actor: Actor) -> bool:
    """Return whether somebody sees or may do for an emergency what no other purpose opens.

    folder : the workspace's. actor : with roles, attributes and the reason
    """
    words = policy_files.text_of(folder)
    loaded, compared = policy_files.parsed(words), _compared(words)
    today = datetime.now(UTC).date().isoformat()
    if loaded.handle is None or NOT_LISTED.search(compared):
        return True
    known = dict(actor.attributes)
    own = [known.get("department", ""), *(one.strip() for one in known.get("project", "").split(","))]
    values = sorted({"", OTHER, *own, *STRING.findall(compared)})
    kinds = [Attributes(*one) for one in product(values, values, ("", PAST, today), (False, True))]
    if len(kinds) > MOST:
        return True
    classes = dict(enumerate(kinds))
    found = {use: _opened(decide(loaded, replace(actor, use=use), classes, today), len(kinds)) for use in USES}
    return bool(found.pop("emergency").difference(*found.values()))


def _opened(decided: Decided, kinds: int) -> set[object]:
    """Return the numbers of the kinds of studies that are seen, and the acts that are permitted."""
    return {*(range(kinds) if decided.classes is None else decided.classes), *decided.acts}


def _compared(words: str) -> str:
    """Return policies without remarks and names, and without what the schema lists: acts, roles and purposes."""
    lines = (line for line in words.splitlines() if not line.lstrip().startswith("//"))
    return LISTED.sub("", "\n".join(lines))
