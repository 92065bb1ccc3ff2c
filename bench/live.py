"""Measures captures and rollbacks that follow the workspace, in this process, beside git's two commands.

    python bench/live.py TREE [--rounds N]

TREE is copied. Times are in milliseconds; the process holds the writer lock as a daemon does.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from run import Git, edit  # noqa: E402

from stepwell.store import Workspace  # noqa: E402
from stepwell.store.engine.context import Context  # noqa: E402
from stepwell.store.engine.journal import JournalWriter  # noqa: E402
from stepwell.store.engine.live import LiveSight  # noqa: E402
from stepwell.store.engine.lock import WriterLock  # noqa: E402
