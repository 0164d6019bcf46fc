import json
import multiprocessing
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.audit import GENESIS, AuditLog
from workbench.errors import MachineError
from workbench.findings import Outcome


def log_in(folder, actor="ana"):
    return AuditLog(Path(folder) / "audit.jsonl", actor=actor, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))


def outcomes(log):
    return [(f.check, f.outcome) for f in log.verify()]


WHOLE = [("audit.chain", Outcome.PASS)]


def test_each_line_names_the_hash_of_the_one_before(tmp_path):
    log = log_in(tmp_path)
    hashes = [log.append("a", n=1), log.append("b", n=2)]
    first, second = log.entries()
    assert (first["prev"], first["hash"], second["prev"], second["hash"]) == (GENESIS, hashes[0], hashes[0], hashes[1])
    assert (second["seq"], second["event"], second["actor"], second["facts"]) == (2, "b", "ana", {"n": 2})
    assert outcomes(log) == WHOLE


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_edit_removal_or_swap_is_found(tmp_path_factory, data):
    log = log_in(tmp_path_factory.mktemp("log"))
    for n in range(5):
        log.append("read", n=n)
    lines = log.path.read_text().splitlines()
    act = data.draw(st.sampled_from(["edit", "remove", "swap"]))
    at = data.draw(st.integers(0, 3))  # cutting the very end cannot be seen in the file itself
    if act == "edit":
        entry = json.loads(lines[at])
        entry["facts"]["n"] += 1
        lines[at] = json.dumps(entry)
    elif act == "remove":
        del lines[at]
    else:
        lines[at], lines[at + 1] = lines[at + 1], lines[at]
    log.path.write_text("\n".join(lines) + "\n")
    assert ("audit.chain", Outcome.FAIL) in outcomes(log)


def test_a_line_torn_by_a_crash_is_kept_ended_and_named(tmp_path):
    log = log_in(tmp_path)
    log.append("a")
    with open(log.path, "ab") as file:
        file.write(b'{"seq": 2, "event"')
    log.append("b")
    assert [e["event"] for e in log.entries()] == ["a", "audit.torn", "b"]
    assert outcomes(log) == [("audit.torn", Outcome.INFO)]


def test_a_line_that_lacks_only_its_end_is_not_lost(tmp_path):
    log = log_in(tmp_path)
    log.append("a")
    log.append("b")
    log.path.write_bytes(log.path.read_bytes()[:-1])
    log.append("c")
    assert [e["event"] for e in log.entries()] == ["a", "b", "c"]
    assert outcomes(log) == WHOLE


def append_many(folder, actor):
    log = log_in(folder, actor)
    for n in range(25):
        log.append("read", n=n)


def test_four_processes_at_once_make_one_chain(tmp_path):
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=append_many, args=(tmp_path, f"p{i}")) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    log = log_in(tmp_path)
    entries = list(log.entries())
    assert [e["seq"] for e in entries] == list(range(1, 101))
    assert all([e["facts"]["n"] for e in entries if e["actor"] == f"p{i}"] == list(range(25)) for i in range(4))
    assert outcomes(log) == WHOLE


def test_entries_after_an_offset_are_only_the_later_ones(tmp_path):
    log = log_in(tmp_path)
    log.append("a")
    offset = log.size()
    log.append("b")
    assert [e["event"] for e in log.entries(since=offset)] == ["b"]


def test_a_line_longer_than_one_block_is_found_again(tmp_path):
    log = log_in(tmp_path)
    log.append("big", text="x" * 300_000)
    log.append("b")
    assert outcomes(log) == WHOLE


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_leaves_the_log_whole(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("this container may not mount")
    try:
        log = log_in(disk)
        log.append("a")
        with pytest.raises(MachineError, match="cannot write"):
            for _ in range(100):
                log.append("big", text="x" * 8000)
        assert outcomes(log) == WHOLE
    finally:
        subprocess.run(["umount", disk], check=True)
