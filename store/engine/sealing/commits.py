"""The derived commit of a step: what makes `git log BRANCH` tell the timeline."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stepwell.store.model.ids import Oid
from stepwell.store.model.steps import Step
from stepwell.store.model.text import one_line

STEPWELL = "Stepwell <stepwell@localhost>"

_STEP_TRAILER = re.compile(rb"Stepwell-Step: ([0-9a-f]{32})")

_PERSON = re.compile(r"([^<>]*)<([^<>]*)>")
_LATEST = 1 << 35
"""Seconds; beyond it some readers of commits give up."""


def commit_of_step(step: Step, parents: Sequence[Oid]) -> bytes:
    """Returns the bytes of a step's commit; `git fsck --strict` accepts them."""
    seconds = min(max(step.time_ns // 1_000_000_000, 0), _LATEST)
    lines = [f"tree {step.snapshot.tree.hex()}"]
    lines += [f"parent {parent.hex()}" for parent in parents]
    lines += [
        f"author {_author(step)} {seconds} +0000",
        f"committer {STEPWELL} {seconds} +0000",
        "",
        one_line(step.title, 300) or step.kind,
        "",
        f"Stepwell-Step: {step.id}",
        *_trailers(step),
    ]
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")


def _trailers(step: Step) -> list[str]:
    # Each is one line. Between what differs from commit to commit lie stretches of more than 16
    # bytes that do not, which is what git needs to store one as its difference from another.
    facts = (
        ("Session", step.session),
        ("Turn", None if step.turn is None else str(step.turn)),
        ("Kind", step.kind),
        ("Tool", step.tool),
        ("Branch", step.branch),
        ("Seq", str(step.seq)),
    )
    return [f"Stepwell-{name}: {one_line(fact)}" for name, fact in facts if fact]


def _author(step: Step) -> str:
    match = _PERSON.search(step.author) if step.author else None
    if match is None:
        return STEPWELL
    name, address = one_line(match[1]).strip(" .,:;\"'\\"), one_line(match[2]).replace(" ", "")
    return f"{name or 'unknown'} <{address}>"


def step_of_commit(commit: bytes) -> bytes | None:
    """Returns the raw id of the step that a commit was derived from; None when it is no such one."""
    message = commit.partition(b"\n\n")[2]
    # The title is one line, so that what follows the first empty line is the first trailer.
    trailer = message.partition(b"\n\n")[2].partition(b"\n")[0]
    match = _STEP_TRAILER.fullmatch(trailer)
    return bytes.fromhex(match[1].decode("ascii")) if match else None


def operations_commit_bytes(tree: Oid, last: int, time_ns: int) -> bytes:
    """Returns the bytes of the commit that holds the sealed operations, up to `last`."""
    seconds = min(max(time_ns // 1_000_000_000, 0), _LATEST)
    return (
        f"tree {tree.hex()}\n"
        f"author {STEPWELL} {seconds} +0000\ncommitter {STEPWELL} {seconds} +0000\n\n"
        f"Operations up to {last}\n"
    ).encode("ascii")
