"""`export` and `import`: steps carried elsewhere in one file."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from stepwell.store.bundling import export_bundle, import_bundle
from stepwell.store.cli.command import Call, Command
from stepwell.store.cli.listing import matching_steps
from stepwell.store.cli.output import Styled
from stepwell.store.cli.words import size
from stepwell.store.engine.bundles import Loaded
from stepwell.store.forms import text_form
from stepwell.store.model.ids import short
from stepwell.store.model.text import plural


def _export(call: Call) -> int:
    path = _path(call)
    with call.open() as workspace:
        steps = matching_steps(workspace, call.arguments.query)
        count = export_bundle(workspace, path, steps, progress=call.out.progress)
    written = path.stat().st_size
    if call.out.json:
        call.out.document({"file": str(path), "exported": count, "bytes": written})
    else:
        call.out.line(f"exported {plural(count, 'step')} to {path}, {size(written)}")
    return 0


def _import(call: Call) -> int:
    given = call.arguments
    with call.open() as workspace:
        loaded = import_bundle(
            workspace, _path(call), dry_run=given.dry_run, progress=call.out.progress
        )
        call.tell_recovery(workspace)
    if call.out.json:
        call.out.document(loaded_form(loaded))
    else:
        tell_loaded(call, loaded, "would import" if given.dry_run else "imported")
    return 0


def _path(call: Call) -> Path:
    return Path(os.path.join(os.fsdecode(call.folder), call.arguments.file))


def loaded_form(loaded: Loaded) -> dict[str, object]:
    """Returns what an import or a pull did, for JSON."""
    return {
        "imported": loaded.imported,
        "skipped": loaded.skipped,
        "errors": [{"step": step, "reason": text_form(reason)} for step, reason in loaded.errors],
        "branches": list(loaded.branches),
    }


def tell_loaded(call: Call, loaded: Loaded, verb: str) -> None:
    """Says it in lines."""
    here = f"; {loaded.skipped:,} are here already" if loaded.skipped else ""
    where = f" to {', '.join(loaded.branches)}" if loaded.branches else ""
    call.out.line(f"{verb} {plural(loaded.imported, 'step')}{where}{here}")
    for step, reason in loaded.errors:
        call.out.line(Styled(f"  {short(step)} ", "name"), reason)


def _export_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="where to write the bundle")
    parser.add_argument("query", nargs="*", metavar="QUERY", help="a filter, as of log; none: all")


def _import_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a bundle that export wrote")
    parser.add_argument("--dry-run", action="store_true", help="check it, and change nothing")


COMMANDS = (
    Command(
        name="export",
        summary="Write steps with their file states to one checksummed file.",
        details="Prompts, inputs and results go along. Files that were captured do, too: look\n"
        "through `stepwell search` for what should not leave this machine. An earlier bundle\n"
        "is replaced; where anything else is, nothing is written.",
        examples=("stepwell export work.bundle", "stepwell export s.bundle session:claude:demo-1"),
        configure=_export_options,
        run=_export,
        after_dashes="query",
    ),
    Command(
        name="import",
        summary="Add the steps of a bundle, on branches of their own.",
        details="The whole file is checked first; a bundle with anything wrong is refused. Your\n"
        "files and branches stay as they are; importing again adds only what is new.",
        examples=("stepwell import work.bundle --dry-run", "stepwell import work.bundle"),
        configure=_import_options,
        run=_import,
    ),
)
