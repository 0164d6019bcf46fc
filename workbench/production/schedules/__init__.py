"""Schedules: a template or a pipeline run by the calendar, by a worker process of its own.

A schedule is a file, `.workbench/schedules/<name>.json`; what came of it is appended to `<name>.jsonl` beside it. The worker
keeps nothing else: it can be killed and started anew, here or on another machine that sees the same folder.

calendar   when a cron line is due, in a time zone      due      which due times to run now, and which are missed
history    what was fired, and the claim on a due time  service  one schedule: claim, run, record, tell
target     what is run, and what came of it             telling  webhooks and commands
lease      which worker is the owner                    worker   the process, with APScheduler's alarms (`alarms`)
manage     the verbs that people use                    control  start, detach and stop the worker
planned    a schedule as it is listed                   export   the same schedule for other schedulers
"""
