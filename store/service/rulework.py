"""`python -m stepwell.store.service.rulework HOME ROOT`: the process that looks at rules.

Its stdin comes from the daemon: a line `turn` for each turn that an agent ended. When it is closed
the daemon is gone, and so is this process, with whatever it runs. What goes wrong is in `rules.log`.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
import traceback

from stepwell.store.environment import default_config, process_environment
from stepwell.store.model.errors import StepwellError
from stepwell.store.rules.background import LOOK_S, Background
from stepwell.store.sdk import Workspace
from stepwell.store.service.log import Log

LOG = "rules.log"
_NICE = 10


class _Ear:
    """What the daemon says."""

    def __init__(self) -> None:
        self.ended = False
        self.turns = 0
        signal.signal(signal.SIGTERM, self._end)

    def _end(self, *_: object) -> None:
        self.ended = True

    def listen(self, seconds: float) -> None:
        """Waits for so long at most, or until something is said."""
        if self.ended or not select.select([0], [], [], seconds)[0]:
            return
        said = os.read(0, 4_096)
        self.ended = self.ended or not said
        self.turns += said.count(b"turn\n")

    def is_ended(self) -> bool:
        """Tells whether the daemon is gone, or wants this process gone."""
        self.listen(0.0)
        return self.ended


def main(arguments: list[str]) -> int:
    """Looks at rules until stdin ends."""
    home, root = arguments
    os.umask(0o077)
    ear = _Ear()
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    with Workspace.open(root, home=home) as workspace:
        with contextlib.closing(Log(workspace.store, time.time_ns, LOG)) as log:
            try:
                _look(workspace, ear, log)
            except StepwellError as error:
                log.write("error", {"code": error.code, "message": error.message})
                return error.exit_code
            except Exception:
                log.write("error", {"traceback": traceback.format_exc()})
                return 1
    return 0


def _look(workspace: Workspace, ear: _Ear, log: Log) -> None:
    background = Background(
        workspace,
        default_config(),
        process_environment(),
        ear.is_ended,
        lambda line: log.write("error", {"message": line}),
    )
    background.begin()
    while not ear.ended:
        turns, ear.turns = ear.turns, 0
        if turns:
            background.turn_ended()
        background.tick()
        ear.listen(LOOK_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
