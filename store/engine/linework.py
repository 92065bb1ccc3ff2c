"""Compares texts for another process: `python -m stepwell.store.engine.linework`, over pipes.

It ends with whoever started it, and when nothing was asked for a while.
"""

from __future__ import annotations

import pickle
import select
import sys
from typing import cast

from stepwell.store.engine.lines import tell
from stepwell.store.engine.told import Texts, Told
from stepwell.store.model.deflated import DeflatedText
from stepwell.store.model.patchlines import LineIndex

LONG_LINES = 5_000
"""Of a hunk with more, what makes its lines quick to reach is found here, too."""
_IDLE_S = 15.0
"""What comparing took of memory is given back when it ends."""


def packed(told: Told) -> Told:
    """Returns an equal answer that takes little room, and little time where it is received."""
    patch = told.patch
    assert isinstance(patch, bytes), "libgit2 deflates nothing"
    long = [one for one in told.places() if patch and one.lines >= LONG_LINES]
    known = {one.begin: LineIndex(patch[one.begin : one.end]) for one in long}
    return told._replace(patch=DeflatedText(patch), known=known)


def main() -> int:
    """Answers one pair of texts after the other."""
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    tell(Texts(b"a\n", b"b\n", wanted="lines"))  # loads what the first pair would wait for
    while select.select([asked], [], [], _IDLE_S)[0]:
        try:
            number, texts = cast(tuple[int, Texts], pickle.load(asked))
        except EOFError:
            break
        told = packed(tell(texts))
        pickle.dump((number, told), answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()
        del texts, told
    return 0


if __name__ == "__main__":
    sys.exit(main())
