import os
from pathlib import Path

from django.apps import AppConfig

from .points import FOLDER, Failpoints


class FailpointsConfig(AppConfig):
    name = "tests.failpoints"

    def ready(self) -> None:
        if folder := os.environ.get(FOLDER):
            from .installing import install

            install(Failpoints(Path(folder)))
