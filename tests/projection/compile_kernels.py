"""Compile the Triton kernels for several generations of GPUs. This needs Triton, but no GPU."""

from __future__ import annotations

from triton import compile as compiled
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from tsne_widget.projection.gpu import kernels
from tsne_widget.projection.gpu.triton_operations import COORDINATES, OPTIONS, PAIRS, POINTS

# Compute capability times ten: V100, A100, H100.
GENERATIONS = (70, 80, 90)
ARRAYS = {"starts": "*i64", "others": "*i32", "masses": "*i64", "z": "*fp64"}
FLOATS = ["values", "y", "out", "origin", "field", "push", "phi", "velocity", "gains", "pull"]
NUMBERS = ["scale", "self0", "self1", "exaggeration", "rate", "momentum", "min_gain", "max_step"]
BLOCKS = {"attract": PAIRS, "spread": POINTS, "read": POINTS, "move": COORDINATES}


def kind(name: str) -> str:
    """Type of a kernel's argument."""
    if name == "BLOCK":
        return "constexpr"
    if name in FLOATS:
        return "*fp32"
    return ARRAYS.get(name) or ("fp32" if name in NUMBERS else "i32")


def main() -> None:
    """Compile each kernel, and print each generation."""
    for generation in GENERATIONS:
        for name, block in BLOCKS.items():
            kernel = getattr(kernels, name)
            names = kernel.arg_names
            source = ASTSource(
                fn=kernel,
                signature={argument: kind(argument) for argument in names},
                constexprs={(names.index("BLOCK"),): block},
            )
            program = compiled(source, target=GPUTarget("cuda", generation, 32), options=OPTIONS)
            if name == "spread" and "add.u64" not in program.asm["ptx"]:
                raise SystemExit(f"spread has no 64-bit addition for {generation}")
        print(generation)


if __name__ == "__main__":
    main()
