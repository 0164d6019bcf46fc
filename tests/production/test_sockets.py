import os
import subprocess
import sys
from pathlib import Path

from workbench.production.sockets import leftover_sockets, sockets

RUN = "20261122T120000Z-hello-0a1b2c3d"


def test_the_sockets_of_a_run_lie_in_a_folder_that_is_found_by_its_id_and_go_with_it():
    with sockets(RUN) as names:
        assert leftover_sockets(RUN) == [Path(names).parent]
        assert leftover_sockets(RUN.replace("0a1b", "ffff")) == []
        assert Path(names).parent.stat().st_mode & 0o777 == 0o700
    assert leftover_sockets(RUN) == []


def test_where_names_would_be_too_long_there_are_none(tmp_path):
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    ask = f"from workbench.production.sockets import sockets\nwith sockets({RUN!r}) as names: print(names)"
    told = subprocess.run([sys.executable, "-c", ask], env={**os.environ, "TMPDIR": str(deep)}, capture_output=True, text=True)
    assert told.stdout == "None\n"
