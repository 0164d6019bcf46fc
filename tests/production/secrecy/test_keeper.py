"""What a kernel writes past Jupyter, and what a search of a run's folder finds."""

import subprocess
import sys

from workbench.production.secrecy.keeper import cut_output, findings
from workbench.production.secrecy.secrets import redactor

TOKEN = "tok-9fQ7x"


def test_what_another_process_writes_arrives_cut_whole_and_in_order(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_SECRET_API", TOKEN)
    program = f"import os\nfor piece in (b'a\\xff {TOKEN[:4]}', b'{TOKEN[4:]} b', b' {TOKEN[:5]}'): os.write(2, piece)"
    with open(tmp_path / "log", "wb") as log, cut_output(redactor({"t": "secret://api"}), log.fileno()) as end:
        subprocess.run([sys.executable, "-c", program], stderr=end, check=True)
    assert (tmp_path / "log").read_bytes() == b"a\xff [secret:api] b " + TOKEN[:5].encode()


def test_a_file_with_a_secret_is_a_failed_finding_that_names_both_and_not_the_value(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_SECRET_API", TOKEN)
    (tmp_path / f"{TOKEN}.csv").write_text("x")
    (tmp_path / "table.csv").write_text(f"a,{TOKEN}\n")
    cutting = redactor({"token": "secret://api"})
    found = findings(cutting, tmp_path)
    assert [(f.outcome, f.message) for f in found] == [
        ("fail", "table.csv holds the secret 'api'"),
        ("fail", "[secret:api].csv holds the secret 'api'"),
    ]
    assert TOKEN not in "".join(f.model_dump_json() for f in found)
