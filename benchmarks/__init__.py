"""What Workbench costs beside a named peer that does the same: `python -m benchmarks [NAME…]`, or `make bench`.

    measure.py      runs two sides alternately; CPU seconds, wall seconds, peak memory of a child process
    figure.py       what a figure says, and its row in results.json
    draw.py         results.json -> docs/benchmarks.md
    retail.py       the sample project that most figures stand on
    the others      one group of figures each

A benchmark fails on a wrong result, never on a slow one.
"""
