"""After the session: a rule watches, the agent breaks the tests, and going back is taken back."""

from __future__ import annotations

from stepwell.store.demo.acts import (
    Act,
    LookAtRules,
    Outside,
    Prompt,
    Replace,
    TrustRules,
    UndoNewest,
    Write,
    edit,
)

_RULE = '[rules.tests]\nrun = "python3 -m unittest -q"\n'

WATCHED: tuple[Act, ...] = (
    Outside("name the top command in the README", ()),
    Outside("watch the tests with a rule", (Write("stepwell.toml", _RULE),)),
    TrustRules(),
    LookAtRules("suggest"),
    Prompt("Whoever asks for a code should get the whole link, with its expiry."),
    edit("hand out whole links", Replace("hop/links.py", "return link.url", "return link")),
    edit(
        "tell of it in the README",
        Replace(
            "README.md",
            "Links can expire.\n",
            "Links can expire, and a code gives the whole link.\n",
        ),
    ),
    LookAtRules("suggest"),
    LookAtRules("auto"),
    UndoNewest(),
    LookAtRules("auto"),
)
