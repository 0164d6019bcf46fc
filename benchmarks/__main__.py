"""`python -m benchmarks [NAME…]`: measure all figures or those of the modules named; `--draw` only draws the page again."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import draw, figure
from benchmarks.measure import WrongResult
from benchmarks.suite import FIGURES, MODULES, ORDER


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODULES)}; all when left out")
    parser.add_argument("--draw", action="store_true", help="measure nothing, only write docs/benchmarks.md again")
    asked = parser.parse_args(words)
    unknown = [name for name in asked.names if name not in MODULES]
    if unknown:
        parser.error(f"no figure is named {unknown[0]}; there are {', '.join(MODULES)}")
    wrong = 0 if asked.draw else sum(not _measure(name) for name in asked.names or MODULES)
    draw.draw(figure.load(), FIGURES)
    return 1 if wrong else 0


def _measure(name: str) -> bool:
    """Measure one module's figures and keep their rows; False when a result was wrong, which keeps nothing."""
    module, started = MODULES[name], time.monotonic()
    print(f"{name}, load {os.getloadavg()[0]:.1f} …", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="workbench-bench-") as place:
            values = module.measure(Path(place))
    except WrongResult as error:
        print(f"  WRONG: {error}", file=sys.stderr)
        return False
    rows = [known.row(*values[known.name]) for known in module.FIGURES]
    figure.save(rows, ORDER)
    for row in rows:
        verdict = "met" if figure.met(row) else "missed"
        numbers = f"{row['ours']:>9.4g} {row['peer']:>9.4g} {row['unit']:<13}"
        print(f"  {row['name']:<24} {numbers} ratio {row['ratio']:>6.3g}   {row['goal']}: {verdict}")
    print(f"  {time.monotonic() - started:.0f} s", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
