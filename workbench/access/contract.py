"""Data contracts: what a dataset is, where it lies, and how sensitive each column is.

A contract is a file of the Open Data Contract Standard (ODCS 3.1), `contracts/<name>.odcs.yaml`; together they are the
catalog. What the standard has no field for stands in its `customProperties`: `entity` and `featureClass` of a column,
`knownDuplicates` of a schema, `knownOrphans` of a relationship, `knownFact` of a quality rule. We read the parts that we
act on; a key that the standard's model would drop without a word is refused, and we never write a person's file anew.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.errors import BadInput
from workbench.records.base import first_error

if TYPE_CHECKING:
    from open_data_contract_standard.model import CustomProperty, DataQuality, OpenDataContractStandard, SchemaProperty

SUFFIX = ".odcs.yaml"
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
CLASSES = ("public", "internal", "confidential", "restricted")
FEATURE_CLASSES = ("", "sample", "calendar", "accumulating", "id")
BOUNDS = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Part):
    """One column. classification None: nobody has said yet, so nobody reads it."""

    name: str
    logical: str  # ODCS logicalType: integer, number, string, boolean, date, timestamp, time, object, array
    physical: str = ""  # DuckDB's type
    classification: Literal["public", "internal", "confidential", "restricted"] | None = None
    description: str = ""
    key: bool = False
    required: bool = False
    entity: str = ""  # whose id this is: "household"
    feature_class: str = ""


class Relationship(_Part):
    """A foreign key. known_orphans: rows without a partner that are a known fact of the data."""

    columns: tuple[str, ...]
    to: str
    to_columns: tuple[str, ...]
    known_orphans: int = 0


class Rule(_Part):
    """A quality rule: a query that yields one value, and the bound that it must keep."""

    name: str
    type: str
    query: str = ""
    bound: str = ""  # one of BOUNDS
    value: Any = None
    known_fact: bool = False


class Contract(_Part):
    """A contract as we act on it. `path` is as written; `registry.locate` finds the file."""

    name: str
    version: str
    status: str
    description: str
    format: str
    path: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    relationships: tuple[Relationship, ...]
    rules: tuple[Rule, ...]
    known_duplicates: int = 0

    def column(self, name: str) -> Column | None:
        return next((c for c in self.columns if c.name == name), None)

    @property
    def types(self) -> dict[str, str]:
        """Column name -> DuckDB type, for the columns whose contract says it."""
        return {c.name: c.physical for c in self.columns if c.physical}


def parse(raw: bytes, name: str) -> Contract:
    """The contract of dataset `name` from the text of its file. Raises BadInput that names the place."""
    source = f"contracts/{name}{SUFFIX}"
    try:
        return _contract(_standard(raw, source), name)
    except (ValidationError, ValueError) as error:
        why = first_error(error) if isinstance(error, ValidationError) else str(error)
        raise BadInput(f"{source} cannot be used", why=why, fix=f"mend {source}") from error


def _standard(raw: bytes, source: str) -> OpenDataContractStandard:
    """The file as the standard's own model. Raises BadInput for broken YAML, ValueError for a key the model would drop."""
    import yaml
    from open_data_contract_standard.model import OpenDataContractStandard

    try:
        # libyaml, where PyYAML was built with it, reads ten times faster than the loader in Python.
        data = yaml.load(raw.decode(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{source} is not valid YAML", why=str(error).replace("\n", " "), fix=f"mend {source}") from error
    if not isinstance(data, dict):
        raise ValueError("it holds no contract")
    odcs = OpenDataContractStandard.model_validate(data)
    lost = _lost(data, odcs.model_dump(by_alias=True, exclude_unset=True))
    if lost:
        raise ValueError(f"the key '{lost}' is not known to ODCS; own keys belong in customProperties")
    return odcs


def _lost(given: Any, kept: Any, place: str = "") -> str:
    """The path of the first key of `given` that is not in `kept`; empty when all are."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            here = f"{place}.{key}" if place else str(key)
            if key not in kept:
                return here
            if found := _lost(value, kept[key], here):
                return found
    elif isinstance(given, list) and isinstance(kept, list):
        for number, (value, other) in enumerate(zip(given, kept, strict=True)):
            if found := _lost(value, other, f"{place}[{number}]"):
                return found
    return ""


def _contract(odcs: OpenDataContractStandard, name: str) -> Contract:
    if odcs.kind != "DataContract" or not (odcs.apiVersion or "").startswith("v3."):
        raise ValueError(f"it needs kind: DataContract and apiVersion: v3.…, it has {odcs.kind} {odcs.apiVersion}")
    if not odcs.schema_ or len(odcs.schema_) != 1 or odcs.schema_[0].name != name:
        raise ValueError(f"schema: must hold one object, named '{name}' like the file")
    if not odcs.servers or not odcs.servers[0].path or not odcs.servers[0].format:
        raise ValueError("servers: the first one must have a path and a format")
    table, server = odcs.schema_[0], odcs.servers[0]
    properties = table.properties or []
    columns = tuple(_column(p) for p in properties)
    listed = [c.name for c in columns]
    if not columns or len(set(listed)) < len(listed):
        raise ValueError("schema.properties: must list the columns, each once")
    keys = sorted((p for p in properties if p.primaryKey), key=lambda p: p.primaryKeyPosition or 0)
    links = [_link([str(p.name)], link, link.to) for p in properties for link in p.relationships or []]
    links += [_link(link.from_, link, link.to) for link in table.relationships or []]
    quality = [*(table.quality or []), *(rule for p in properties for rule in p.quality or [])]
    return Contract(
        name=name,
        version=str(odcs.version or ""),
        status=odcs.status or "draft",
        description=(odcs.description.purpose if odcs.description else "") or table.description or "",
        format=str(server.format),
        path=str(server.path),
        columns=columns,
        keys=tuple(str(p.name) for p in keys),
        relationships=tuple(links),
        rules=tuple(_rule(rule, number) for number, rule in enumerate(quality, start=1)),
        known_duplicates=int(_custom(table.customProperties, "knownDuplicates", 0)),
    )


def _column(p: SchemaProperty) -> Column:
    if p.classification not in (None, *CLASSES):
        raise ValueError(f"column '{p.name}': classification '{p.classification}' is none of {', '.join(CLASSES)}")
    feature_class = str(_custom(p.customProperties, "featureClass", ""))
    if feature_class not in FEATURE_CLASSES:
        raise ValueError(f"column '{p.name}': featureClass '{feature_class}' is none of {', '.join(FEATURE_CLASSES[1:])}")
    if not p.name or not p.logicalType:
        raise ValueError(f"column '{p.name or '?'}': name and logicalType are needed")
    return Column(
        name=p.name,
        logical=p.logicalType,
        physical=p.physicalType or "",
        classification=cast("Any", p.classification),
        description=p.description or "",
        key=bool(p.primaryKey),
        required=bool(p.required or p.primaryKey),
        entity=str(_custom(p.customProperties, "entity", "")),
        feature_class=feature_class,
    )


def _link(columns: str | list[str] | None, link: Any, to: str | list[str] | None) -> Relationship:
    """columns: `a` or `table.a`; to: `other.b`; lists of them for a composite key."""
    own = [columns] if isinstance(columns, str) else list(columns or [])
    targets = [to] if isinstance(to, str) else list(to or [])
    tables = {target.partition(".")[0] for target in targets}
    if len(own) != len(targets) or len(tables) != 1 or not all("." in target for target in targets):
        raise ValueError(f"relationship {own} -> {targets}: needs as many columns on both sides, as 'dataset.column'")
    return Relationship(
        columns=tuple(column.rpartition(".")[2] for column in own),
        to=tables.pop(),
        to_columns=tuple(target.partition(".")[2] for target in targets),
        known_orphans=int(_custom(link.customProperties, "knownOrphans", 0)),
    )


def _rule(rule: DataQuality, number: int) -> Rule:
    bounds = [bound for bound in BOUNDS if getattr(rule, bound) is not None]
    if rule.type == "sql" and (len(bounds) != 1 or not rule.query):
        raise ValueError(f"quality rule {rule.name or number}: a sql rule needs a query and one bound (mustBe, …)")
    return Rule(
        name=rule.name or f"rule {number}",
        type=rule.type or "library",
        query=rule.query or "",
        bound=bounds[0] if bounds else "",
        value=getattr(rule, bounds[0]) if bounds else None,
        known_fact=bool(_custom(rule.customProperties, "knownFact", False)),
    )


def _custom(properties: list[CustomProperty] | None, name: str, default: Any) -> Any:
    return next((p.value for p in properties or [] if p.property == name), default)
