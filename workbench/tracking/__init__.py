"""MLflow, kept at arm's length: the one package that imports it, and never in the process that trains.

Importing MLflow and opening its store costs 5 s of CPU, creating its tables at first use 3 s more, and a store can be
down. So a training only appends to a spool file in the project (microseconds, and kept if it is killed), and a process of
its own, started when the training ends, carries the spool into MLflow. What cannot be carried stays in the spool, is
named by a finding at the next training, and goes with the next one. No server is started.

Reading needs no MLflow either: spools are JSON lines, and the project's own store is a SQLite file.
"""

from workbench.tracking.reading import TrackedRun, runs
from workbench.tracking.sender import TRAINING, send, serve
from workbench.tracking.spool import Store, Tracked, start_sender, track

__all__ = ["TRAINING", "Store", "Tracked", "TrackedRun", "runs", "send", "serve", "start_sender", "track"]
