"""The paper from nothing: studies whose results are stale, listings, numbers, tables, PDF.

python paper/build.py              # what `make paper` calls
python paper/build.py --force lpm  # one study, or all where none is named, whatever its stamp
python paper/build.py --no-pdf     # everything but LaTeX
python paper/build.py --quick      # check the kept numbers instead: what `make paper-quick` calls
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

import quote
from quote import GENERATED, PAPER, STUDIES, common

SMALL = 1e-8
"""Below this a number of a listing is rounding's, such as the decrement of a converged fit."""
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def listings() -> dict[str, str]:
    """What each listing prints, by its name."""
    environment = {**os.environ, "TQDM_DISABLE": "1"}
    found = {}
    for path in sorted((PAPER / "listings").glob("*.py")):
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run(
                [sys.executable, str(path)],
                check=True,
                capture_output=True,
                text=True,
                env=environment,
                cwd=folder,
            )
        found[path.stem] = run.stdout
    return found


def same_output(found: str, kept: str) -> bool:
    """Whether two outputs are the same words and numbers, but for what is rounding's."""
    if NUMBER.sub("#", found) != NUMBER.sub("#", kept):
        return False
    pairs = zip(NUMBER.findall(found), NUMBER.findall(kept), strict=True)
    return all(a == b or max(abs(float(a)), abs(float(b))) < SMALL for a, b in pairs)


def update_listings() -> None:
    """Write the outputs that differ by more than rounding."""
    for name, text in listings().items():
        path = GENERATED / f"{name}.txt"
        if not path.exists() or not same_output(text, path.read_text(encoding="utf-8")):
            path.write_text(text, encoding="utf-8")


def run_studies(names, *, force: bool, quick: bool) -> None:
    for name in names:
        script = PAPER / "studies" / f"{name}.py"
        if not quick and not force and common.is_current(script):
            print(f"{name}: the results are current", flush=True)
            continue
        print(f"{name} ...", flush=True)
        subprocess.run([sys.executable, str(script), *["--quick"] * quick], check=True)


def pdf() -> None:
    if shutil.which("latexmk") is None:
        sys.exit(
            "latexmk is not installed; on Debian: apt-get install --no-install-recommends "
            "texlive-latex-recommended texlive-latex-extra latexmk. "
            "Everything else of the paper is up to date (--no-pdf does without)."
        )
    command = ["latexmk", "-pdf", "-interaction=nonstopmode", "-halt-on-error", "-quiet"]
    subprocess.run([*command, "-outdir=build", "asymptotix.tex"], check=True, cwd=PAPER)
    print(f"written: {PAPER / 'build' / 'asymptotix.pdf'}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds the paper.")
    parser.add_argument("studies", nargs="*", default=STUDIES, help=", ".join(STUDIES))
    parser.add_argument("--force", action="store_true", help="run studies that are current too")
    parser.add_argument("--quick", action="store_true", help="check a few of the kept numbers")
    parser.add_argument("--no-pdf", action="store_true", help="do without LaTeX")
    options = parser.parse_args()
    unknown = set(options.studies) - set(STUDIES)
    if unknown:
        parser.error(f"no study {', '.join(sorted(unknown))}; there are {', '.join(STUDIES)}")
    run_studies(options.studies, force=options.force, quick=options.quick)
    if options.quick:
        return
    quote.main()
    update_listings()
    if not options.no_pdf:
        pdf()


if __name__ == "__main__":
    main()
