"""Sweeps: one template at many points, as a queue that survives its driver.

design.py   which points: a grid, random draws, the rows of a table
spec.py     what a sweep is, as it stands in its folder
drive.py    takes points from the queue, runs them, tries again
report.py   what came out: table, best run, plot
verbs.py    sweep, resume, cancel, sweeps
"""
