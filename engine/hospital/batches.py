"""What waits in the inbox, batch by batch: each of a batch's states is one transaction, and one is begun ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from engine.hospital.inbox import Waiting

BATCH = 64  # files of a batch; this much work is redone after a kill
FEW = 16  # while people use the app, who wait for the transactions that they meet
BATCH_BYTES = 256_000_000  # of its files: the process that prepares has two batches in its memory

T = TypeVar("T")


def batches(waiting: Sequence[Waiting], most: Callable[[], int]) -> Iterator[list[Waiting]]:
    """Yield what waits in batches, in its order: of so many files, and of no more bytes than two or more may have.

    most : returns how many files the batch that is being made may have
    """
    batch, total = list[Waiting](), 0
    for one in waiting:
        total += (size := one.bytes)
        if batch and (len(batch) >= most() or total > BATCH_BYTES):
            yield batch
            batch, total = [], size
        batch.append(one)
    if batch:
        yield batch


def ahead(begun: Iterable[T]) -> Iterator[T]:
    """Yield each batch once the next one is begun."""
    before: T | None = None
    for batch in begun:
        if before is not None:
            yield before
        before = batch
    if before is not None:
        yield before
