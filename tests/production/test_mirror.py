"""Run folders in a store: real HTTP to a local S3 server, which stops, stumbles and loses things as stores do."""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from tests.conftest import NOON
from workbench.errors import BadInput
from workbench.findings import Outcome
from workbench.production.mirror import mirror, mirror_run, mirror_url, pending
from workbench.production.run_folder import new_run_folder
from workbench.project import open_project
from workbench.records.run import RunRecord, State

FILES = {"input.ipynb": b"{}", "log.txt": b"", "data/table 1.csv": b"a,b\n1,2\n"}


@pytest.fixture
def mirrored(project, store):
    """The project, mirrored to `runs/` in the store's bucket."""
    return with_mirror(project, f"s3://{store.bucket}/runs")


def with_mirror(project, url):
    path = project.root / "workbench.toml"
    path.write_text(f'{path.read_text()}\nmirror = "{url}"\n')
    return replace(open_project(project.root), actor=project.actor, clock=project.clock)


def ended_run(project, files=FILES, state=State.DONE):
    folder = new_run_folder(project.runs, "hello")
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    record = RunRecord(
        run_id=folder.name, template="hello", template_sha256="", actor="ana", created=NOON, state=state, kernel="python3"
    )
    record.write(folder / "record.json")
    return folder


def local_files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stored_files(store, run_id, prefix="runs"):
    start = f"{prefix}/{run_id}/"
    return {key.removeprefix(start): store.get(key) for key in store.names() if key.startswith(start)}


def sent(store):
    """What was put into the bucket below the mirror, in order."""
    start = f"PUT /{store.bucket}/runs/"
    return [request.removeprefix(start) for request in store.asked if request.startswith(start)]


def audited(project):
    return [entry["facts"] for entry in project.audit.entries() if entry["event"] == "run.mirror"]


def test_nothing_leaves_a_project_without_a_mirror(project, store):
    folder = ended_run(project)
    assert mirror_run(project, folder) is None
    with pytest.raises(BadInput, match="has no mirror"):
        mirror(project)
    assert (store.asked, audited(project), pending(project)) == ([], [], [])


def test_a_run_is_copied_whole_and_its_record_last(mirrored, store):
    folder = ended_run(mirrored)
    assert mirror_run(mirrored, folder) is None
    assert stored_files(store, folder.name) == local_files(folder)
    assert sent(store) == [
        f"{folder.name}/data/table 1.csv",
        f"{folder.name}/input.ipynb",
        f"{folder.name}/log.txt",
        f"{folder.name}/record.json",
        f"manifests/{folder.name}.json",
    ]
    size = sum(map(len, local_files(folder).values()))
    (line,) = audited(mirrored)
    assert line == {"run": folder.name, "url": f"s3://{store.bucket}/runs", "state": "done", "files": 4, "size_bytes": size}
    assert sorted(path.name for path in (mirrored.state / "mirror").iterdir()) == []


def test_what_is_there_is_not_copied_again(mirrored, store):
    folder = ended_run(mirrored)
    mirror_run(mirrored, folder)
    store.asked.clear()
    report = mirror(mirrored)
    assert (report.copied, report.whole, sent(store)) == ((), 1, [])
    assert len(audited(mirrored)) == 1


def test_what_has_changed_or_is_gone_is_copied_again(mirrored, store):
    folder = ended_run(mirrored)
    mirror_run(mirrored, folder)
    table = folder / "data" / "table 1.csv"
    table.write_bytes(table.read_bytes().replace(b"2", b"3"))  # of the same size
    store.client.delete_object(Bucket=store.bucket, Key=f"runs/{folder.name}/input.ipynb")
    store.asked.clear()
    (done,) = mirror(mirrored).copied
    assert (done.run_id, done.files, done.size_bytes) == (folder.name, 2, len(table.read_bytes()) + 2)
    assert sent(store)[:-1] == [f"{folder.name}/data/table 1.csv", f"{folder.name}/input.ipynb"]
    assert stored_files(store, folder.name) == local_files(folder)


def test_a_dry_run_says_what_it_would_copy_and_copies_nothing(mirrored, store):
    folder = ended_run(mirrored)
    size = sum(map(len, local_files(folder).values()))
    report = mirror(mirrored, dry_run=True)
    assert [(done.run_id, done.files, done.size_bytes) for done in report.copied] == [(folder.name, 4, size)]
    assert report.view().facts[0] == ("would be copied", f"1 runs, 4 files, {size} bytes")
    assert (store.names(), audited(mirrored)) == ([], [])


def test_a_run_that_has_not_ended_stays_here(mirrored, store):
    ended_run(mirrored, state=State.RUNNING)
    assert mirror(mirrored).copied == ()
    assert store.names() == []


def test_a_store_that_goes_away_leaves_no_record_there_and_the_next_run_catches_up(mirrored, store, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    first, second = ended_run(mirrored), ended_run(mirrored)
    store.answer = lambda _request: 500 if len(sent(store)) > 1 else None
    finding = mirror_run(mirrored, first)
    assert (finding.check, finding.outcome, finding.evidence) == ("run.mirror", Outcome.WARN, {"run": first.name})
    assert finding.fix.endswith("workbench production mirror")
    assert (pending(mirrored), [line["state"] for line in audited(mirrored)]) == ([first.name], ["failed"])
    store.answer = lambda _request: None
    assert list(stored_files(store, first.name)) == ["data/table 1.csv"]

    assert mirror_run(mirrored, second) is None
    for folder in (first, second):
        assert stored_files(store, folder.name) == local_files(folder)
    assert (pending(mirrored), [line["state"] for line in audited(mirrored)]) == ([], ["failed", "done", "done"])


MIRROR = """
import sys
from pathlib import Path
from workbench.production.mirror import mirror_run
from workbench.project import open_project
print(mirror_run(open_project(Path(sys.argv[1])), Path(sys.argv[2])))
"""


def test_a_process_killed_while_it_copies_leaves_no_record_there_and_the_verb_catches_up(mirrored, store):
    folder = ended_run(mirrored)
    hanging, over = threading.Event(), threading.Event()

    def hangs(_request):
        if len(sent(store)) == 2:
            hanging.set()
            over.wait(30)

    store.answer = hangs
    child = subprocess.Popen([sys.executable, "-c", MIRROR, str(mirrored.root), str(folder)])
    assert hanging.wait(60)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    store.answer = lambda _request: None
    over.set()
    assert "record.json" not in stored_files(store, folder.name)
    assert pending(mirrored) == [folder.name]
    assert [done.run_id for done in mirror(mirrored).copied] == [folder.name]
    assert stored_files(store, folder.name) == local_files(folder)
    assert pending(mirrored) == []


def test_a_run_that_two_copy_at_once_is_sent_once(mirrored, store):
    folder = ended_run(mirrored)
    threads = [threading.Thread(target=mirror_run, args=(mirrored, folder)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sent(store)) == 5
    assert stored_files(store, folder.name) == local_files(folder)


def test_a_link_out_of_the_run_is_not_followed(mirrored, store, tmp_path):
    (tmp_path / "secret").write_text("hush")
    folder = ended_run(mirrored)
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "in").symlink_to(folder / "log.txt")
    assert mirror_run(mirrored, folder) is None
    assert sorted(stored_files(store, folder.name)) == ["data/table 1.csv", "in", "input.ipynb", "log.txt", "record.json"]


def test_one_broken_run_does_not_keep_the_others_here(mirrored, store):
    broken, good = ended_run(mirrored), ended_run(mirrored)
    (broken / "record.json").write_text("{")
    report = mirror(mirrored)
    assert [done.run_id for done in report.copied] == [good.name]
    (finding,) = report.findings
    assert (finding.outcome, finding.evidence) == (Outcome.WARN, {"run": broken.name})


def test_a_run_that_was_removed_is_waited_for_no_longer(mirrored, store):
    (mirrored.state / "mirror").mkdir()
    (mirrored.state / "mirror" / "20261122T120000Z-gone-00000000").write_text("")
    assert mirror_run(mirrored, ended_run(mirrored)) is None
    assert pending(mirrored) == []


def test_no_such_bucket_is_a_warning_of_the_run_and_an_error_of_the_verb(project, store):
    mirrored = with_mirror(project, "s3://no-such-bucket/runs")
    finding = mirror_run(mirrored, ended_run(mirrored))
    assert "there is no such bucket" in finding.message
    with pytest.raises(Exception, match="cannot list s3://no-such-bucket/runs"):
        mirror(mirrored)


def test_credentials_in_the_mirrors_url_are_written_nowhere(project):
    mirrored = with_mirror(project, "s3://key:hush@bucket/runs")
    finding = mirror_run(mirrored, ended_run(mirrored))
    assert "holds credentials" in finding.message
    written = finding.model_dump_json() + json.dumps(list(mirrored.audit.entries()))
    assert "hush" not in written


def test_a_folder_of_another_disk_may_be_the_mirror(project, tmp_path):
    mirrored = with_mirror(project, (tmp_path / "other disk").as_uri())
    folder = ended_run(mirrored)
    assert mirror_run(mirrored, folder) is None
    assert local_files(tmp_path / "other disk" / folder.name) == local_files(folder)
    assert mirror(mirrored).whole == 1


def test_a_mirror_is_a_url_outside_of_what_it_mirrors(project):
    with pytest.raises(BadInput, match="it is where the runs are"):
        mirror_url(with_mirror(project, project.runs.as_uri()))
    (project.root / "workbench.toml").write_text('name = "project"')
    with pytest.raises(BadInput, match="a mirror is a URL") as caught:
        mirror_url(with_mirror(project, "backup"))
    assert caught.value.fix == f'mirror = "{(project.root / "backup").as_uri()}"'


PEAK = """
import resource, sys
from pathlib import Path
from workbench.production.mirror import mirror_run
from workbench.project import open_project
project = open_project(Path(sys.argv[1]))
for run_id in sys.argv[2:]:
    assert mirror_run(project, project.runs / run_id) is None
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_a_large_file_is_sent_in_parts_and_in_little_memory(mirrored, store):
    content = bytes(range(256)) * (1 << 20)  # 256 MiB
    small, large = ended_run(mirrored), ended_run(mirrored, {"large.bin": content})
    command = [sys.executable, "-c", PEAK, str(mirrored.root), small.name, large.name]
    before_kib, after_kib = map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert store.get(f"runs/{large.name}/large.bin") == content
    assert after_kib - before_kib < 160 * 1024  # four parts of 16 MiB, each twice: as read, and as it is signed and sent
