"""A fresh process: import, one logit by formula, its printed summary; n = 1,000.

Aim: with nothing compiled before at most 1.3 times as long as through `statsmodels.formula.api`,
with compiled programs on disk (`asx.cache`) no longer. Both read a CSV file, which takes us no
pandas; what a script takes that has loaded it anyway is shown too. Seconds of the processor are
shown beside those on the clock: other work on the machine lengthens only the latter. Where the
time goes is printed beneath: imports, the fit, the table, and a second fit.

    python benchmarks/cold.py
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from _timing import compare, seconds, short

ROUNDS = 5
FORMULA = "y ~ a + b + c"
UNUSUAL = ("JAX_COMPILATION_CACHE_DIR", "PYTHONDONTWRITEBYTECODE")

OURS = f"""
import asymptotix as asx
print(asx.logit("{FORMULA}", "DATA").summary())
"""

CACHED = f"""
import asymptotix as asx
asx.cache("CACHE")
print(asx.logit("{FORMULA}", "DATA").summary())
"""

FRAME = f"""
import pandas as pd
import asymptotix as asx
asx.cache("CACHE")
print(asx.logit("{FORMULA}", pd.read_csv("DATA")).summary())
"""

THEIRS = f"""
import pandas as pd
import statsmodels.formula.api as smf
print(smf.logit("{FORMULA}", pd.read_csv("DATA")).fit(disp=False).summary())
"""

STAGES = f"""
import json, sys, time
stages, start = {{}}, time.perf_counter()
def lap(name):
    global start
    now = time.perf_counter()
    stages[name], start = now - start, now
import numpy
lap("import numpy")
import pandas
lap("import pandas")
import scipy.special, scipy.linalg
lap("import scipy")
import jax
lap("import jax")
import equinox
lap("import equinox")
import formulaic
lap("import formulaic")
import asymptotix as asx
asx.logit
lap("import asymptotix itself")
jax.devices()
lap("start the backend")
res = asx.logit("{FORMULA}", "DATA")
lap("first fit")
str(res.summary())
lap("table")
asx.logit("{FORMULA}", "DATA")
lap("second fit")
asx.probit("{FORMULA}", "DATA")
lap("first probit")
print(json.dumps(stages))
"""


def write_data(path: Path, n: int = 1_000) -> None:
    import numpy as np

    rng = np.random.default_rng(42)
    x = rng.standard_normal((n, 3))
    y = rng.random(n) < 1 / (1 + np.exp(-0.3 - x @ [1.0, -0.5, 0.2]))
    table = np.column_stack([y, x])
    np.savetxt(path, table, delimiter=",", header="y,a,b,c", comments="", fmt="%.17g")


def run(code: str, path: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in UNUSUAL}
    # Bytecode beside the data, as an installed package has it; a checkout may have none.
    environment["PYTHONPYCACHEPREFIX"] = str(path.parent / "bytecode")
    code = code.replace("DATA", path.as_posix()).replace("CACHE", str(path.parent / "cache"))
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return done.stdout


def processor_seconds(code: str, path: Path) -> float:
    """What a process, of all that ended, took of the processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(code, path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        write_data(path)
        for code in (OURS, CACHED, FRAME, THEIRS):
            run(code, path)  # the files of all are in memory from here on
        print("Fresh process: import, logit by formula, summary; n = 1,000")
        for name, code in (
            ("nothing compiled before", OURS),
            ("compiled before", CACHED),
            ("compiled before, from a pandas frame", FRAME),
        ):
            for unit, measure in (
                ("on the clock", lambda code: seconds(lambda: run(code, path))),
                ("of the processor", lambda code: processor_seconds(code, path)),
            ):
                pairs = [(measure(code), measure(THEIRS)) for _ in range(ROUNDS)]
                found = compare(pairs)
                print(
                    f"{name}, {unit}: {short(found.ours)}, statsmodels {short(found.theirs)}: "
                    f"ratio {found.ratio:.2f} (median of {ROUNDS})"
                )
        laps = [json.loads(run(STAGES, path)) for _ in range(3)]
    for name in laps[0]:
        print(f"  {name:<28}{short(statistics.median(lap[name] for lap in laps)):>10}")


if __name__ == "__main__":
    main()
