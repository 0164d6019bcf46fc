"""What training leaves (`TrainedModel`) and what an export leaves (`ModelManifest`): the papers of a model.

Both are complete without the model itself: what it was trained on, which matrix it takes, how good it was beside its
baseline, and the hash of every file. A reader needs neither scikit-learn nor torch to judge it.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, model_validator

from workbench.errors import BadInput
from workbench.findings import Finding
from workbench.records.base import Record
from workbench.records.encoding import Encoding
from workbench.records.view import View

Task = Literal["regression", "binary", "multiclass"]
Label = bool | int | str  # a class as it stands in the target column
Verdict = Literal["model", "baseline", "not separable"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileHash(_Part):
    """One file beside the record."""

    sha256: str
    size_bytes: int


class Split(_Part):
    """How rows are parted. Exactly one way: by a text column, by time, or at random.

    column: holds 'train', 'validate' (may be absent) and 'test'; rows with other words take no part in training.
    time_column: the last rows are the test, the ones before them validate; equal times never part.
    shares: of the rows, for a split by time or at random; `seed` is for the random one, which keeps the classes' shares.
    """

    column: str = ""
    time_column: str = ""
    test_share: float = 0.2
    validate_share: float = 0.15
    seed: int = 0

    @model_validator(mode="after")
    def _one_way(self) -> Split:
        if self.column and self.time_column:
            raise BadInput("a split by column and by time", why="rows can be parted in one way only", fix="give one of the two")
        shares = self.test_share, self.validate_share
        if min(shares) < 0 or self.test_share == 0 or sum(shares) >= 1:
            raise BadInput(
                f"a split into {self.test_share:g} test and {self.validate_share:g} validate",
                why="test needs some rows, and so does train",
                fix="choose shares above 0 that leave rows for training, such as 0.2 and 0.15",
            )
        return self

    def words(self) -> str:
        """The rule in one line."""
        if self.column:
            return f"by the column '{self.column}'"
        shares = f"{self.test_share:.0%} test, {self.validate_share:.0%} validate"
        return f"by time '{self.time_column}', {shares}" if self.time_column else f"at random (seed {self.seed}), {shares}"


class Score(_Part):
    """One metric of the model and of its baseline. None: it does not apply (a count is no probability, so no Brier)."""

    metric: str
    unit: str = ""
    higher_is_better: bool
    model: float | None
    baseline: float | None = None

    def shown(self) -> str:
        """`45.8 % (baseline 52.75)`; empty when the metric does not apply."""
        if self.model is None:
            return ""
        against = "" if self.baseline is None else f" (baseline {self.baseline:.4g})"
        return f"{self.model:.4g} {self.unit}".rstrip() + against


class Gain(_Part):
    """How much better the model is than its baseline, on one metric, and whether chance can explain it.

    value: in units of the metric, positive = the model is better; low, high: the bootstrap's 95 % interval, drawn over
    whole entities, since rows of one product or household are not independent.
    """

    metric: str
    unit: str = ""
    value: float
    low: float
    high: float
    entity: str  # column whose values were drawn; empty: rows
    resamples: int

    @property
    def verdict(self) -> Verdict:
        """Which of the two to use: 'not separable' when the interval holds 0 (then take the simpler one)."""
        if self.low > 0:
            return "model"
        return "baseline" if self.high < 0 else "not separable"


class Evaluation(Record):
    """Model and baseline side by side on one split. The first score is the headline."""

    kind: ClassVar[str] = "evaluation"

    split: str
    rows: int
    baseline: str  # what the model was compared with, in words
    scores: tuple[Score, ...]
    gain: Gain
    findings: tuple[Finding, ...] = ()

    @property
    def headline(self) -> Score:
        return self.scores[0]

    @property
    def verdict(self) -> Verdict:
        return self.gain.verdict

    def score(self, metric: str) -> Score:
        """The score of one metric; KeyError when this task has no such metric."""
        found = {score.metric: score for score in self.scores}
        return found[metric]

    def view(self) -> View:
        gain = self.gain
        return View(
            title=f"{self.split}: {self.rows:,} rows",
            facts=(
                ("baseline", self.baseline),
                ("gain", f"{gain.metric} {gain.value:+.4g} [{gain.low:.4g}, {gain.high:.4g}] {gain.unit}".rstrip()),
                ("verdict", self.verdict),
            ),
            columns=("metric", "model", "baseline"),
            rows=tuple((_named(s), _number(s.model), _number(s.baseline)) for s in self.scores),
            findings=self.findings,
        )


def _named(score: Score) -> str:
    return f"{score.metric} ({score.unit})" if score.unit else score.metric


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


class TrainedModel(Record):
    """What the train step leaves beside the model's files: `model.json`, written last, so it stands for the whole folder.

    The native model takes the float32 matrix of `encoding`. It gives for a regression the target (divided by `scale`,
    where there is one: multiply back), and for a classification one probability per class, in the order of `classes`.
    """

    kind: ClassVar[str] = "trained_model"

    family: str
    settings: dict[str, JsonValue]
    seed: int
    refitted: bool  # fitted on train + validate, once the settings were chosen
    task: Task
    target: str
    scale: str | None = None  # column: target / scale is fitted with weight scale, the prediction is multiplied by it
    encoding: Encoding
    classes: tuple[Label, ...] = ()  # of a binary task: (negative, positive)
    baseline: str | None = None  # column of the baseline's prediction; None: the training mean or base rate
    ids: tuple[str, ...] = ()
    split: Split
    rows: dict[str, int]  # split name -> rows
    evaluations: tuple[Evaluation, ...] = ()
    datasets: dict[str, str] = {}  # name -> hash of the content that was read
    versions: dict[str, str] = {}
    files: dict[str, FileHash]

    @property
    def positive(self) -> Label | None:
        """The class that a binary model gives the probability of."""
        return self.classes[1] if self.task == "binary" else None

    def evaluation(self, split: str) -> Evaluation | None:
        return next((found for found in self.evaluations if found.split == split), None)

    def view(self) -> View:
        test = self.evaluation("test")
        shown = test.view() if test else View(title="")
        return View(
            title=f"{self.family} for '{self.target}' ({self.task})",
            facts=(
                ("split", self.split.words()),
                ("rows", ", ".join(f"{n:,} {name}" for name, n in self.rows.items())),
                ("features", str(len(self.encoding.features))),
                *shown.facts,
            ),
            columns=shown.columns,
            rows=shown.rows,
            findings=shown.findings,
        )


class ModelManifest(Record):
    """What an export leaves: everything to check, serve and trace one version of a model.

    evidence: the findings of the parity gate (rows compared, largest difference, worst rows) and of the size and speed
    comparison; a manifest is only written when none of them blocks.
    """

    kind: ClassVar[str] = "model_manifest"

    name: str
    model_version: int  # 1, 2, …; `version` is that of the record's form
    created: datetime
    created_by: str = ""
    family: str
    task: Task
    target: str
    scale: str | None = None
    encoding: Encoding
    classes: tuple[Label, ...] = ()
    files: dict[str, FileHash]
    run_id: str = ""  # the run that trained it
    datasets: dict[str, str] = {}
    evaluations: tuple[Evaluation, ...] = ()
    evidence: tuple[Finding, ...] = ()
    opset: int | None = None  # of the ONNX file
    versions: dict[str, str] = {}

    @property
    def positive(self) -> Label | None:
        """The class that a binary model gives the probability of."""
        return self.classes[1] if self.task == "binary" else None

    def view(self) -> View:
        return View(
            title=f"model {self.name}, version {self.model_version}",
            facts=(
                ("family", self.family),
                ("target", f"{self.target} ({self.task})"),
                ("created", f"{self.created:%Y-%m-%d %H:%M} UTC"),
                ("run", self.run_id),
                ("features", str(len(self.encoding.features))),
                *((f"{e.split} {e.headline.metric}", e.headline.shown()) for e in self.evaluations),
                *((f"data {name}", sha256[:12]) for name, sha256 in self.datasets.items()),
            ),
            columns=("file", "KiB", "sha256"),
            rows=tuple((name, f"{file.size_bytes / 1024:.1f}", file.sha256[:12]) for name, file in self.files.items()),
            findings=self.evidence,
        )
