"""What goes over the socket, both ways: lines of ASCII words, some of them followed by bytes.

```
client   stepwell PROTOCOL VERSION STORE      the greeting; STORE is address.identity
daemon   stepwell PROTOCOL VERSION PID
client   call LENGTH, hook AGENT EVENT LENGTH, borrow 0, stop 0    then LENGTH bytes
daemon   working 0     at least once a second until it has the answer
         progress LENGTH, lent 0
         done LENGTH, failed LENGTH           the answer, after which it closes
```

A connection carries one request. Bodies are JSON (link/values.py), that of `hook` is what the agent
sent. VERSION `-` stands for any: the hook client knows the protocol only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PRODUCT = "stepwell"
PROTOCOL = 2
ANY_VERSION = "-"

LINE_BYTES = 512
"""Longest line."""
BODY_BYTES = 256 << 20
"""Longest body of a request; a plan over 100,000 files has 30 MB."""
BEAT_S = 1.0
"""How often a daemon says that it is working."""
PATIENCE_S = 5.0
"""How long a daemon that runs may say nothing."""

_WORD = re.compile("[!-~]{1,128}")


@dataclass(frozen=True, slots=True)
class Greeting:
    """The first line of either side."""

    protocol: int
    version: str
    word: str
    """Of a client the store's identity, of a daemon its process id."""

    def line(self) -> bytes:
        """Returns the line."""
        return f"{PRODUCT} {self.protocol} {self.version} {self.word}\n".encode("ascii")

    def fits(self, other: Greeting) -> bool:
        """Tells whether the two sides understand each other."""
        same = ANY_VERSION in (self.version, other.version) or self.version == other.version
        return self.protocol == other.protocol and same


def parse_greeting(line: bytes) -> Greeting | None:
    """Returns the greeting of a line, of whatever protocol; None for anything else."""
    words = _words(line)
    if len(words) != 4 or words[0] != PRODUCT or not words[1].isdecimal() or len(words[1]) > 9:
        return None
    return Greeting(int(words[1]), words[2], words[3])


@dataclass(frozen=True, slots=True)
class Head:
    """The line before a body."""

    kind: str
    length: int = 0
    words: tuple[str, ...] = ()

    def line(self) -> bytes:
        """Returns the line."""
        return (" ".join((self.kind, *self.words, str(self.length))) + "\n").encode("ascii")


def parse_head(line: bytes) -> Head | None:
    """Returns the head of a line; None when it is none, or announces too much."""
    words = _words(line)
    if len(words) < 2 or not words[-1].isdecimal() or len(words[-1]) > 9:
        return None
    length = int(words[-1])
    return Head(words[0], length, tuple(words[1:-1])) if length <= BODY_BYTES else None


def _words(line: bytes) -> list[str]:
    if not line.endswith(b"\n") or len(line) > LINE_BYTES:
        return []
    words = line[:-1].decode("latin-1").split(" ")
    return words if all(_WORD.fullmatch(word) for word in words) else []
