"""`python -m benchmarks.http.training`: what requests wait for beside a training, by how it lets others go first.

Requests come at random moments at a fifth of the most that is answered, first alone and then while `matinee train` runs
on the same cores, with the niceness that the job worker takes when it trains and with others, in rounds.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.arguments import above_zero, at_least
from benchmarks.http import contenders, place
from benchmarks.http.client import Request
from benchmarks.http.overload import PEOPLE, SQLITE, crowd, others_cores, registered, served
from benchmarks.http.publishing import publish
from benchmarks.http.servers import CannotStart, Server
from benchmarks.http.soak import add_data, most
from benchmarks.http.training_report import markdown

SHARE = 0.2
"""Of the most that is answered."""
AS_THE_JOB_WORKER = 5
"""`operations.serving.NICENESS`, as a test holds: it can't be read here, without Django's settings."""
NICENESSES = (None, 0, AS_THE_JOB_WORKER, 10)
"""None: nothing is trained."""
LEAD_SECONDS = 2.0
"""Of requests, before a training begins beside them."""


@dataclass(frozen=True)
class Round:
    """Requests alone or beside one training, for as long as it ran."""

    niceness: int | None
    requests: int
    failed: int
    """Without a 2xx."""
    p50_ms: float
    p99_ms: float
    training_seconds: float | None
    others_cores: float
    """What other programs took just before."""


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    about = place.about("benchmarks.http.training", arguments, cores=place.pinned())
    with place.scratch() as (folder, stack):
        server, requests = served(folder / SQLITE, options, stack)
        env = contenders.environment_of(folder / SQLITE)
        tokens = [server.token, *(registered(server, number) for number in range(1, PEOPLE))]
        rate = most(server, tokens, requests) * SHARE
        place.say(f"{rate:.0f} requests/s")
        stretches = [(rate, options.seconds)]
        rounds = []
        for number in range(options.rounds):
            for niceness in NICENESSES[:: 1 if number % 2 else -1]:
                rounds.append(measured(server, tokens, requests, stretches, env=env, niceness=niceness))
                place.say(str(rounds[-1]))
    record = {
        "about": about
        | {
            "Data": f"{options.films:,} films on SQLite; trained on MovieLens {options.community} and own people",
            "Server": f"`matinee serve --workers {contenders.WORKERS}`",
            "Load": f"{rate:.0f} requests/s at random moments, {SHARE:g} of the most that is answered, two in seven of "
            "them writes; load generator on the same cores",
        },
        "as_the_job_worker": AS_THE_JOB_WORKER,
        "rounds": [asdict(one) for one in rounds],
    }
    text = markdown(record)
    publish("http-training", record, text, out=options.out)
    print(text)


def measured(
    server: Server,
    tokens: Sequence[str],
    requests: Sequence[Request],
    stretches: Sequence[tuple[float, float]],
    *,
    env: Mapping[str, str],
    niceness: int | None,
) -> Round:
    others = others_cores(server)
    with ThreadPoolExecutor(1) as beside:
        training = None if niceness is None else beside.submit(trained, env, niceness)
        outcome = crowd(server, tokens, requests, stretches)
        took = training.result() if training else None
    until = math.inf if took is None else LEAD_SECONDS + took
    during = (outcome.due >= LEAD_SECONDS) & (outcome.due < until)
    milliseconds, is_failed = outcome.milliseconds[during], outcome.status[during] // 100 != 2
    return Round(
        niceness=niceness,
        requests=len(milliseconds),
        failed=int(is_failed.sum()),
        p50_ms=float(np.percentile(milliseconds, 50)),
        p99_ms=float(np.percentile(milliseconds, 99)),
        training_seconds=took,
        others_cores=others,
    )


def trained(env: Mapping[str, str], niceness: int) -> float:
    """Seconds that a training takes, which begins after LEAD_SECONDS. Raises CannotStart."""
    time.sleep(LEAD_SECONDS)
    began = time.perf_counter()
    command = ["nice", "-n", str(niceness), sys.executable, "-m", "matinee.cli", "train", "--force"]
    training = subprocess.run(command, env=dict(env), capture_output=True, text=True, check=False)
    if training.returncode:
        raise CannotStart(f"`matinee train` ended with {training.returncode}: {training.stderr[-1_000:]}")
    return time.perf_counter() - began


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http.training", description=__doc__)
    parser.add_argument("--rounds", type=at_least(1), default=3)
    parser.add_argument("--seconds", type=above_zero, default=40.0, help="of requests; a training should take less")
    add_data(parser, films=5_000)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
