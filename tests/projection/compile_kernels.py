"""Compile the Triton kernels for several generations of GPUs. This needs Triton, but no GPU."""

from __future__ import annotations

from triton import compile as compiled
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.runtime.cache import triton_key

from tsne_widget.projection.gpu import kernels, search_kernels
from tsne_widget.projection.gpu import triton_operations as steps
from tsne_widget.projection.gpu import triton_search as searches
from tsne_widget.projection.gpu.engine import identify_compiler

# Compute capability times ten: V100, A100, H100.
GENERATIONS = (70, 80, 90)
ARRAYS = {"starts": "*i64", "masses": "*i64", "rows": "*i64", "z": "*fp64"}
ARRAYS |= dict.fromkeys(["others", "found", "counts", "indices"], "*i32")
NUMBERS = ["scale", "self0", "self1", "self_field", "min_gain", "max_step", "entropy"]
INTEGERS = ["n", "cells", "copies", "stride", "count", "columns", "k", "own", "start", "first", "d"]
GROUPS, ROOM = searches.sizes_for(98)
COMPARED = {"ROOM": ROOM, "BLOCK": searches.BLOCK_ELEMENTS // ROOM}
CONSTANTS = {
    kernels.attract: {"BLOCK": steps.PAIRS},
    kernels.spread: {"BLOCK": steps.POINTS},
    kernels.collect: {"COPIES": steps.COPIES, "NODES": steps.NODES},
    kernels.read: {"BLOCK": steps.POINTS},
    kernels.normalise: {"BLOCK": steps.PARTS},
    kernels.move: {"BLOCK": steps.COORDINATES},
    kernels.note: {"BLOCK": steps.PARTS},
    search_kernels.select: {"GROUPS": GROUPS, "ROOM": ROOM},
    search_kernels.measure: COMPARED,
    search_kernels.rank: COMPARED,
    search_kernels.conditional: {"BLOCK": 128},
}


def kind(name: str) -> str:
    """Type of a kernel's argument."""
    if name in ("BLOCK", "ROOM", "GROUPS", "COPIES", "NODES"):
        return "constexpr"
    if name in NUMBERS:
        return "fp32"
    return "i32" if name in [*INTEGERS, "steps"] else ARRAYS.get(name, "*fp32")


def main() -> None:
    """Compile each kernel, and print each generation."""
    identify_compiler(GPUTarget("cuda", GENERATIONS[-1], 32))
    if triton_key.cache_info().misses != 1:
        raise SystemExit("this Triton is not asked for the hash of its library in advance")
    for generation in GENERATIONS:
        for kernel, constants in CONSTANTS.items():
            names = kernel.arg_names
            source = ASTSource(
                fn=kernel,
                signature={argument: kind(argument) for argument in names},
                constexprs={(names.index(name),): value for name, value in constants.items()},
            )
            target = GPUTarget("cuda", generation, 32)
            program = compiled(source, target=target, options=steps.OPTIONS)
            if kernel is kernels.spread and "add.u64" not in program.asm["ptx"]:
                raise SystemExit(f"spread has no 64-bit addition for {generation}")
        print(generation)


if __name__ == "__main__":
    main()
