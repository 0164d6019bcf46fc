"""What a file holds, as one hash, computed once for as long as the file stays as it is."""

from __future__ import annotations

import json
from pathlib import Path

from workbench.project import Project
from workbench.records.files import sha256_file, write_atomic


def content_sha256(project: Project, path: Path) -> str:
    """sha256 of a file's bytes, in hex; from the cache while its size and time of change (ns) are the same."""
    status = path.stat()
    stamp = [status.st_size, status.st_mtime_ns]
    cache = project.state / "cache" / "hashes.json"
    known = _read(cache)
    if (entry := known.get(str(path))) and entry[:2] == stamp:
        return str(entry[2])
    digest = sha256_file(path)
    kept = {name: old for name, old in known.items() if Path(name).exists()}
    write_atomic(cache, json.dumps({**kept, str(path): [*stamp, digest]}, indent=1).encode())
    return digest


def _read(cache: Path) -> dict[str, list[int | str]]:
    """The cache; a damaged one counts as empty, since it only saves time."""
    try:
        known = json.loads(cache.read_bytes())
        return {str(name): list(entry) for name, entry in known.items() if len(entry) == 3}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
