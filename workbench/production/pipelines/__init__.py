"""Pipelines: steps are templates with parameters, outputs of one are inputs of another.

spec.py         the file as a person writes it
plan.py         checks it whole: references.py, conditions.py, fan_out.py
conduct.py      starts each step when what it needs is done; gates.py, endings.py
pipeline.py     the verb
report.py       one page that a manager can read
"""
