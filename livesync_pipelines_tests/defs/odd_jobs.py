"""Jobs that a worker is tried with: one that says something, one that never ends."""

import os
from pathlib import Path
from time import sleep

import dagster as dg

AT_TAG = "test/at"
"""The file into which a run that hangs writes its process."""

POOL = "odd"


@dg.op
def say() -> None:
    print("a heron was here")


@dg.job(executor_def=dg.in_process_executor)
def speak() -> None:
    say()


@dg.op(pool=POOL)
def hang_on(context: dg.OpExecutionContext) -> None:
    at = Path(context.run.tags[AT_TAG])
    at.with_suffix(".tmp").write_text(f"{os.getpid()}")
    at.with_suffix(".tmp").rename(at)
    while True:
        sleep(0.1)


@dg.job(executor_def=dg.in_process_executor)
def hang() -> None:
    hang_on()


defs = dg.Definitions(jobs=[speak, hang])
