"""`purge`: content that leaves the history for good."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from stepwell.store.cli.command import Call, Command
from stepwell.store.cli.going import DECLINED
from stepwell.store.cli.output import Output, Styled
from stepwell.store.cli.shown import show
from stepwell.store.cli.words import size
from stepwell.store.model.errors import NoTerminalError
from stepwell.store.model.ids import oid_from_hex
from stepwell.store.model.paths import TrackedPath, base64_of, escape, needs_bytes
from stepwell.store.model.purging import Purge
from stepwell.store.model.text import plural

if TYPE_CHECKING:
    from stepwell.store.workspace import Workspace

_ID = re.compile("[0-9a-f]{40}")
_LISTED = 20
_NAMED = 3


def _purge(call: Call) -> int:
    given, out = call.arguments, call.out
    with call.open() as workspace:
        named = _named(call, workspace)
        if not (given.yes or given.dry_run or (out.can_ask and not out.json)):
            raise NoTerminalError(
                "nothing was purged: it cannot be taken back, and nobody can be asked",
                hint="give --yes, or --dry-run to look first",
            )
        if given.dry_run or not given.yes:
            planned = workspace.plan_purge(**named, progress=out.progress)
            show(out, _going(planned), "purged")
            if not out.json:
                _tell_waiting(out, workspace.view().purging)
                _tell_plan(out, planned)
        if given.dry_run:
            _end_dry(out, planned)
            return 0
        if not (given.yes or out.ask("remove it for good? there is no undo")):
            out.note("nothing was purged")
            return DECLINED
        if out.shown is not None:
            workspace.refresh()
            now = workspace.plan_purge(**named, progress=out.progress)
            show(out, _going(now), "purged")
        done = workspace.purge(**named, progress=out.progress)
        call.tell_recovery(workspace)
    if out.json:
        out.document(_form(done))
    else:
        _tell_done(out, done)
    return 0


def _named(call: Call, workspace: Workspace) -> dict[str, Any]:
    arguments: list[str] = call.arguments.what
    ids = [one for one in arguments if _ID.fullmatch(one)]
    paths = [call.path(workspace, one) for one in arguments if not _ID.fullmatch(one)]
    return {"paths": paths, "blobs": [oid_from_hex(one) for one in ids]}


def _going(planned: Purge) -> set[str]:
    return {
        *(f"target {target}" for target in planned.targets),
        *(f"content {oid.hex()}" for oid in planned.blobs),
        *(f"path {escape(path)}" for path, _ in planned.paths),
        *(f"step {step}" for step in planned.steps),
        *(f"document {name} of {session}" for session, name in planned.documents),
        *(f"{one.what} {number}" for one in planned.beside for number in range(one.count)),
    }


def _end_dry(out: Output, planned: Purge) -> None:
    if out.json:
        out.document(_form(planned))
    else:
        out.line("nothing was changed")


def _form(done: Purge) -> dict[str, Any]:
    return {
        "targets": list(done.targets),
        "paths": [{**_path(path), "contents": count} for path, count in done.paths],
        "also": [_path(path) for path in done.also],
        "blobs": [oid.hex() for oid in done.blobs],
        "steps": list(done.steps),
        "texts": done.texts,
        "documents": [
            {"session": session or None, "name": name} for session, name in done.documents
        ],
        "events": done.events,
        "beside": [{"what": one.what, "count": one.count} for one in done.beside],
        "undo_ended": list(done.undo_ended),
        "in_workspace": [_path(path) for path in done.in_workspace],
        "not_reached": [{"what": one.what, "reason": one.reason} for one in done.unreached],
        "bytes_before": done.bytes_before,
        "bytes_after": done.bytes_after,
        "applied": done.operation is not None,
        "operation": done.operation,
    }


def _path(path: TrackedPath) -> dict[str, str]:
    form = {"path": escape(path)}
    return form | {"path_bytes": base64_of(path)} if needs_bytes(path) else form


def _tell_waiting(out: Output, targets: Sequence[str]) -> None:
    if targets:
        named = ", ".join(target.partition(":")[2] or "everything" for target in targets)
        out.line(Styled("would finish", "mark"), f" the interrupted purge of {named}")


def _tell_plan(out: Output, planned: Purge) -> None:
    out.line(Styled("would remove for good", "mark"), f" {_extent(planned)}:")
    for path, count in planned.paths[:_LISTED]:
        also = "  (has the same content)" if path in planned.also else ""
        out.line(f"  {escape(path)}", Styled(f"  {plural(count, 'content')}{also}", "dim"))
    if len(planned.paths) > _LISTED:
        out.line(f"  and {plural(len(planned.paths) - _LISTED, 'path')} more; --json lists them")
    _tell_effects(out, planned, "would be")


def _extent(done: Purge) -> str:
    return (
        f"{plural(len(done.blobs), 'content')} at {plural(len(done.paths), 'path')} "
        f"in {plural(len(done.steps), 'step')}"
    )


def _tell_effects(out: Output, done: Purge, verb: str) -> None:
    if done.texts:
        out.line(f"{plural(done.texts, 'text')} that repeat it {verb} blotted out in part")
    if done.documents:
        out.line(f"{_documents(done.documents)} that hold it {verb} blotted out in all steps")
    if done.events:
        waiting = plural(done.events, "event")
        out.line(f"{waiting} that no step has yet {verb} blotted out or emptied")
    for one in done.beside:
        out.line(f"{plural(one.count, one.what)} that repeat it {verb} blotted out")
    if done.undo_ended:
        many = plural(len(done.undo_ended), "operation")
        out.line(f"{many} {verb} beyond undo, which would need it")
    for path in done.in_workspace[:_LISTED]:
        out.line(
            Styled("still in the folder: ", "bad"),
            f"{escape(path)} is captured again unless you remove it or .stepwellignore names it",
        )
    for place in done.unreached:
        out.line(Styled("not reached: ", "dim"), f"{place.what}: {place.reason}")


def _documents(documents: Sequence[tuple[str, str]]) -> str:
    names = (f"{name} of {session}" if session else name for session, name in documents)
    shown = ", ".join(islice(names, _NAMED))
    more = len(documents) - _NAMED
    and_more = f" and {more:,} more" if more > 0 else ""
    return f"{plural(len(documents), 'state document')} ({shown}{and_more})"


def _tell_done(out: Output, done: Purge) -> None:
    out.line(Styled("purged", "good"), f" {_extent(done)}; there is no undo")
    _tell_effects(out, done, "were")
    if done.bytes_before:
        out.line(f"{size(done.bytes_before)} in packs are now {size(done.bytes_after)}")


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        nargs="+",
        metavar="PATH|BLOB",
        help="a path, a folder, a pattern ('**/*.pem'), or the 40 digits of a content's id",
    )
    parser.add_argument("--dry-run", action="store_true", help="only tell what would go")


COMMANDS = (
    Command(
        name="purge",
        summary="Remove a path's or a blob's content from the whole history, for good.",
        details="All steps count, dropped ones and safety steps too, and every path that has the\n"
        "same content. The steps stay; a rollback to one leaves purged paths as they are on disk\n"
        "and names them. Prompts, inputs, results, titles and notes that repeat 16 characters or\n"
        "more of the content are blotted out there, and so are state documents of steps, events\n"
        "that wait to be recorded, snapshots of `stepwell state`, logs, and commands that the\n"
        "screen remembers. What has it and cannot be changed is named. The id of a step's state\n"
        "(`state` in --json) takes those versions of its documents out. There is no undo. Cut off,\n"
        "the next purge or gc finishes it. Clones, remotes, exported bundles and your own\n"
        "repository are yours to clean.",
        examples=("stepwell purge .env --dry-run", "stepwell purge '**/*.pem' --yes"),
        configure=_options,
        run=_purge,
        takes_yes=True,
    ),
)
