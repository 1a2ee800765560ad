"""The process that `drain` starts beside the real worker."""

import django


def main() -> None:
    django.setup()
    from django.db import connection

    from benchmarks.jobs import noop

    from . import postgresql, sqlite

    drain = sqlite.drain if connection.vendor == "sqlite" else postgresql.drain
    drain({noop.handler.name: noop.handler.function})


if __name__ == "__main__":
    main()
