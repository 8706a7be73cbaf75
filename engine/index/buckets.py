"""The compiled half of multi-index hashing: filling the buckets and looking a query up in them.

A code is cut into `tables` pieces. Codes at most `tables * r + j` bits from a query agree with it, up to r bits, in one
of the pieces 0..j, or up to r - 1 bits in one of the others: looking up all those buckets finds every one of them
(Norouzi, Punjani, Fleet, "Fast search in Hamming space with multi-index hashing", CVPR 2012).

Buckets of one piece are one array of code numbers with the start of every bucket, by the piece's value.
"""

# numba's decorators and its 64-bit scalars are no functions and ints to the type checker.
# mypy: disable-error-code="call-arg,arg-type,return-value,var-annotated,assignment"

from __future__ import annotations

import numba
import numpy as np

from engine.index.cpu import popcount
from engine.index.scan import GROUP, MAX_UINT64, ONE, POSITION_BITS, ZERO, push

WORD = 64  # bits


@numba.njit(inline="always")
def piece(value: int, start: int, length: int) -> int:
    """Return `length` bits of a word from bit `start` on."""
    return np.int64((value >> np.uint64(start)) & ((ONE << np.uint64(length)) - ONE))


@numba.njit("void(uint64[::1], int64, int64, uint32[::1], uint32[::1])", nogil=True, cache=True)
def fill(word: np.ndarray, start: int, length: int, starts: np.ndarray, members: np.ndarray) -> None:
    """Sort the code numbers by one piece, in ascending order within a bucket.

    word    : (n,) uint64
    starts  : (2^length + 1,) uint32, zeros; where every bucket begins in `members`
    members : (n,) uint32
    """
    for i in range(word.size):
        starts[piece(word[i], start, length) + 1] += np.uint32(1)
    for bucket in range(1, starts.size):
        starts[bucket] += starts[bucket - 1]
    for i in range(word.size):
        bucket = piece(word[i], start, length)
        members[starts[bucket]] = np.uint32(i)
        starts[bucket] += np.uint32(1)
    for bucket in range(starts.size - 1, 0, -1):  # every start has moved on to the next one's
        starts[bucket] = starts[bucket - 1]
    starts[0] = np.uint32(0)


@numba.njit(inline="always")
def bounded_distance(codes: np.ndarray, query: np.ndarray, position: int, first: int, limit: int) -> int:
    """Return the distance of a code, or EVERYTHING as soon as it is more than `limit`; words from `first` on, round."""
    total = ZERO
    for turn in range(codes.shape[0]):
        word = first + turn
        if word >= codes.shape[0]:
            word -= codes.shape[0]
        total += popcount(codes[word, position] ^ query[word])
        if total > limit:
            return MAX_UINT64
    return total


@numba.njit(error_model="numpy")
def seen_before(
    codes: np.ndarray, query: np.ndarray, cuts: np.ndarray, parts: int, position: int, table: int, r: int
) -> bool:
    """Say whether an earlier look-up than (r, table) has met a code: r bits in a piece before, r - 1 in one after."""
    for other in range(codes.shape[0] * parts):
        if other != table:
            word, part = other // parts, other % parts
            apart = codes[word, position] ^ query[word]
            differ = np.int64(popcount(np.uint64(piece(apart, cuts[part], cuts[part + 1] - cuts[part]))))
            if differ <= (r if other < table else r - 1):
                return True
    return False


@numba.njit(error_model="numpy")
def next_of_weight(flips: int) -> int:
    """Return the next larger number with as many ones (Gosper's hack, HAKMEM item 175)."""
    lowest = flips & -flips
    ripple = flips + lowest
    return (((ripple ^ flips) >> 2) // lowest) | ripple


@numba.njit(error_model="numpy")
def visit(
    codes: np.ndarray,
    query: np.ndarray,
    mask: np.ndarray,
    members: np.ndarray,
    cuts: np.ndarray,
    parts: int,
    table: int,
    r: int,
    radius: int,
    keys: np.ndarray,
    heap_size: int,
) -> int:
    """Put the codes of one bucket that improve the nearest into the heap; return how many it holds."""
    first = table // parts + 1
    if first == codes.shape[0]:
        first = 0
    limit = np.uint64(radius) if heap_size < keys.size else min(np.uint64(radius), keys[0] >> POSITION_BITS)
    for i in range(members.size):
        place = np.int64(members[i])
        distance = bounded_distance(codes, query, place, first, limit)
        if distance == MAX_UINT64:
            continue
        key = (distance << POSITION_BITS) | np.uint64(place)
        if heap_size == keys.size and key >= keys[0]:
            continue
        if mask.size and not (mask[place // GROUP] >> np.uint64(place % GROUP)) & ONE:
            continue
        if not seen_before(codes, query, cuts, parts, place, table, r):
            heap_size = push(keys, heap_size, key)
            if heap_size == keys.size:
                limit = min(np.uint64(radius), keys[0] >> POSITION_BITS)
    return heap_size


@numba.njit(
    "int64(uint64[:, ::1], uint64[::1], uint64[::1], int64, uint32[::1], int64[::1], uint32[:, ::1], int64[::1],"
    " float64, uint64[::1], float64[::1])",
    nogil=True,
    cache=True,
    error_model="numpy",
)
def look_up(
    codes: np.ndarray,
    query: np.ndarray,
    mask: np.ndarray,
    radius: int,
    starts: np.ndarray,
    bases: np.ndarray,
    members: np.ndarray,
    cuts: np.ndarray,
    budget: float,
    keys: np.ndarray,
    work: np.ndarray,
) -> int:
    """Fill `keys`, (k,) uint64, with the nearest; return how many, or -1 where that takes more than the budget.

    codes   : (words, n) uint64; mask (groups,) uint64 or (0,)
    starts  : uint32, those of table t from bases[t] on; members (tables, n) uint32; tables = words * parts
    cuts    : (parts + 1,) int64, where the pieces of a word begin
    work    : (1,) float64, buckets and codes visited
    """
    parts, held, tables = cuts.size - 1, 0, members.shape[0]
    for r in range(WORD + 1):
        past_all = True
        for table in range(tables):
            part, word = table % parts, table // parts
            length = cuts[part + 1] - cuts[part]
            if r <= length:
                past_all = False
                buckets = 1.0
                for i in range(r):
                    buckets = buckets * (length - i) / (i + 1)
                work[0] += buckets
                if work[0] > budget:
                    return -1
                centre = piece(query[word], cuts[part], length)
                flips, most = (np.int64(1) << r) - 1, np.int64(1) << length
                while flips < most:
                    bucket = bases[table] + (centre ^ flips)
                    begin, end = starts[bucket], starts[bucket + 1]
                    if begin < end:
                        work[0] += np.int64(end - begin)
                        if work[0] > budget:
                            return -1
                        found = members[table, begin:end]
                        held = visit(codes, query, mask, found, cuts, parts, table, r, radius, keys, held)
                    if flips == 0:
                        break
                    flips = next_of_weight(flips)
            reached = tables * r + table
            if radius <= reached or (held == keys.size and np.int64(keys[0] >> POSITION_BITS) <= reached):
                return held
        if past_all:
            return held
    return held
