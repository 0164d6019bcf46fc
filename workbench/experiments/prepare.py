"""A table becomes parts that a model can be trained and judged on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from workbench.errors import BadInput, unknown
from workbench.experiments.leaks import leaks
from workbench.experiments.split import assign
from workbench.findings import Finding
from workbench.records.encoding import Encoding
from workbench.records.model import Label, Split, Task

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]

NAIVE = "baseline_"  # columns of this prefix are naive forecasts: to compare with, never to learn from
TRUE_LABELS = {1, "1", "yes", "y", "true", "positive"}  # 1 is True as well


class Part(NamedTuple):
    """The rows of one split. n rows, k features."""

    table: pa.Table  # the raw columns
    x: Matrix  # float32 [n, k]
    y: Floats  # [n]; the target, or for a classification the index of its class
    scale: Floats | None  # [n]; what the target is divided by
    baseline: Floats | None  # [n]; the naive prediction, NaN where there is none


@dataclass(frozen=True)
class Prepared:
    """A table, told apart into splits, with the encoding learned on the training rows."""

    table: pa.Table
    target: str
    task: Task
    encoding: Encoding
    split: Split
    names: NDArray[np.str_]  # [n] split name of each row
    scale: str | None = None
    baseline: str | None = None
    ids: tuple[str, ...] = ()
    classes: tuple[Label, ...] = ()
    findings: tuple[Finding, ...] = ()
    _parts: dict[str, Part] = field(default_factory=dict, repr=False)

    @property
    def rows(self) -> dict[str, int]:
        """Rows of each split; train, validate, test first."""
        import numpy as np

        names, counts = np.unique(self.names, return_counts=True)
        found = dict(zip(names.tolist(), counts.tolist(), strict=True))
        order = [name for name in ("train", "validate", "test") if name in found]
        return {name: found[name] for name in [*order, *sorted(set(found) - set(order))]}

    def part(self, split: str) -> Part:
        """The rows of one split, made at first use. Raises UnknownName, or BadInput for unusable values in them."""
        if split not in self._parts:
            import numpy as np
            import pyarrow as pa

            if split not in self.rows:
                raise unknown("split", split, self.rows)
            rows = self.table.filter(pa.array(np.asarray(self.names == split)))
            self._parts[split] = Part(
                table=rows,
                x=self.encoding.matrix(rows),
                y=_target(rows, self),
                scale=None if self.scale is None else _scale(rows, self.scale),
                baseline=None if self.baseline is None else self._baseline(rows, self.baseline),
            )
        return self._parts[split]

    def _baseline(self, rows: pa.Table, name: str) -> Floats:
        if self.task == "multiclass":
            return _class_indices(rows, name, self.classes)
        return _floats(rows, name)


def prepare(
    table: pa.Table,
    *,
    target: str,
    task: Literal["auto", "regression", "binary", "multiclass"] = "auto",
    features: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    scale: str | None = None,
    baseline: str | None = None,
    ids: Iterable[str] = (),
    split: Split | None = None,
    positive: Label | None = None,
) -> Prepared:
    """Part a table into training, validation and test rows, and learn its encoding on the training rows.

    task: 'auto' takes text, booleans and integers of two values as classes, other numbers as a regression.
    features: columns to learn from; by default all but the target, scale, baseline, ids, split columns, `exclude`, and
        those named `baseline_*` (naive forecasts).
    scale: a positive column; the model then learns target / scale with weight scale (regression only).
    baseline: a column with the prediction to beat: target units, a score, or for several classes a label.
    ids: columns that name a row; the first of them is the entity that a bootstrap draws.
    positive: the class whose probability is asked for; default 1, True or yes, else the rarer one.
    Raises UnknownName for a column that is not there; BadInput for a missing target value, a single class, an empty split.
    Findings: a warning for each feature that alone nearly tells the target.
    """
    import pyarrow as pa

    split, ids, exclude = split or Split(), tuple(ids), tuple(exclude)
    features = None if features is None else tuple(features)
    named = [target, scale, baseline, split.column, split.time_column, *ids, *exclude, *(features or ())]
    for name in filter(None, named):
        if name not in table.column_names:
            raise unknown("column", name, table.column_names)
    task = _task(table, target) if task == "auto" else task
    _check_target(table, target, task, scale)
    names = assign(table, split, stratify=None if task == "regression" else target)
    apart = {target, scale, baseline, split.column, split.time_column, *ids, *exclude}
    for name in features or ():
        if name in {target, split.column, baseline}:
            raise BadInput(f"'{name}' as a feature", why="it holds the answer, or what it is judged by", fix="leave it out")
    offered = features or tuple(c for c in table.column_names if c not in apart and not c.startswith(NAIVE))
    train = table.filter(pa.array(names == "train"))
    prepared = Prepared(
        table=table,
        target=target,
        task=task,
        encoding=Encoding.learn(train, offered),
        split=split,
        names=names,
        scale=scale,
        baseline=baseline,
        ids=ids,
        classes=() if task == "regression" else _classes(train, target, task, positive),
    )
    part = prepared.part("train")
    wanted = part.y if part.scale is None else part.y / part.scale
    found = leaks(part.x, wanted, prepared.encoding.features, task)
    return replace(prepared, findings=tuple(found))


def _task(table: pa.Table, target: str) -> Task:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = table.schema.field(target).type
    distinct = pc.count_distinct(table.column(target), mode="only_valid").as_py()
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or (pa.types.is_integer(kind) and distinct > 2):
        return "regression"
    return "binary" if distinct <= 2 else "multiclass"


def _check_target(table: pa.Table, target: str, task: Task, scale: str | None) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    column = table.column(target)
    missing = column.null_count
    if pa.types.is_floating(column.type):
        missing += pc.sum(pc.invert(pc.is_finite(column)).cast(pa.int64())).as_py() or 0
    if missing:
        raise BadInput(
            f"the target '{target}' is missing in {missing:,} of {table.num_rows:,} rows",
            why="a model cannot learn from, or be judged on, a row without an answer",
            fix="leave these rows out in the feature query, or say there what a missing value means",
        )
    if scale and task != "regression":
        raise BadInput("a scale for a classification", why="only a number can be divided by it", fix="leave the scale out")


def _classes(train: pa.Table, target: str, task: Task, positive: Label | None) -> tuple[Label, ...]:
    """The classes of the training rows: sorted, or for two of them (negative, positive)."""
    counts = {pair["values"]: pair["counts"] for pair in train.column(target).value_counts().to_pylist()}
    classes = sorted(counts, key=str) if any(isinstance(c, str) for c in counts) else sorted(counts)
    if len(classes) < 2 or (task == "binary") != (len(classes) == 2):
        raise BadInput(
            f"'{target}' has {len(classes)} class{'es' if len(classes) > 1 else ''} in the training rows",
            why=f"a {task} task needs {'two' if task == 'binary' else 'three or more'}",
            fix="check the split and the target, or name another task",
        )
    if any(isinstance(c, float) and not c.is_integer() for c in classes):
        raise BadInput(f"'{target}' holds fractions", why="they are amounts, not classes", fix="use task='regression'")
    if task == "binary":
        if positive is not None and positive not in classes:
            raise unknown("class", str(positive), [str(c) for c in classes])
        true = [c for c in classes if (c.lower() if isinstance(c, str) else c) in TRUE_LABELS]
        chosen = positive if positive is not None else true[0] if len(true) == 1 else min(classes, key=lambda c: counts[c])
        classes.sort(key=lambda c: c == chosen)
    return tuple(int(c) if isinstance(c, float) else c for c in classes)


def _target(rows: pa.Table, prepared: Prepared) -> Floats:
    if prepared.task == "regression":
        return _floats(rows, prepared.target)
    return _class_indices(rows, prepared.target, prepared.classes)


def _class_indices(rows: pa.Table, name: str, classes: tuple[Label, ...]) -> Floats:
    """Index of each row's class as float64 [n]. Raises BadInput for a class that training never saw."""
    import numpy as np

    place = {label: index for index, label in enumerate(classes)}
    values = rows.column(name).to_pylist()
    strangers = {str(value) for value in values if value not in place}
    if strangers:
        raise BadInput(
            f"'{name}' holds classes that no training row has: {', '.join(sorted(strangers)[:5])}",
            why="the model has no probability for them",
            fix="move such rows into training, or leave them out",
        )
    return np.array([place[value] for value in values], dtype=np.float64)


def _floats(rows: pa.Table, name: str) -> Floats:
    import numpy as np
    import pyarrow as pa

    column = rows.column(name)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    try:
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise BadInput(
            f"'{name}' is {column.type}, not a number", why="it is compared and divided", fix="cast it in the feature query"
        ) from None


def _scale(rows: pa.Table, name: str) -> Floats:
    import numpy as np

    values = _floats(rows, name)
    bad = int((~(np.isfinite(values) & (values > 0))).sum())
    if bad:
        raise BadInput(
            f"the scale '{name}' is missing, 0 or negative in {bad:,} of {len(values):,} rows",
            why="the target is divided by it",
            fix="give it a floor in the feature query, such as greatest(level, 0.5)",
        )
    return values
