"""What numba lacks: a processor's instructions for counting ones and zeros, and its widest vectors."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic


@intrinsic
def popcount(_typing: Any, x: Any) -> Any:
    """Return the number of ones of a uint64, by the processor's own instruction where it has one."""

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@intrinsic
def trailing_zeros(_typing: Any, x: Any) -> Any:
    """Return the position of the lowest one of a uint64 that is not 0."""

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


@intrinsic
def widest_vectors(_typing: Any) -> Any:
    """Let the calling function use 512-bit vectors where the processor has them; LLVM stays at 256 bits by itself."""

    def generate(context: Any, builder: ir.IRBuilder, _signature: Any, _arguments: Any) -> Any:
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')  # llvmlite's own list does not know it
        return context.get_dummy_value()

    return types.none(), generate
