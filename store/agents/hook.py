"""What an agent's hook runs: `python -I -S hook.py AGENT [EVENT]`, with the agent's JSON on stdin.

The work is in hookclient.py. A script is compiled at each start, a module only once; so this script
is short and runs the other one from its bytecode. Even that needs no import of what is not loaded.
"""

import sys

NAME = "hookclient"

loader = sys.modules["_frozen_importlib_external"].SourceFileLoader(
    NAME, f"{__file__.rpartition('/')[0]}/{NAME}.py"
)
exec(loader.get_code(NAME), {"__name__": __name__})
