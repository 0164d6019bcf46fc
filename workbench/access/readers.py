"""Our readers: CSV (and TSV), Parquet, JSON lines.

DuckDB guesses when a CSV file is odd: it renames a second `a` to `a_1`, skips lines it takes for a preamble, and takes a
file with one ragged row for one wide column. So the dialect is fixed here (the separator from the header line, quotes `"`,
strict) and only the types are found; a file that does not fit is refused with its line.
"""

from __future__ import annotations

import csv
import json
import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from workbench import plugins
from workbench.access.interface import Reader
from workbench.access.sql import file_literal, literal, struct
from workbench.errors import BadInput, unknown

GROUP = "workbench.readers"
_BLOCK = 1 << 20
_SEPARATORS = ",;\t|"
csv.field_size_limit(1 << 30)  # DuckDB has its own limit on a line; the 128 KiB of Python's csv would refuse first


@cache
def reader(name: str) -> Reader:
    """The reader of a format, looked up once: it takes 0.1 s to go through what is installed. Raises UnknownName."""
    found: Reader = plugins.load(GROUP, name)
    return found


def reader_for(path: Path) -> Reader:
    """The reader for a file, by its suffix. Raises BadInput that lists the formats there are."""
    points: Mapping[str, EntryPoint] = plugins.names(GROUP)
    readers = [reader(name) for name in points]
    for found in readers:
        if path.suffix.lower() in found.suffixes:
            return found
    known = sorted(suffix for found in readers for suffix in found.suffixes)
    hint = unknown("format", path.suffix.lower() or path.name, known).why
    raise BadInput(
        f"{path.name} has a format that cannot be read",
        why=f"its name ends in '{path.suffix}'; {hint}",
        fix=f"convert it, or give it the right name: one of {', '.join(known)}",
    )


def unlike(path: Path, names: Sequence[str]) -> tuple[str, ...]:
    """The names, if none is empty or there twice (DuckDB tells no capitals apart). Raises BadInput."""
    if "" in names:
        raise BadInput(
            f"{path.name} has a column without a name",
            why=f"column {names.index('') + 1} of {len(names)} has an empty name",
            fix="give every column a name",
        )
    twice = [name for name, n in Counter(name.lower() for name in names).items() if n > 1]
    if twice:
        places = [str(i) for i, name in enumerate(names, start=1) if name.lower() == twice[0]]
        raise BadInput(
            f"{path.name} has two columns with one name",
            why=f"'{twice[0]}' is the name of columns {' and '.join(places)} (capitals do not count)",
            fix="rename one of them",
        )
    return tuple(names)


def _nothing(path: Path) -> BadInput:
    return BadInput(f"{path.name} is empty", why="it has no bytes", fix="check how it was written, and write it again")


def _check_utf8(path: Path) -> None:
    """Raises BadInput with the byte offset and line of the first bytes that are not UTF-8."""
    offset, line, rest = 0, 1, b""
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK)
            data = rest + block
            try:
                data.decode("utf-8")
                good = len(data)
            except UnicodeDecodeError as error:
                if block and error.end == len(data) and error.reason == "unexpected end of data":
                    good = error.start  # a character cut by the block's end
                else:
                    raise _not_utf8(path, offset + error.start, line + data.count(b"\n", 0, error.start), data) from error
            offset, line, rest = offset + good, line + data.count(b"\n", 0, good), data[good:]
            if not block:
                return


def _not_utf8(path: Path, offset: int, line: int, data: bytes) -> BadInput:
    utf16 = offset == 0 and data[:2] in (b"\xff\xfe", b"\xfe\xff")
    return BadInput(
        f"{path.name} is not UTF-8",
        why=f"byte {offset:,} (line {line:,}) cannot be decoded" + ("; it begins like UTF-16" if utf16 else ""),
        fix=f"iconv -f {'UTF-16' if utf16 else 'LATIN1'} -t UTF-8 {shlex.quote(path.name)} > fixed{path.suffix}",
    )


class CsvReader:
    """Comma-separated text with a header line, UTF-8. The separator is the one of `, ; tab |` most used in the header."""

    name = "csv"
    suffixes = (".csv", ".tsv")
    columnar = False

    def header(self, path: Path) -> tuple[str, ...]:
        names, _ = self._head(path)
        return unlike(path, names)

    def examine(self, path: Path) -> None:
        if not path.stat().st_size:
            raise _nothing(path)
        _check_utf8(path)
        self.header(path)

    def relation(self, path: Path, types: Mapping[str, str]) -> str:
        names, separator = self._head(path)
        given = f", auto_detect=false, columns={struct({n: types.get(n, 'VARCHAR') for n in names})}" if types else ""
        return (
            f"read_csv({file_literal(path)}, header=true, delim={literal(separator)}, quote='\"', escape='\"', skip=0,"
            f" comment='', null_padding=false, ignore_errors=false, strict_mode=true, sample_size=-1{given})"
        )

    def explain(self, path: Path, error: Exception) -> BadInput:
        odd = self._odd_row(path)
        if odd:
            what, why = odd
            return BadInput(f"{path.name} has {what}", why=why, fix="mend that line (a stray separator or quote?)")
        found = re.search(r"CSV Error on Line: (\d+)\n(?:Original Line:[^\n]*\n)?([^\n]*)", str(error))
        why = f"line {found[1]}: {found[2]}" if found else str(error).splitlines()[0]
        return BadInput(f"{path.name} cannot be read as CSV", why=why, fix="mend that line, or its type in the contract")

    @staticmethod
    def _head(path: Path) -> tuple[list[str], str]:
        """The header's names, and the separator."""
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            line = file.readline(_BLOCK)
            if not line.strip():
                raise _nothing(path)
            bare = re.sub(r'"(?:[^"]|"")*"', "", line)
            separator = max(_SEPARATORS, key=bare.count)
            file.seek(0)
            names = next(csv.reader(file, delimiter=separator, strict=False))
        return [name.strip() if not name.startswith('"') else name for name in names], separator

    def _odd_row(self, path: Path) -> tuple[str, str] | None:
        """What the first row is whose quotes do not close or whose number of fields is not the header's, and where."""
        names, separator = self._head(path)
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            rows = csv.reader(file, delimiter=separator, strict=True)
            before = 0
            try:
                for row in rows:
                    if row and len(row) != len(names):
                        return "a ragged row", f"line {before + 1:,} has {len(row)} fields, the header has {len(names)}"
                    before = rows.line_num
            except csv.Error as error:
                return "a quote that does not close", f"the row that begins in line {before + 1:,}: {error}"
        return None


class ParquetReader:
    """Apache Parquet, one file."""

    name = "parquet"
    suffixes = (".parquet", ".pq")
    columnar = True

    def header(self, path: Path) -> tuple[str, ...]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not path.stat().st_size:
            raise _nothing(path)
        try:
            return unlike(path, pq.read_schema(path).names)
        except pa.ArrowException as error:
            raise self.explain(path, error) from error

    def examine(self, path: Path) -> None:
        self.header(path)

    def relation(self, path: Path, types: Mapping[str, str]) -> str:
        return f"read_parquet({file_literal(path)})"

    def explain(self, path: Path, error: Exception) -> BadInput:
        return BadInput(
            f"{path.name} is no whole Parquet file",
            why=str(error).splitlines()[0],
            fix="write it again; if it is another format, give it that suffix",
        )


class JsonLinesReader:
    """One JSON object a line, UTF-8."""

    name = "jsonl"
    suffixes = (".jsonl", ".ndjson")
    columnar = False

    def header(self, path: Path) -> tuple[str, ...]:
        """The keys in the order in which they first appear."""
        if not path.stat().st_size:
            raise _nothing(path)
        names: dict[str, None] = {}
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    names.update(dict.fromkeys(self._keys(path, number, line)))
        return unlike(path, list(names))

    def examine(self, path: Path) -> None:
        _check_utf8(path)
        self.header(path)

    def relation(self, path: Path, types: Mapping[str, str]) -> str:
        given = f", columns={struct(types)}" if types else ", sample_size=-1"
        return (
            f"read_json({file_literal(path)}, format='newline_delimited', records=true, ignore_errors=false,"
            f" maximum_object_size=268435456{given})"
        )

    def explain(self, path: Path, error: Exception) -> BadInput:
        return BadInput(
            f"{path.name} cannot be read as JSON lines",
            why=str(error).splitlines()[0],
            fix="mend that line, or its type in the contract",
        )

    @staticmethod
    def _keys(path: Path, number: int, line: str) -> list[str]:
        def pairs(found: list[tuple[str, Any]]) -> list[str]:
            return [key for key, _ in found]

        def bad(why: str) -> BadInput:
            fix = f"mend line {number}: one JSON object a line"
            return BadInput(f"{path.name} cannot be read as JSON lines", why=f"line {number}: {why}", fix=fix)

        try:
            keys = json.loads(line, object_pairs_hook=pairs)
        except (ValueError, RecursionError) as error:
            raise bad(str(error)) from error
        if not isinstance(keys, list) or not line.lstrip().startswith("{"):
            raise bad("it is no JSON object")
        twice = [key for key, n in Counter(keys).items() if n > 1]
        if twice:
            raise bad(f"the key '{twice[0]}' is there twice")
        return keys


CSV = CsvReader()
PARQUET = ParquetReader()
JSONL = JsonLinesReader()
