"""The app of the benchmarks' site, which hears every signal where that is measured."""

import os
from collections import Counter
from typing import Any

from django.apps import AppConfig

#: Names what is connected, if anything is: `signals`, `metrics`.
OBSERVED = "JOBQUEUE_BENCHMARK_OBSERVED"

_heard: Counter[str] = Counter()


class BenchmarksConfig(AppConfig):
    name = "benchmarks"

    def ready(self) -> None:
        if "signals" in os.environ.get(OBSERVED, ""):
            from django_jobqueue import signals

            signals.started.connect(_hear)
            signals.succeeded.connect(_hear)
            signals.failed.connect(_hear)
            signals.dead.connect(_hear)


def _hear(sender: object, *, handler: str, **about: Any) -> None:
    _heard[handler] += 1
