"""A PostgreSQL server of this machine, stopped and started as an operator or a crash would."""

import os
import pwd
import shlex
import subprocess
from pathlib import Path

SECONDS = 60


class Server:
    """Controls the server whose data lie in `data`, with the programs and options it runs with."""

    def __init__(self, data: Path) -> None:
        self._data = data
        program, *arguments = shlex.split((data / "postmaster.opts").read_text())
        self._pg_ctl = Path(program).with_name("pg_ctl")
        self._options = _without_data_folder(arguments)
        self._is_up = True
        self._user = pwd.getpwuid(data.stat().st_uid).pw_name if os.geteuid() == 0 else None

    @property
    def socket(self) -> str:
        """Where it listens; the file goes and comes with the server."""
        lines = (self._data / "postmaster.pid").read_text().splitlines()
        port, folder = lines[3], lines[4]
        return f"{folder}/.s.PGSQL.{port}"

    def crash(self) -> None:
        """End without a word to anybody, as a power cut does; what was committed is kept."""
        if not self._is_up:
            return
        self._control("stop", "-m", "immediate")
        self._is_up = False

    def start(self) -> None:
        """Return once it accepts connections, after whatever recovery it needs."""
        if self._is_up:
            return
        log = self._data / "server.log"
        self._control("start", "-l", str(log), "-o", shlex.join(self._options))
        self._is_up = True

    def _control(self, *command: str) -> None:
        # Not to a pipe: the server would inherit it and keep it open.
        subprocess.run(
            [str(self._pg_ctl), "-D", str(self._data), "-w", *command],
            user=self._user,
            cwd="/",
            check=True,
            timeout=SECONDS,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def _without_data_folder(arguments: list[str]) -> list[str]:
    at = arguments.index("-D")
    return [*arguments[:at], *arguments[at + 2 :]]
