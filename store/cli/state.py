"""`state`: snapshots of JSON state, below the workspace's private folder."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepwell.store.cli.command import Call, Command, plain_text
from stepwell.store.cli.going import DECLINED
from stepwell.store.cli.shown import show
from stepwell.store.cli.stategiven import (
    SESSION,
    basic,
    content,
    document,
    find,
    moment_ns,
    only,
    opened,
    query_of,
    session_of,
    state_folder,
    tags_of,
)
from stepwell.store.cli.statewords import (
    AutomaticSeen,
    snapshot_line,
    tell_comparison,
    tell_going,
    tell_one,
    tell_report,
    tell_state,
    tell_statistics,
)
from stepwell.store.cli.words import size
from stepwell.store.model.errors import NotFoundError, UsageError
from stepwell.store.model.text import plural, rfc3339

if TYPE_CHECKING:
    from stepwell.store.state.snapshots import StateSnapshots
    from stepwell.store.state.values import StateQuery

_LONGEST_S = 31_536_000


def _put(call: Call, snapshots: StateSnapshots) -> int:
    (name,) = only(call, "FILE")
    given = call.arguments
    made = snapshots.create(
        session_of(call),
        document(call, name),
        tags=tags_of(given.tag),
        description=plain_text(given.message) or "",
        type=given.type,
        force_compression=given.compress,
    )
    return tell_one(call, made)


def _get(call: Call, snapshots: StateSnapshots) -> int:
    from stepwell.store.state.forms import snapshot_form

    (prefix,) = only(call, "ID")
    found = find(snapshots, prefix)
    state = snapshots.reconstruct_state(found)
    if call.out.json:
        call.out.document({**snapshot_form(found), "state": state})
        return 0
    return tell_state(call, state)


def _delete(call: Call, snapshots: StateSnapshots) -> int:
    prefixes: list[str] = call.arguments.arguments
    query = query_of(call)
    if bool(prefixes) == (query != type(query)()):
        raise UsageError(
            "state delete takes either ids or a choice",
            hint="as in stepwell state delete 3f2a9c10, or state delete --session s --tag old",
        )
    ids = [snapshots.resolve(one) for one in prefixes] or [o.id for o in snapshots.search(query)]
    show(call.out, ids, "deleted")
    if call.arguments.dry_run or (call.asks and ids):
        tell_going(call, {one: snapshots.get(one) for one in ids})
    if call.arguments.dry_run:
        return 0
    if call.asks and ids and not call.out.ask("delete for good? there is no undo"):
        call.out.note("nothing was deleted")
        return DECLINED
    gone = [one for one in ids if snapshots.delete(one)]
    if call.out.json:
        call.out.document({"deleted": gone, "applied": True})
    else:
        call.out.line(f"deleted {plural(len(gone), 'snapshot')}")
    return 0


def _list(call: Call, snapshots: StateSnapshots) -> int:
    from stepwell.store.state.forms import snapshot_form

    only(call, "")
    given = call.arguments
    found = snapshots.search(
        query_of(call),
        sort_by=given.sort,
        direction="asc" if given.ascending else "desc",
        limit=given.number,
    )
    if call.out.json:
        call.out.document({"snapshots": [snapshot_form(one) for one in found]})
        return 0
    for one in found:
        call.out.line(*snapshot_line(one, call.out.now_ns))
    if not found:
        call.out.note("no snapshot fits")
    return 0


def _nearest(call: Call, snapshots: StateSnapshots) -> int:
    (text,) = only(call, "TIME")
    session = session_of(call)
    found = snapshots.nearest(session, moment_ns(text))
    if found is None:
        raise NotFoundError(
            f"the session {session} has no state snapshot", hint="name another with --session"
        )
    return tell_one(call, found)


def _compare(call: Call, snapshots: StateSnapshots) -> int:
    from stepwell.store.state.forms import comparison_form

    first, second = only(call, "ID ID")
    found = snapshots.compare(find(snapshots, first), find(snapshots, second))
    if found is None:
        raise NotFoundError("one of the snapshots is gone", hint="stepwell state list")
    if call.out.json:
        call.out.document(comparison_form(found))
    else:
        tell_comparison(call.out, found)
    return 0


def _auto(call: Call, snapshots: StateSnapshots) -> int:
    from stepwell.store.state.forms import snapshot_form

    (name,) = only(call, "FILE")
    if name == "-":
        raise UsageError("state auto reads a file again and again", hint="stdin can be read once")
    session, wanted = session_of(call), call.arguments.count
    seen = AutomaticSeen(call.out, wanted)
    snapshots.subscribe("snapshot:created", seen.created)
    snapshots.subscribe("error", seen.failed)
    interval = call.arguments.interval
    snapshots.start_automatic(
        session,
        lambda: document(call, name),
        interval_ms=None if interval is None else round(interval * 1000),
    )
    try:
        seen.enough.wait()
    except KeyboardInterrupt:
        call.out.note("stopped")
    snapshots.stop_automatic(session)
    if call.out.json:
        made = seen.made if wanted is None else seen.made[:wanted]
        call.out.document(
            {"snapshots": [snapshot_form(one) for one in made], "errors": seen.errors}
        )
    return 0


def _tag(call: Call, snapshots: StateSnapshots) -> int:
    from stepwell.store.state.forms import snapshot_form

    prefixes: list[str] = call.arguments.arguments
    new, old = tags_of(call.arguments.tag), tags_of(call.arguments.untag)
    if not prefixes or not (new or old):
        raise UsageError(
            "state tag takes ids, and --tag or --untag",
            hint="as in stepwell state tag 3f2a9c10 --tag milestone",
        )
    found = [find(snapshots, one) for one in prefixes]
    changed = [one for o in found if (one := snapshots.tag(o, add=new, remove=old)) is not None]
    if call.out.json:
        call.out.document({"snapshots": [snapshot_form(one) for one in changed]})
        return 0
    for one in changed:
        call.out.line(*snapshot_line(one, call.out.now_ns))
    return 0


def _export(call: Call, snapshots: StateSnapshots) -> int:
    from stepwell.store.engine.atomic import write_atomic
    from stepwell.store.engine.replaceable import refuse_over
    from stepwell.store.state.portable import is_export

    (name,) = only(call, "FILE")
    given, query = call.arguments, query_of(call)
    content = snapshots.export_snapshots(
        query, format=given.format, include_incrementals=not given.no_incrementals
    )
    target = Path(os.path.abspath(os.path.join(os.fsdecode(call.folder), name)))
    if not target.parent.is_dir():
        raise NotFoundError(f"there is no folder {target.parent}", hint="make it first")
    refuse_over(target, is_export, "export of state")
    write_atomic(target, content)
    chosen = snapshots.search(query)
    count = sum(one.type == "full" or not given.no_incrementals for one in chosen)
    if call.out.json:
        call.out.document({"file": str(target), "snapshots": count, "bytes": len(content)})
    else:
        call.out.line(f"exported {plural(count, 'snapshot')}, {size(len(content))}, to {name}")
    return 0


def _import(call: Call, snapshots: StateSnapshots) -> int:
    (name,) = only(call, "FILE")
    given = call.arguments
    report = snapshots.import_snapshots(
        content(call, name),
        overwrite_existing=given.overwrite,
        validate_integrity=not given.no_validate,
    )
    return tell_report(call, report, {})


def _stats(call: Call, snapshots: StateSnapshots) -> int:
    from stepwell.store.state.forms import statistics_form

    only(call, "")
    found = snapshots.statistics()
    if call.out.json:
        call.out.document(statistics_form(found, snapshots.config))
    else:
        tell_statistics(call.out, found)
    return 0


def _migrate(call: Call, snapshots: StateSnapshots) -> int:
    from stepwell.store.state.migration import migrated_config
    from stepwell.store.state.settings import save_config
    from stepwell.store.state.values import ImportReport

    given = call.arguments
    if not given.arguments and given.config is None:
        only(call, "FILE")
    more: dict[str, Any] = {}
    if given.config is not None:
        config = migrated_config(document(call, given.config))
        save_config(state_folder(call), config)
        more = {"config": asdict(config)}
    report = ImportReport()
    if given.arguments:
        (name,) = only(call, "FILE")
        report = snapshots.migrate(session_of(call), basic(document(call, name)))
    return tell_report(call, report, more)


def _reconstruct(call: Call, snapshots: StateSnapshots) -> int:
    if call.arguments.at is None:
        return _get(call, snapshots)
    only(call, "")
    session, at_ns = session_of(call), moment_ns(call.arguments.at)
    oldest = snapshots.search(_of(session), direction="asc", limit=1)
    if not oldest or oldest[0].time_ns > at_ns:
        raise NotFoundError(
            f"the session {session} has no state snapshot as old as that",
            hint="stepwell state list shows what there is",
        )
    state = snapshots.reconstruct_at(session, at_ns)
    if call.out.json:
        call.out.document({"session": session, "time": rfc3339(at_ns), "state": state})
        return 0
    return tell_state(call, state)


def _of(session: str) -> StateQuery:
    from stepwell.store.state.values import StateQuery

    return StateQuery(session=session)


def _event(call: Call, snapshots: StateSnapshots) -> int:
    from stepwell.store.state.forms import event_form

    (name,) = only(call, "FILE")
    event = snapshots.record_event(session_of(call), call.arguments.kind, document(call, name))
    if call.out.json:
        call.out.document(event_form(event))
    else:
        call.out.line(f"recorded at {rfc3339(event.time_ns)}")
    return 0


_Action = Callable[[Call, "StateSnapshots"], int]

_CHOICE = ("session", "tag", "since", "until", "type")
_LISTING = (*_CHOICE, "sort", "ascending", "number")

_ACTIONS: Mapping[str, tuple[_Action, tuple[str, ...]]] = {
    "put": (_put, ("session", "tag", "message", "type", "compress")),
    "get": (_get, ()),
    "delete": (_delete, (*_CHOICE, "dry_run")),
    "list": (_list, _LISTING),
    "nearest": (_nearest, ("session",)),
    "search": (_list, _LISTING),
    "compare": (_compare, ()),
    "auto": (_auto, ("session", "interval", "count")),
    "tag": (_tag, ("tag", "untag")),
    "export": (_export, (*_CHOICE, "format", "no_incrementals")),
    "import": (_import, ("overwrite", "no_validate")),
    "stats": (_stats, ()),
    "migrate": (_migrate, ("session", "config")),
    "reconstruct": (_reconstruct, ("session", "at")),
    "event": (_event, ("session", "kind")),
}
"""Each action, and the options that mean something to it."""


def _state(call: Call) -> int:
    given = call.arguments
    act, known = _ACTIONS[given.action]
    for name in _DEFAULTS:
        if name not in known and getattr(given, name) != _DEFAULTS[name]:
            raise UsageError(
                f"state {given.action} does not take --{name.replace('_', '-')}",
                hint="see stepwell state --help",
            )
    if given.count is not None and given.count < 1:
        raise UsageError("--count takes a number of snapshots, 1 or more", hint="as in --count 3")
    if given.interval is not None and not 0.001 <= given.interval <= _LONGEST_S:
        raise UsageError("--interval takes seconds, from 0.001 on", hint="as in --interval 30")
    with opened(call) as snapshots:
        return act(call, snapshots)


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("action", metavar="ACTION", choices=tuple(_ACTIONS), help=", ".join(_ACTIONS))
    add("arguments", metavar="ARGUMENT", nargs="*", help="an id, a file or a time, by the action")
    add("--session", "-s", metavar="S", help=f"whose state ({SESSION} if left out)")
    add("--tag", metavar="T", action="append", default=[], help="tag it, or only what is tagged so")
    add("--untag", metavar="T", action="append", default=[], help="take the tag away")
    add("--message", "-m", metavar="TEXT", help="description")
    add("--type", choices=("full", "incremental"), help="how to store it, or only such")
    add("--compress", action="store_true", help="compress it however small it is")
    add("--since", metavar="TIME", help="only from then on")
    add("--until", metavar="TIME", help="only up to then")
    add("--sort", choices=("timestamp", "size", "description"), default="timestamp", help="order")
    add("--ascending", action="store_true", help="smallest or oldest first")
    add("--number", "-n", metavar="N", type=int, help="at most so many")
    add("--format", choices=("json", "binary"), default="json", help="of the export")
    add("--no-incrementals", action="store_true", help="export full snapshots only")
    add("--overwrite", action="store_true", help="replace snapshots that are there already")
    add("--no-validate", action="store_true", help="also import what was edited")
    add("--interval", metavar="S", type=float, help="seconds between snapshots")
    add("--count", metavar="N", type=int, help="stop after so many (when interrupted if left out)")
    add("--config", metavar="FILE", help="take over an older configuration")
    add("--at", metavar="TIME", help="the state as it was then, by snapshots and events")
    add("--dry-run", action="store_true", help="of delete: only tell what would go")
    add("--kind", metavar="K", default="patch", help="what the event is: patch or merge")


def _defaults() -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    _options(parser)
    return {
        action.dest: action.default
        for action in parser._actions
        if action.option_strings and action.dest != "help"
    }


_DEFAULTS = _defaults()

COMMANDS = (
    Command(
        name="state",
        summary="Take, find, compare and carry snapshots of JSON state.",
        details=(
            "put FILE stores a state (- is stdin), get ID prints it; delete, tag, compare take ids;\n"
            "list and search show what fits; nearest TIME finds the closest; auto FILE stores a\n"
            "file again and again. export FILE and import FILE carry snapshots elsewhere; migrate\n"
            'FILE takes in basic ones, {"id", "timestamp", "state"}. event FILE records a patch\n'
            "(RFC 6902) or merge patch (RFC 7396); reconstruct ID, or reconstruct --at TIME, gives\n"
            "the state with the events since. On a terminal delete shows what would go, and asks\n"
            "first. docs/state.md tells what is kept for how long."
        ),
        examples=(
            "stepwell state put state.json --session s1 --tag milestone",
            "stepwell state search --tag milestone --since 2h",
            "stepwell state compare 3f2a9c10 77b0c1d2",
            "stepwell state auto state.json --interval 30",
            "stepwell state export s1.json --session s1",
        ),
        configure=_options,
        run=_state,
        takes_yes=True,
    ),
)
