"""`python -m stepwell.store.service HOME ROOT [IDLE_SECONDS]`: the process of a daemon."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from stepwell.store.environment import default_config, runtime_folder, session_folder
from stepwell.store.model.errors import StepwellError
from stepwell.store.model.version import VERSION
from stepwell.store.service.daemon import Settings, serve


def main(arguments: list[str]) -> int:
    """Runs a daemon. What keeps it from starting is in its log, for nobody watches it."""
    home, root, *rest = arguments
    os.umask(0o077)
    # A capture lets go of the interpreter at each system call, and waits this long for it whenever
    # another thread reads an agent's record or makes an answer.
    sys.setswitchinterval(0.0005)
    idle_s = float(rest[0]) if rest else None
    try:
        settings = Settings(
            Path(root),
            Path(home),
            runtime_folder(),
            VERSION,
            idle_s,
            config=default_config(),
            records={"opencode": session_folder("opencode")},
        )
        serve(settings)
    except StepwellError as error:
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
