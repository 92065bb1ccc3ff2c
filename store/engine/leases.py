"""Whether some program has a file open for writing: Linux's read leases, asked for and given back.

A writer that the kernel stopped in the middle of one write(2) leaves no other trace: its bytes lie
still, and no time stamp moves. Source: fcntl(2), "Leases".
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import sys

from stepwell.store.engine.mounts import is_ours_alone

_SUPPORTED = sys.platform == "linux"


def is_being_written(fd: int) -> bool:
    """Tells whether a file, open for reading only, is open for writing somewhere.

    False also where that cannot be told: on other systems, of files of other owners, and on file
    systems that others change, some of which refuse every lease.
    """
    if not _SUPPORTED or not is_ours_alone(os.fstat(fd).st_dev):
        return False
    try:
        # Should somebody open it meanwhile, the kernel tells us by a signal that nobody minds.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    return False
