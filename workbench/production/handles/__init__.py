"""Runs, sweeps and pipelines in the hands of Python: started at once, seen while they go on, asked for what came out.

verbs.py               run, sweep, resume, pipeline, runs, get: what a person types
base.py                a handle: a thread that does a verb's work, and what is shown of it
run.py, sweep.py, pipeline.py
frames.py              results as tables
following.py           events → how far it is
screens.py             where that is seen
"""
