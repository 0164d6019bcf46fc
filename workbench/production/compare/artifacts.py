"""An artifact in two runs: the same bytes, else the same content where its format says what that is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from workbench.production.compare.cells import plain_json
from workbench.production.compare.values import Verdict, tables, values, worst
from workbench.records.files import sha256_file

LARGEST_BYTES = 1 << 28  # tables are compared in memory, both at once


def compare_files(a: Path, b: Path, tolerance: float, *, ids: tuple[str, str] = ("", "")) -> tuple[Verdict, str]:
    """The verdict on two files or folders, and a word on why it is that one.

    Other bytes are no other content in Parquet and CSV (read as tables) and in JSON; any other format is judged by its bytes.
    ids: the runs' ids, which a JSON file may name.
    """
    missing = [path for path in (a, b) if not path.exists()]
    if missing:
        return Verdict.DIFFERENT, "it is not there any more" if missing[0] is a else "it was not written"
    if a.is_dir() and b.is_dir():
        return _folders(a, b, tolerance, ids)
    if a.is_dir() or b.is_dir():
        return Verdict.DIFFERENT, "one is a folder, the other a file"
    if sha256_file(a) == sha256_file(b):
        return Verdict.IDENTICAL, ""
    if max(a.stat().st_size, b.stat().st_size) > LARGEST_BYTES:
        return Verdict.DIFFERENT, f"other bytes; above {LARGEST_BYTES >> 20} MiB content is not compared"
    try:
        verdict = _content(a, b, tolerance, ids)
    except (OSError, ValueError, RecursionError) as error:  # pyarrow's ArrowInvalid is a ValueError
        return Verdict.DIFFERENT, f"other bytes, and not readable: {str(error).splitlines()[0] if str(error) else error!r}"
    if verdict is None:
        return Verdict.DIFFERENT, "other bytes"
    return verdict, {Verdict.IDENTICAL: "the same content in other bytes", Verdict.DIFFERENT: "other content"}.get(verdict, "")


def _folders(a: Path, b: Path, tolerance: float, ids: tuple[str, str]) -> tuple[Verdict, str]:
    """Folders file by file; the word names the first file that differs."""
    names = sorted({path.relative_to(root).as_posix() for root in (a, b) for path in root.rglob("*") if path.is_file()})
    found = [(name, *compare_files(a / name, b / name, tolerance, ids=ids)) for name in names]
    verdict = worst(each for _, each, _ in found)
    odd = [f"{name}: {word or each}" for name, each, word in found if each is verdict and verdict is not Verdict.IDENTICAL]
    return verdict, odd[0] + (f" (and {len(odd) - 1} more)" if len(odd) > 1 else "") if odd else ""


def _content(a: Path, b: Path, tolerance: float, ids: tuple[str, str]) -> Verdict | None:
    """The verdict on what two files of one format hold; None for a format of which we know only the bytes."""
    match a.suffix.lower():
        case ".parquet" | ".pq":
            from pyarrow import parquet

            return tables(parquet.read_table(a, partitioning=None), parquet.read_table(b, partitioning=None), tolerance)
        case ".csv":
            from pyarrow import csv

            return tables(csv.read_csv(a), csv.read_csv(b), tolerance)
        case ".json":
            return values(_json(a, ids[0]), _json(b, ids[1]), tolerance)
        case _:
            return None


def _json(path: Path, run_id: str) -> Any:
    return plain_json(json.loads(path.read_text(encoding="utf-8")), run_id)
