"""The codes of a workspace in memory, in step with its tables: what comes, goes or is withdrawn counts at once.

A change is committed and then published as a new snapshot, both under the database's lock, so snapshots follow the
order of the commits; readers take the newest snapshot without any lock. A deletion is published first, so that nobody
finds a study while it is being deleted. Compaction loads a new base on a cursor of its own and repeats on it what
changed meanwhile.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np

from engine.backends.compaction import BackgroundTasks
from engine.index.autotune import INDEX_FROM, choose_index
from engine.index.code_columns import Columns
from engine.index.snapshot import Base, Delta, Mask, Snapshot, full_snapshot
from engine.store import codes, permission
from engine.store.codes import WORDS
from engine.store.database import Database
from engine.store.filters import Clause
from engine.study import Modality

COMPACT_FROM = 4096  # fresh or hidden codes
COMPACT_SHARE = 16  # and at least one in so many of the base
ATTEMPTS = 4  # to read snapshots and masks while nothing changes, before everybody is made to wait
MAX_CACHED_MASKS = 32  # of the last filters asked for; 1.25 MB each at 10 million codes
LOW_MEMORY_FROM = 1_000_000  # codes whose loading gets by with little memory of DuckDB's
SEED = 0  # of the samples on which scan and index are compared
Key = tuple[str, Modality]  # release, modality
SnapshotChange = Callable[[Snapshot], Snapshot]


class ChangeListener(Protocol):
    """Who holds copies of codes elsewhere and is told of every change, under the database's lock; must not raise."""

    def on_added(self, release: str | None, study_ids: Sequence[str]) -> None:
        """Take in the committed codes of these studies under one release, or under all."""

    def on_removed(self, ordinals: np.ndarray) -> None:
        """Hide these studies, (m,) int64."""

    def on_release_dropped(self, release: str) -> None:
        """Drop all codes of a release."""


class SnapshotStore:
    """Snapshots by release and modality, loaded when they are first asked for."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.background = BackgroundTasks()
        self._views: dict[Key, Snapshot] = {}  # never written to: a new one takes its place
        self._repeats: dict[Key, list[SnapshotChange]] = {}  # what changed while a base was being loaded
        self._masks: dict[Any, tuple[Any, Snapshot, Mask]] = {}
        self._changes = 0
        self._consented = self._consent_number()  # of the last decision on consent that is published
        self.listeners: list[ChangeListener] = []

    def close(self) -> None:
        """End the upkeep."""
        self.background.close()

    # Reading

    def latest(self, release: str, modalities: Sequence[Modality]) -> dict[Modality, Snapshot]:
        """Return the newest snapshots, all of one moment, by modality."""
        views = self._views
        if any((release, modality) not in views for modality in modalities):
            with self.database.exclusive():
                for modality in modalities:
                    self._load((release, modality))
                views = self._views
        return {modality: views[release, modality] for modality in modalities}

    def latest_with_masks(
        self, release: str, modalities: Sequence[Modality], clauses: Sequence[Clause], own: Clause | None = None
    ) -> tuple[dict[Modality, Snapshot], dict[Modality, Mask]]:
        """Return the newest snapshots and their permits, both as they are between the same two changes.

        Otherwise an answer could lack a study that came before a withdrawal which it already honours.
        """
        for _ in range(ATTEMPTS):
            before, views = self._consented, self.latest(release, modalities)
            permits = self.masks(views, clauses, own)
            if self._consent_number() == before == self._consented and self.latest(release, modalities) == views:
                return views, permits
        with self.database.exclusive():
            views = self.latest(release, modalities)
            return views, self.masks(views, clauses, own)

    def masks(
        self, snapshots: dict[Modality, Snapshot], clauses: Sequence[Clause], own: Clause | None = None
    ) -> dict[Modality, Mask]:
        """Return what consent, the clauses and the query's own patient leave of each snapshot, by modality.

        Call it after the snapshots were taken, so that it knows every study in them.
        """
        stamp = self.version()
        denied = np.empty(0, np.int64) if own is None else permission.excluded(self.database, own)
        return {
            modality: view.narrowed(self._mask(view, modality, clauses, stamp), denied)
            for modality, view in snapshots.items()
        }

    def version(self) -> tuple[int, int]:
        """Return what differs as soon as a mask that was made before may be wrong."""
        return self._changes, self._consent_number()

    def study_ids_of(self, ordinals: np.ndarray) -> dict[int, str]:
        """Return ordinal → study id."""
        return permission.study_ids_of(self.database, ordinals)

    # Writing: inside `database.exclusive()`

    def invalidate_masks(self) -> None:
        """Note that consent or facts of studies have changed, so that masks are made anew."""
        self._changes += 1
        self._consented = self._consent_number()
        self._masks = {}

    def on_added(self, release: str, study_ids: Sequence[str]) -> None:
        """Publish the committed codes of these studies."""
        changes: dict[Key, SnapshotChange] = {}
        for key in self._views:
            if key[0] == release:
                changes[key] = partial(_plus, new=self._delta(key, study_ids))
        self._publish(changes)
        for follower in self.listeners:
            follower.on_added(release, study_ids)
        self.invalidate_masks()  # last, so that consent stated with the codes is known to be ahead of them until now

    @contextlib.contextmanager
    def removing(self, study_ids: Sequence[str]) -> Iterator[None]:
        """Hide studies while the block deletes them; they come back where it fails."""
        ordinals = permission.ordinals_of(self.database, study_ids)
        before = self._views
        self._publish({key: partial(_without, ordinals=ordinals) for key in self._views})
        for follower in self.listeners:
            follower.on_removed(ordinals)
        try:
            yield
        except BaseException:
            self._views = before
            for follower in self.listeners:
                follower.on_added(None, study_ids)
            for changes in self._repeats.values():
                changes.pop()
            raise
        self.invalidate_masks()

    def on_release_dropped(self, release: str) -> None:
        """Drop the snapshots of a release whose codes are gone."""
        self.invalidate_masks()
        self._views = {key: view for key, view in self._views.items() if key[0] != release}
        self._repeats = {key: changes for key, changes in self._repeats.items() if key[0] != release}
        for follower in self.listeners:
            follower.on_release_dropped(release)

    # Upkeep

    def compact(self, key: Key) -> None:
        """Load a new base beside the old one and put it in its place with what changed meanwhile."""
        with contextlib.ExitStack() as held:
            with self.database.exclusive():
                if key not in self._views:
                    return
                repeats = self._repeats[key] = []
                cursor = held.enter_context(self.database.snapshot())
            try:
                base = Base(codes.load_columns(cursor, *key))
            except BaseException:
                self._repeats.pop(key, None)
                raise
        with self.database.exclusive():
            if self._repeats.get(key) is not repeats:
                return
            view = full_snapshot(base)
            for change in self._repeats.pop(key):
                view = change(view)
            self._views = {**self._views, key: view}
            self._masks = {}
        self._prepare(key)

    def _prepare(self, key: Key) -> None:
        """Give the base of a snapshot its index, where one is faster."""
        view = self._views.get(key)
        if view is not None and view.base.index is None:
            choose_index(view.base, np.random.default_rng(SEED))

    def _publish(self, changes: dict[Key, SnapshotChange]) -> None:
        """Put the changed snapshots in the place of the old ones, all at once."""
        changed = {key: change(self._views[key]) for key, change in changes.items()}
        self._views = {**self._views, **changed}
        for key, view in changed.items():
            if key in self._repeats:
                self._repeats[key].append(changes[key])
            elif max(view.delta.ids.size, view.deleted) >= max(COMPACT_FROM, view.base.n // COMPACT_SHARE):
                self.background.submit(f"compact {key}", partial(self.compact, key))

    def _load(self, key: Key) -> None:
        if key in self._views:
            return
        large = codes.count(self.database, *key) >= LOW_MEMORY_FROM
        with self.database.low_memory() if large else contextlib.nullcontext():
            with self.database.snapshot() as cursor:
                base = Base(codes.load_columns(cursor, *key))
            self._views = {**self._views, key: full_snapshot(base)}
            self._mask(self._views[key], key[1], (), self.version())  # it looks through all patients too
        if base.n >= INDEX_FROM:
            self.background.submit(f"index {key}", partial(self._prepare, key))

    def _delta(self, key: Key, study_ids: Sequence[str]) -> Delta:
        table = codes.of_studies(self.database, key, study_ids)
        words = np.stack([np.asarray(table[f"w{word}"], np.uint64) for word in range(WORDS)])
        ordinals, patients = (np.asarray(table[name], np.int64) for name in ("ordinal", "patient"))
        return Delta(np.asarray(table["study_id"], object), Columns(words, ordinals, patients))

    def _mask(self, view: Snapshot, modality: str, clauses: Sequence[Clause], version: Any) -> Mask:
        """Return the mask of consent and clauses, the last one made where nothing has changed since."""
        name = (id(view.base), modality, repr(clauses))
        known = self._masks.get(name)
        if known is not None and known[0] == version and known[1] is view:
            return known[2]
        if clauses:
            permit = view.mask(permission.permitted(self.database, clauses, modality))
        else:
            permit = view.mask(
                denied=permission.set_aside(self.database), patients=permission.withdrawn_patients(self.database)
            )
        while len(self._masks) >= MAX_CACHED_MASKS:
            with contextlib.suppress(KeyError, StopIteration, RuntimeError):  # another thread may be first
                del self._masks[next(iter(self._masks))]
        self._masks[name] = (version, view, permit)
        return permit

    def _consent_number(self) -> int:
        return permission.consent_number(self.database)


def _plus(view: Snapshot, new: Delta) -> Snapshot:
    return view.plus(new) if new.ids.size else view


def _without(view: Snapshot, ordinals: np.ndarray) -> Snapshot:
    return view.without(ordinals)
