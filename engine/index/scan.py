"""The compiled Hamming scan: one pass over the codes at the speed of memory, without the interpreter lock.

Codes are (words, n) uint64, so a shorter nested code reads only the first rows. Columns are taken in blocks: a
vectorised pass tells whether a block can improve the k nearest; only then is it looked at one code at a time. A mask is
one bit per column, 64 columns to a word, lowest bit first; an empty one permits all. A neighbour is one uint64 key,
distance << PLACE_BITS | column, so the order of keys is (distance, column).

numba keeps the machine code in its disk cache: it is compiled once per machine, not once per process.
"""

# numba's decorators and its 64-bit scalars are no functions and ints to the type checker.
# mypy: disable-error-code="call-arg,arg-type,return-value,var-annotated"

from __future__ import annotations

import numba
import numpy as np

from engine.index.cpu import popcount, trailing_zeros, widest_vectors

POSITION_BITS = np.uint64(48)
BLOCK = 1024  # columns: 8 KiB of each word, so that the second pass over a block reads the first-level cache
PART = 128  # columns of a block without a mask that are looked at together before they are visited one by one
SPARSE = 64  # permitted columns of a block up to which they are visited one by one
GROUP = 64  # columns per word of the mask
ZERO = np.uint64(0)
ONE = np.uint64(1)
MAX_UINT64 = np.uint64(0xFFFFFFFFFFFFFFFF)


@numba.njit(inline="always")
def column_distance(codes: np.ndarray, query: np.ndarray, column: int) -> int:
    """Return the distance of one column of (words, n) uint64 codes from a (words,) query."""
    total = ZERO
    for word in range(codes.shape[0]):
        total += popcount(codes[word, column] ^ query[word])
    return total


@numba.njit(error_model="numpy")
def improves(codes: np.ndarray, query: np.ndarray, limit: int, lo: int, hi: int) -> bool:
    """Say whether a distance among columns lo..hi is below the limit: a sign bit that any difference may set."""
    widest_vectors()
    signs = np.int64(0)
    if codes.shape[0] == 1:
        a, p = codes[0, lo:hi], query[0]
        for i in range(hi - lo):
            signs |= np.int64(popcount(a[i] ^ p)) - limit
    elif codes.shape[0] == 2:
        a, b, p, q = codes[0, lo:hi], codes[1, lo:hi], query[0], query[1]
        for i in range(hi - lo):
            signs |= np.int64(popcount(a[i] ^ p) + popcount(b[i] ^ q)) - limit
    else:
        a, b, c, d = codes[0, lo:hi], codes[1, lo:hi], codes[2, lo:hi], codes[3, lo:hi]
        p, q, r, s = query[0], query[1], query[2], query[3]
        for i in range(hi - lo):
            signs |= np.int64(popcount(a[i] ^ p) + popcount(b[i] ^ q) + popcount(c[i] ^ r) + popcount(d[i] ^ s)) - limit
    return signs < 0


@numba.njit(error_model="numpy")
def four_improve(codes: np.ndarray, queries: np.ndarray, limits: np.ndarray, first: int, lo: int, hi: int) -> int:
    """Return bit j set where `improves` holds for query first + j, j < 4; a column is loaded once for the four."""
    widest_vectors()
    s, t, u, v = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    f, g, h, k = limits[first], limits[first + 1], limits[first + 2], limits[first + 3]
    p, q, r, w = queries[first], queries[first + 1], queries[first + 2], queries[first + 3]
    if codes.shape[0] == 1:
        a, p0, q0, r0, w0 = codes[0, lo:hi], p[0], q[0], r[0], w[0]
        for i in range(hi - lo):
            s |= np.int64(popcount(a[i] ^ p0)) - f
            t |= np.int64(popcount(a[i] ^ q0)) - g
            u |= np.int64(popcount(a[i] ^ r0)) - h
            v |= np.int64(popcount(a[i] ^ w0)) - k
    elif codes.shape[0] == 2:
        a, b = codes[0, lo:hi], codes[1, lo:hi]
        p0, p1, q0, q1, r0, r1, w0, w1 = p[0], p[1], q[0], q[1], r[0], r[1], w[0], w[1]
        for i in range(hi - lo):
            x, y = a[i], b[i]
            s |= np.int64(popcount(x ^ p0) + popcount(y ^ p1)) - f
            t |= np.int64(popcount(x ^ q0) + popcount(y ^ q1)) - g
            u |= np.int64(popcount(x ^ r0) + popcount(y ^ r1)) - h
            v |= np.int64(popcount(x ^ w0) + popcount(y ^ w1)) - k
    else:
        for j in range(4):
            if improves(codes, queries[first + j], limits[first + j], lo, hi):
                s |= np.int64(1) << j
        return s
    return np.int64(s < 0) | np.int64(t < 0) << 1 | np.int64(u < 0) << 2 | np.int64(v < 0) << 3


@numba.njit(error_model="numpy")
def block_distances(codes: np.ndarray, query: np.ndarray, lo: int, hi: int, out: np.ndarray) -> None:
    """Write the distances of columns lo..hi to `out`, (BLOCK,) uint64."""
    widest_vectors()
    a, p = codes[0, lo:hi], query[0]
    for i in range(hi - lo):
        out[i] = popcount(a[i] ^ p)
    for word in range(1, codes.shape[0]):
        a, p = codes[word, lo:hi], query[word]
        for i in range(hi - lo):
            out[i] += popcount(a[i] ^ p)


@numba.njit(error_model="numpy")
def group_improves(distances: np.ndarray, limit: int, first: int, size: int, allowed: int) -> bool:
    """Say whether one of at most 64 distances is below the limit and has its bit in `allowed`."""
    signs = np.int64(0)
    for i in range(size):
        signs |= (np.int64(distances[first + i]) - limit) & -np.int64((allowed >> np.uint64(i)) & ONE)
    return signs < 0


@numba.njit(inline="always")
def push(keys: np.ndarray, heap_size: int, key: int) -> int:
    """Put a key into the max-heap of the smallest `keys.size` keys; return how many it holds."""
    if heap_size < keys.size:
        place = heap_size
        while place > 0 and keys[(place - 1) >> 1] < key:
            keys[place] = keys[(place - 1) >> 1]
            place = (place - 1) >> 1
        keys[place] = key
        return heap_size + 1
    place = 0
    while True:
        child = 2 * place + 1
        if child >= heap_size:
            break
        if child + 1 < heap_size and keys[child + 1] > keys[child]:
            child += 1
        if keys[child] <= key:
            break
        keys[place] = keys[child]
        place = child
    keys[place] = key
    return heap_size


@numba.njit(inline="always")
def limit_of(keys: np.ndarray, heap_size: int, radius: int) -> int:
    """Return the distance from which on a further column cannot enter: columns ascend, so a tie comes too late."""
    if heap_size < keys.size:
        return radius + 1
    return min(radius + 1, np.int64(keys[0] >> POSITION_BITS))


@numba.njit(error_model="numpy")
def permitted(mask: np.ndarray, lo: int, hi: int) -> int:
    """Return how many of columns lo..hi the mask permits."""
    if mask.size == 0:
        return hi - lo
    total = ZERO
    for group in range(lo // GROUP, (hi + GROUP - 1) // GROUP):
        total += popcount(mask[group])
    return np.int64(total)


@numba.njit(error_model="numpy")
def take_sparse(
    codes: np.ndarray,
    query: np.ndarray,
    mask: np.ndarray,
    radius: int,
    lo: int,
    hi: int,
    keys: np.ndarray,
    heap_size: int,
) -> int:
    """Visit the few permitted columns of a block one by one; return how many keys the heap holds."""
    limit = limit_of(keys, heap_size, radius)
    for group in range(lo // GROUP, (hi + GROUP - 1) // GROUP):
        allowed = mask[group]
        while allowed != ZERO:
            column = group * GROUP + np.int64(trailing_zeros(allowed))
            allowed &= allowed - ONE
            distance = column_distance(codes, query, column)
            if np.int64(distance) < limit:
                heap_size = push(keys, heap_size, (distance << POSITION_BITS) | np.uint64(column))
                limit = limit_of(keys, heap_size, radius)
    return heap_size


@numba.njit(error_model="numpy")
def take(
    codes: np.ndarray,
    query: np.ndarray,
    mask: np.ndarray,
    radius: int,
    lo: int,
    hi: int,
    keys: np.ndarray,
    heap_size: int,
    distances: np.ndarray,
) -> int:
    """Put the permitted columns of a block that improve the nearest into the heap; return how many keys it holds."""
    widest_vectors()
    limit = limit_of(keys, heap_size, radius)
    block_distances(codes, query, lo, hi, distances)
    for start in range(lo, hi, GROUP):
        size = min(GROUP, hi - start)
        allowed = mask[start // GROUP] if mask.size else MAX_UINT64
        if group_improves(distances, limit, start - lo, size, allowed):
            for i in range(size):
                distance = distances[start - lo + i]
                if np.int64(distance) < limit and (allowed >> np.uint64(i)) & ONE:
                    heap_size = push(keys, heap_size, (distance << POSITION_BITS) | np.uint64(start + i))
                    limit = limit_of(keys, heap_size, radius)
    return heap_size


@numba.njit(error_model="numpy")
def take_all(
    codes: np.ndarray, query: np.ndarray, radius: int, start: int, end: int, keys: np.ndarray, heap_size: int
) -> int:
    """Put the columns of an unmasked block that improve the nearest into the heap; return how many keys it holds."""
    for lo in range(start, end, PART):
        hi = min(lo + PART, end)
        limit = limit_of(keys, heap_size, radius)
        if improves(codes, query, limit, lo, hi):
            for column in range(lo, hi):
                distance = column_distance(codes, query, column)
                if np.int64(distance) < limit:
                    heap_size = push(keys, heap_size, (distance << POSITION_BITS) | np.uint64(column))
                    limit = limit_of(keys, heap_size, radius)
    return heap_size


@numba.njit(
    "int64(uint64[:, ::1], uint64[::1], uint64[::1], int64, uint64[::1])", nogil=True, cache=True, error_model="numpy"
)
def scan_one(codes: np.ndarray, query: np.ndarray, mask: np.ndarray, radius: int, keys: np.ndarray) -> int:
    """Fill `keys`, (k,) uint64, with the nearest columns within the radius, as a heap; return how many there are.

    mask : (groups,) uint64 without a bit past the last column, or (0,)
    """
    widest_vectors()
    distances = np.empty(BLOCK, np.uint64)
    held = 0
    if mask.size == 0:
        for lo in range(0, codes.shape[1], BLOCK):
            hi = min(lo + BLOCK, codes.shape[1])
            if improves(codes, query, limit_of(keys, held, radius), lo, hi):
                held = take_all(codes, query, radius, lo, hi, keys, held)
        return held
    for lo in range(0, codes.shape[1], BLOCK):
        hi = min(lo + BLOCK, codes.shape[1])
        count = permitted(mask, lo, hi)
        if count == 0:
            continue
        if count <= SPARSE:
            held = take_sparse(codes, query, mask, radius, lo, hi, keys, held)
        elif improves(codes, query, limit_of(keys, held, radius), lo, hi):
            held = take(codes, query, mask, radius, lo, hi, keys, held, distances)
    return held


@numba.njit(
    "void(uint64[:, ::1], uint64[:, ::1], uint64[::1], int64, uint64[:, ::1], int64[::1])",
    nogil=True,
    cache=True,
    error_model="numpy",
)
def scan_many(
    codes: np.ndarray, queries: np.ndarray, mask: np.ndarray, radius: int, keys: np.ndarray, heap_sizes: np.ndarray
) -> None:
    """Fill `keys`, (q, k) uint64, and `held`, (q,): all queries visit a block while it is in the nearest cache.

    queries : (q, words) uint64, q a multiple of 4; the mask holds for all
    """
    widest_vectors()
    distances, limits = np.empty(BLOCK, np.uint64), np.full(queries.shape[0], radius + 1, np.int64)
    for lo in range(0, codes.shape[1], BLOCK):
        hi = min(lo + BLOCK, codes.shape[1])
        count = permitted(mask, lo, hi)
        sparse = mask.size and count <= SPARSE
        if count == 0:
            continue
        for first in range(0, queries.shape[0], 4):
            found = np.int64(15) if sparse else four_improve(codes, queries, limits, first, lo, hi)
            for i in range(first, first + 4):
                if found >> (i - first) & 1:
                    if sparse:
                        heap_sizes[i] = take_sparse(codes, queries[i], mask, radius, lo, hi, keys[i], heap_sizes[i])
                    else:
                        heap_sizes[i] = take(codes, queries[i], mask, radius, lo, hi, keys[i], heap_sizes[i], distances)
                    limits[i] = limit_of(keys[i], heap_sizes[i], radius)


@numba.njit("uint16[::1](uint64[:, ::1], uint64[::1])", nogil=True, cache=True, error_model="numpy")
def distances(codes: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Return the (n,) uint16 distances of (words, n) uint64 codes from a (words,) uint64 query."""
    total = np.zeros(codes.shape[1], dtype=np.uint16)
    for word in range(codes.shape[0]):
        wanted = query[word]
        for column in range(codes.shape[1]):
            total[column] += np.uint16(popcount(codes[word, column] ^ wanted))
    return total


@numba.njit("uint64(uint64[::1])", nogil=True, cache=True)
def read_once(values: np.ndarray) -> int:
    """Return the exclusive or of all values: what reading them once costs, the floor of every scan."""
    total = ZERO
    for i in range(values.size):
        total ^= values[i]
    return total
