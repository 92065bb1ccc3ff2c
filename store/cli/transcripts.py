"""`transcripts`: old sessions and other histories, imported as partial timelines."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from stepwell.store.cli.command import Call, Command
from stepwell.store.cli.output import Output, Styled
from stepwell.store.environment import default_config, session_folder
from stepwell.store.forms import text_form
from stepwell.store.model.errors import NotFoundError, RepositoryUnreadableError, UsageError
from stepwell.store.model.text import one_line, plural, rfc3339
from stepwell.store.settings import keeps_text

if TYPE_CHECKING:
    from stepwell.store.agents.transcripts.git import GitHistory, GitImport
    from stepwell.store.agents.transcripts.sessions import OldSession
    from stepwell.store.workspace import Workspace

INCOMPLETE = 7
GIT = "git"
AGENTS = ("claude", "codex", "gemini", "opencode", "pi")
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
    if given.source != GIT:
        if given.max is not None:
            raise UsageError("--max is for commits: import a single session with --session")
        return _import_sessions(call)
    if given.session is not None:
        raise UsageError("--session is for agents' sessions; a git history has none")
    if given.max is not None and given.max < 1:
        raise UsageError("--max takes a number of commits, 1 or more")
    return _import(call)


def _list(call: Call) -> int:
    with call.open() as workspace:
        found, problem = _inspected(workspace)
        sessions = [one for agent in AGENTS for one in _sessions(workspace, agent)]
    if call.out.json:
        call.out.document(
            {
                "sources": [_source_form(found, problem)],
                "sessions": [_session_form(one) for one in sessions],
            }
        )
        return 0
    if found is None:
        call.out.line(Styled("git", "name"), f"  {problem}")
    else:
        _tell_source(call.out, found)
    for one in sessions:
        _tell_session(call.out, one)
    return 0


def _sessions(workspace: Workspace, agent: str) -> list[OldSession]:
    from stepwell.store.agents.transcripts.sessions import find_sessions

    return find_sessions(workspace, agent, session_folder(agent))


def _session_form(found: OldSession) -> dict[str, object]:
    return {
        "session": text_form(found.name),
        "agent": found.agent,
        "path": text_form(str(found.source.path)),
        "started": rfc3339(found.started_ns),
        "title": text_form(one_line(found.told[0].event.title)),
        "steps": len(found.told),
        "imported": found.imported,
        "recorded_live": found.live,
    }


def _tell_session(out: Output, found: OldSession) -> None:
    state = "recorded as it happened" if found.live else f"{found.imported:,} imported"
    title = one_line(found.told[0].event.title)
    out.line(Styled(found.name, "name"), f"  {plural(len(found.told), 'step')}, {state}")
    out.line(Styled(f"     {rfc3339(found.started_ns)[:16]}  {title}", "dim"))


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


def _import_sessions(call: Call) -> int:
    from stepwell.store.agents.transcripts.sessions import chosen, import_session

    given = call.arguments
    with call.open() as workspace:
        found = chosen(_sessions(workspace, given.source), given.session)
        old = [one for one in found if not one.live]
        keep = keeps_text(default_config())
        done = [(one, *import_session(workspace, one, keep_text=keep)) for one in old]
        call.tell_recovery(workspace)
    if call.out.json:
        call.out.document(
            {
                "imported": sum(count for _, count, _ in done),
                "sessions": [
                    {"session": text_form(one.name), "imported": count, "branch": text_form(branch)}
                    for one, count, branch in done
                ],
                "recorded_live": [text_form(one.name) for one in found if one.live],
            }
        )
        return 0
    for one, count, branch in done:
        call.out.line(f"imported {plural(count, 'step')} of {one.name} on ", Styled(branch, "name"))
    if not done:
        why = "all were recorded as they happened" if found else "none was found for this folder"
        call.out.line(f"no session of {given.source} to import: {why}")
    return 0


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
    out.line("  on ", Styled(f"↱ {shown}", "name"))
    out.line(Styled(f"  look at them with stepwell log --branch {done.branches[0]}", "dim"))


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", metavar="ACTION", choices=("list", "import"), help="list, import")
    parser.add_argument(
        "source",
        metavar="SOURCE",
        nargs="?",
        choices=(GIT, *AGENTS),
        help=f"what to import: {', '.join((GIT, *AGENTS))}",
    )
    parser.add_argument(
        "--session",
        metavar="S",
        help="only this session of the agent; the beginning of its id will do",
    )
    parser.add_argument(
        "--max", metavar="N", type=int, help="only the newest N commits (all if left out)"
    )


COMMANDS = (
    Command(
        name="transcripts",
        summary="Import a git history or an agent's old sessions as read-only timelines, or list them.",
        details=(
            "Each commit of the project's own repository becomes a step on a branch git/NAME.\n"
            "Your branch, files and repository stay as they are. Running it again adds what is\n"
            "new. log does not list these steps; log --all and log --branch git/NAME do.\n"
            "An agent's old sessions become steps on branches AGENT/ID, from the files that the\n"
            "agent itself keeps: prompts, calls, results, and the files that it edited. What shell\n"
            "commands did no such file tells, so these steps can be read, and not gone back to."
        ),
        examples=(
            "stepwell transcripts list",
            "stepwell transcripts import git",
            "stepwell transcripts import git --max 500",
            "stepwell transcripts import claude --session 9eaaed0c",
        ),
        configure=_options,
        run=_transcripts,
    ),
)
