"""`transcripts`: old sessions and other histories, imported as partial timelines."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from stepwell.store.cli.command import Call, Command
from stepwell.store.cli.output import Output, Styled
from stepwell.store.forms import text_form
from stepwell.store.model.errors import NotFoundError, RepositoryUnreadableError, UsageError
from stepwell.store.model.text import plural

if TYPE_CHECKING:
    from stepwell.store.agents.transcripts.git import GitHistory, GitImport
    from stepwell.store.workspace import Workspace

INCOMPLETE = 7
_SHOWN = 10


def _transcripts(call: Call) -> int:
    given = call.arguments
    if given.action == "list":
        if given.source is not None or given.max is not None:
            raise UsageError("transcripts list takes no source and no --max")
        return _list(call)
    if given.source is None:
        raise UsageError(
            "transcripts import needs to know what to import",
            hint="as in stepwell transcripts import git",
        )
    if given.max is not None and given.max < 1:
        raise UsageError("--max takes a number of commits, 1 or more")
    return _import(call)


# --- list ----------------------------------------------------------------------------------------


def _list(call: Call) -> int:
    with call.open() as workspace:
        found, problem = _inspected(workspace)
    if call.out.json:
        call.out.document({"sources": [_source_form(found, problem)]})
    elif found is None:
        call.out.line(Styled("git", "name"), f"  {problem}")
    else:
        _tell_source(call.out, found)
    return 0


def _inspected(workspace: Workspace) -> tuple[GitHistory | None, str | None]:
    """Returns what git has here, or why it has nothing."""
    from stepwell.store.agents.transcripts.git import inspect_git

    try:
        return inspect_git(workspace), None
    except (NotFoundError, RepositoryUnreadableError) as error:
        return None, error.message


def _source_form(found: GitHistory | None, problem: str | None) -> dict[str, object]:
    return {
        "source": "git",
        "available": found is not None,
        "branches": [text_form(name) for name in found.branches] if found else [],
        "commits": found.commits if found else 0,
        "imported": found.imported if found else 0,
        "problem": text_form(problem),
    }


def _tell_source(out: Output, found: GitHistory) -> None:
    size = f"{plural(found.commits, 'commit')}, {found.imported:,} imported"
    names = ", ".join(found.branches[:_SHOWN])
    more = len(found.branches) - _SHOWN
    out.line(Styled("git", "name"), f"  {size}")
    if names:
        out.line("     on ", names, f" and {more} more" if more > 0 else "")


# --- import --------------------------------------------------------------------------------------


def _import(call: Call) -> int:
    from stepwell.store.agents.transcripts.git import import_git

    with call.open() as workspace:
        done = import_git(workspace, limit=call.arguments.max, progress=call.out.progress)
        call.tell_recovery(workspace)
    if call.out.json:
        call.out.document(
            {
                "imported": done.imported,
                "skipped": done.known,
                "branches": [text_form(name) for name in done.branches],
                "session": text_form(done.session),
                "errors": [
                    {"source": one.source, "reason": text_form(one.reason)} for one in done.left_out
                ],
            }
        )
    else:
        _tell(call.out, done)
    return INCOMPLETE if done.left_out else 0


def _tell(out: Output, done: GitImport) -> None:
    for one in done.left_out[:_SHOWN]:
        out.note(Styled("left out ", "bad"), f"{one.source}: {one.reason}")
    if len(done.left_out) > _SHOWN:
        out.note(Styled(f"… and {len(done.left_out) - _SHOWN:,} more: see --json", "dim"))
    if done.session is None:
        out.line("there is no commit to import")
        return
    if not done.imported:
        out.line("nothing new: every commit is a step already")
        return
    out.line(f"imported {plural(done.imported, 'commit')}: they change neither files nor branch")
    shown = ", ".join(done.branches[:_SHOWN])
    out.line("  on ", Styled(f"⎇ {shown}", "name"))
    out.line(Styled(f"  look at them with stepwell log --branch {done.branches[0]}", "dim"))


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", metavar="ACTION", choices=("list", "import"), help="list, import")
    parser.add_argument(
        "source", metavar="SOURCE", nargs="?", choices=("git",), help="what to import: git"
    )
    parser.add_argument(
        "--max", metavar="N", type=int, help="only the newest N commits (all if left out)"
    )


COMMANDS = (
    Command(
        name="transcripts",
        summary="Import a git history as a partial, read-only timeline, or list what there is.",
        details=(
            "Each commit of the project's own repository becomes a step on a branch git/NAME.\n"
            "Your branch, files and repository stay as they are. Running it again adds what is\n"
            "new. log does not list these steps; log --all and log --branch git/NAME do."
        ),
        examples=(
            "stepwell transcripts list",
            "stepwell transcripts import git",
            "stepwell transcripts import git --max 500",
        ),
        configure=_options,
        run=_transcripts,
    ),
)
