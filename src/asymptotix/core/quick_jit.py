"""`jax.jit` with compiler options: for quick compilation, and for programs that share the cores."""

import functools

import jax

from asymptotix.core.lazy import without_collection
from asymptotix.core.precision import is_traced

ONE_THREAD = {"xla_disable_hlo_passes": "cpu-parallel-task-assigner"}
"""For loops over the blocks of a slab. XLA would halve the work on each block between two threads,
which costs more than it saves (6.6 ms in place of 9.2 for 131,072 rows of 20 columns); cores get
slabs of their own."""

QUICK = {
    **ONE_THREAD,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 4,
}
"""Takes three fifths off the compilation of such a program on CPU (1.0 s to 0.4 s measured for a
whole fit) and leaves its speed alone; loops over large data keep XLA's defaults."""
COLUMNS = {
    **ONE_THREAD,
    "xla_cpu_parallel_codegen_split_count": 4,
    "xla_cpu_prefer_vector_width": 512,
    "xla_backend_optimization_level": 1,
}
"""For loops over columns that lie one after another: a third faster, 0.1 s more to compile."""
QUICKEST = {**QUICK, "xla_backend_optimization_level": 1}
"""Another tenth off, for programs on so little data that a slower loop costs microseconds."""


def quick_jit(function, options=QUICK, *, concrete=False, **kwargs):
    """`jax.jit` with compiler options, where this XLA knows them; without inside another `jit`.

    Arguments:
        function: the function.
        options: `ONE_THREAD`, `QUICK`, `QUICKEST` or `COLUMNS`.
        concrete: whether it is never called inside another `jit`, and need not look.
        kwargs: as for `jax.jit`.
    """
    quick = jax.jit(function, compiler_options=options, **kwargs)
    plain = jax.jit(function, **kwargs)
    known, traced = True, False

    def run(*args):
        nonlocal known
        if known and (concrete or not is_traced(args)):
            try:
                return quick(*args)
            except jax.errors.JaxRuntimeError as error:
                if "No such compile option" not in str(error):
                    raise
                known = False
        return plain(*args)

    @functools.wraps(function)
    def call(*args):
        nonlocal traced
        if traced:
            return run(*args)
        with without_collection():
            found = run(*args)
        traced = True
        return found

    return call
