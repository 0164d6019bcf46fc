"""A scoring service's start and its throughput: our scorer on onnxruntime beside the native model on scikit-learn."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import retail
from benchmarks.figure import Figure
from benchmarks.measure import Stopwatch, ask, ask_in_turn, child, laps, require

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_PEER = "the native model: `skops` file, `scikit-learn` predicts, the same encoding of raw rows"


def _figure(name: str, title: str, unit: str, goal: str, meaning: str, more_is_better: bool = False) -> Figure:
    return Figure(name, title, unit, goal, ("scikit-learn", "skops"), _PEER, meaning, more_is_better)


FIGURES = (
    _figure(
        "scoring_import.cpu",
        "score one row in a fresh process",
        "CPU s",
        "ratio >= 2",
        "Interpreter, imports, loading the checked model and one prediction of the weekly demand model (gradient boosting, "
        "40 trees). The peer is spared the import of torch that skops brings where torch is installed; a pickle would start "
        "sooner than a skops file, and runs whatever code it holds.",
    ),
    _figure(
        "scoring_import.wall",
        "score one row in a fresh process",
        "wall s",
        "ratio >= 2",
        "As above on the clock, files in the page cache. A service pays it once for each worker, a batch job once a run.",
    ),
    _figure(
        "scoring_import.peak",
        "score one row in a fresh process",
        "MiB peak",
        "ratio >= 1.5",
        "As above, peak resident memory of the process; Arrow, which holds the raw rows, is in both.",
    ),
    _figure(
        "scoring_rows",
        "score 21,049 rows, model in memory",
        "rows / CPU s",
        "ratio >= 1",
        "From raw rows to units, the encoding of the rows included on both sides; predictions agree to 1e-5. On a busy "
        "machine the threads of scikit-learn wait for each other, which counts as CPU time; random forests, whose export may "
        "well be slower, were not measured.",
        more_is_better=True,
    ),
)
ROUNDS = 4
PASSES = 9
ROWS = 21_049
MODEL = "weekly-demand"
SETTINGS = {"learning_rate": 0.15, "trees": 40}  # those of the sample's pipeline


def measure(place: Path) -> dict[str, tuple[float, float]]:
    project = retail.new_project(place)
    ask("scoring_import", "prepare", project)
    sides = ("ours", "peer")
    found = ask_in_turn("scoring_import", sides, project, rounds=ROUNDS)
    for mine, theirs in zip(found["ours"], found["peer"], strict=True):
        require(_near(mine.facts["one"], theirs.facts["one"]), "the two sides predict one row differently")
    _compare(*(_doubles(project / f"{side}.bin") for side in sides))
    ours, peer = (laps(found[side], "one") for side in sides)
    warm = {side: laps(found[side], "all") for side in sides}
    return {
        "scoring_import.cpu": (ours.cpu_s, peer.cpu_s),
        "scoring_import.wall": (ours.wall_s, peer.wall_s),
        "scoring_import.peak": (ours.peak_mib, peer.peak_mib),
        "scoring_rows": (ROWS / warm["ours"].cpu_s, ROWS / warm["peer"].cpu_s),
    }


def _compare(ours: array[float], peer: array[float]) -> None:
    require(len(ours) == len(peer) == ROWS, f"{len(ours):,} and {len(peer):,} predictions for {ROWS:,} rows")
    far = sum(not _near(a, b) for a, b in zip(ours, peer, strict=True))
    require(far == 0, f"{far:,} of {ROWS:,} predictions differ by more than 1e-5")


def _near(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-5 * max(1.0, abs(b))


def _doubles(path: Path) -> array[float]:
    values = array("d")
    values.frombytes(path.read_bytes())
    return values


def prepare(_watch: Stopwatch, root: Path) -> Mapping[str, Any]:
    """Train the sample's demand model, export it, and leave the test rows as a file."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from workbench import access, experiments, export
    from workbench.project import open_project

    project = open_project(root)
    sql = (root / "features" / "weekly_demand.sql").read_text(encoding="utf-8")
    with access.open(["transactions", "products", "promotions"], purpose="training", project=project) as connection:
        table = connection.sql(sql).to_arrow_table()
    prepared = experiments.prepare(
        table,
        target="units",
        scale="level",
        baseline="baseline_mean8",
        ids=("product_id", "week"),
        split=experiments.Split(column="split"),
    )
    fitted = experiments.fit(prepared, family="histgb", seed=0, settings=SETTINGS)
    experiments.save(fitted, experiments.evaluate(fitted, prepared), root / "model")
    export.export(project, root / "model", name=MODEL)
    pq.write_table(table.filter(pc.equal(table["split"], "test")), root / "rows.parquet")
    return {}


def ours(watch: Stopwatch, root: Path) -> Mapping[str, Any]:
    from workbench import export
    from workbench.project import open_project

    scorer = export.load(open_project(root), MODEL)

    def predict(rows: pa.Table) -> NDArray[np.float64]:
        values: NDArray[np.float64] = scorer.predict(rows)["prediction"].to_numpy()
        return values

    return _both(watch, root, "ours", predict)


def peer(watch: Stopwatch, root: Path) -> Mapping[str, Any]:
    from workbench.native.estimator import load_estimator
    from workbench.records.model import TrainedModel

    papers = TrainedModel.load(root / "model" / "model.json")
    model = load_estimator((root / "model" / "model.skops").read_bytes(), source="model.skops")

    def predict(rows: pa.Table) -> NDArray[np.float64]:
        values: NDArray[np.float64] = model.predict(papers.encoding.matrix(rows)) * rows["level"].to_numpy()
        return values

    return _both(watch, root, "peer", predict)


def _both(watch: Stopwatch, root: Path, side: str, predict: Any) -> Mapping[str, Any]:
    """One row first, all rows then; the last predictions are left as a file of doubles."""
    import pyarrow.parquet as pq

    table = pq.read_table(root / "rows.parquet")
    one = float(predict(table.slice(0, 1))[0])
    watch.lap("one")
    predict(table)
    watch.mark()
    for _ in range(PASSES):
        predictions = predict(table)
        watch.lap("all")
    (root / f"{side}.bin").write_bytes(predictions.astype("float64").tobytes())
    return {"one": one}


if __name__ == "__main__":
    child(prepare, ours, peer)
