"""The door of a workspace: what of a manifest's row comes in, and under which names.

Further columns are kept by an allow-list (`engine.workspace.manifest_columns`); ids of patients and visits become the
workspace's pseudonyms (`engine.intake.pseudonyms`), the same for one person at every ingest; passages of texts that
tell who somebody is are replaced (`engine.intake.free_text`).

Rows that are synthetic come in as they are; cohorts whose ids are declared to be public pseudonyms already keep them.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from engine.errors import IntakeError
from engine.intake.free_text import Passage, found_in, replaced
from engine.intake.pseudonyms import patient_pseudonym, pseudonym
from engine.store.records import KEEP_IDS, KEEP_TEXTS, REFUSE_TEXTS, REPLACE_ALL_IDS, REPLACE_TEXTS, Cohort
from engine.study import Note, Study, fingerprint
from engine.workspace.manifest import StudyEntry
from engine.workspace.manifest_columns import KEPT, split_columns

SHORTEST = 4  # letters of an id that would name somebody where it stands inside of a study's id
COLUMN_OF_WORDS = "conditions"  # of those in KEPT; a site's own columns may hold words too
LENGTH = 16  # hex digits of a pseudonym, after its letter


@dataclass(frozen=True)
class DoorRules:
    """What a door does. columns : further columns that are kept. texts : one of TEXTS"""

    columns: frozenset[str] = KEPT
    texts: str = REPLACE_TEXTS


@dataclass(frozen=True)
class DoorAccount:
    """What a door did.

    columns : name of a column that was left out → rows that had something in it
    ids     : (what, pseudonym) → the id in whose place it stands; what : "patient", "encounter" or "study"
    texts   : row number → how many passages of each kind stood in its texts
    """

    columns: Counter[str] = field(default_factory=Counter)
    ids: dict[tuple[str, str], str] = field(default_factory=dict)
    texts: dict[int, Counter[str]] = field(default_factory=dict)

    def replaced(self, what: str) -> int:
        """Return how many ids of patients, encounters or studies were replaced."""
        return sum(kind == what for kind, _ in self.ids)


class Door:
    """Lets the entries of one cohort in. key : the workspace's secret"""

    def __init__(self, cohort: Cohort, key: bytes, rules: DoorRules = DoorRules()) -> None:
        self.cohort, self.rules, self.account = cohort, rules, DoorAccount()
        self._key = key

    def let_in(self, entry: StudyEntry) -> StudyEntry:
        """Return an entry as the workspace takes it; one that cannot be read goes on with its problem."""
        kept, left = split_columns(entry.extra, self.rules.columns)
        self.account.columns.update(left.keys())
        entry = replace(entry, extra=kept)
        if self.cohort.ids == KEEP_IDS or self._is_synthetic(entry):
            return entry
        return self._under_pseudonyms(entry, left)

    def without_passages(self, entry: StudyEntry) -> StudyEntry:
        """Return an entry that was let in with its texts as the rules say, those included that are read later."""
        if self.rules.texts == KEEP_TEXTS or self._is_synthetic(entry) or entry.read is None:
            return entry
        try:
            words = {COLUMN_OF_WORDS, *self.rules.columns - KEPT}
            extra = {name: self._text(entry, one) if name in words else one for name, one in entry.extra.items()}
            report = {"report": self._text(entry, str(entry.facts["report"]))} if entry.facts.get("report") else {}
        except IntakeError as error:
            return replace(entry, facts={}, extra={}, read=None, problem=str(error))
        return replace(entry, extra=extra, facts={**entry.facts, **report}, read=self._reader(entry, entry.read))

    def _is_synthetic(self, entry: StudyEntry) -> bool:
        return bool(entry.facts.get("synthetic", self.cohort.synthetic))

    def _reader(self, entry: StudyEntry, read: Callable[[bytes], Study]) -> Callable[[bytes], Study]:
        def reader(key: bytes) -> Study:
            study = read(key)
            if not isinstance(study.content, Note):
                return study
            note = Note(self._text(entry, study.content.text))
            return study if note == study.content else replace(study, content=note, fingerprint=fingerprint(note))

        return reader

    def _text(self, entry: StudyEntry, words: str) -> str:
        """Return words with their passages replaced; IntakeError where the rules refuse them."""
        found = found_in(words)
        if found and self.rules.texts == REFUSE_TEXTS:
            raise IntakeError(f"its text holds what may tell who somebody is ({_kinds(found)}): take that out of it")
        if found:  # a report is met twice: as a cell, and as what is read
            counted: Counter[str] = Counter([one.kind for one in found])
            self.account.texts[entry.number] = counted | self.account.texts.get(entry.number, Counter())
        return replaced(words, found)

    def _under_pseudonyms(self, entry: StudyEntry, left: dict[str, str]) -> StudyEntry:
        facts = dict(entry.facts)
        own = {name: str(facts[name]) for name in ("patient_id", "encounter_id") if facts.get(name)}
        for name, value in own.items():
            what = name.removesuffix("_id")
            made = patient_pseudonym(self._key, value) if what == "patient" else self._named(what, value)
            facts[name] = self._noted(what, made, value)
        study_id = entry.study_id
        if study_id and (self.cohort.ids == REPLACE_ALL_IDS or _holds(study_id, (*own.values(), *left.values()))):
            study_id = self._noted("study", self._named("study", study_id), study_id)
        identity = hmac.new(self._key, f"row\n{entry.identity}".encode(), hashlib.sha256).hexdigest()
        return replace(entry, study_id=study_id, identity=identity, facts=facts)

    def _named(self, what: str, value: str) -> str:
        """Return a pseudonym of an encounter or a study, which no patient's equals."""
        made = pseudonym(self._key, f"{what}\n{value}") or ""
        return f"{what[0]}-{made[:LENGTH]}"

    def _noted(self, what: str, made: str, value: str) -> str:
        if made:
            self.account.ids[what, made] = value
        return made


def _kinds(found: tuple[Passage, ...]) -> str:
    """Return what was found, such as "date, name"."""
    return ", ".join(sorted({one.kind for one in found}))


def _holds(study_id: str, values: tuple[str, ...]) -> bool:
    """Say whether a study's id holds one of the values that must not come in: such as a number with a suffix."""
    return any(len(one) >= SHORTEST and any(map(str.isdigit, one)) and one in study_id for one in values)
