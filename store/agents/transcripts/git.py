"""A project's git history as a partial, read-only timeline: `transcripts import git`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stepwell.store.agents.transcripts.commits import (
    Commit,
    Owners,
    Walked,
    oldest_first,
    owners,
    walk,
)
from stepwell.store.agents.transcripts.repository import GitBranch, UserRepository
from stepwell.store.engine.context import Progress, no_progress
from stepwell.store.engine.importing import BATCH_STEPS, PULLED, Draft, HistoryImport, LeftOut
from stepwell.store.engine.references import check_name
from stepwell.store.model.errors import UsageError
from stepwell.store.model.ids import Oid, StepId, short
from stepwell.store.model.text import one_line
from stepwell.store.workspace import Workspace

AGENT = "git"
_PAGE = 1_000
_LONGEST_NAME = 180
_UNUSABLE = re.compile(rb"[^\x21-\x7e\x80-\xff]|[\\:]")


@dataclass(frozen=True, slots=True)
class GitHistory:
    """What a repository holds, and how much of it is imported."""

    branches: tuple[str, ...]
    """HEAD's own first."""
    commits: int
    imported: int


@dataclass(frozen=True, slots=True)
class GitImport:
    """What an import did."""

    imported: int
    known: int
    """Commits that the branches led to and that were steps already."""
    branches: tuple[str, ...]
    """Names that the branches have here, HEAD's own first."""
    left_out: tuple[LeftOut, ...]
    session: str | None
    """None when nothing was ever imported."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The imported steps by source, and the sessions that they are in, the newest first."""

    steps: dict[str, StepId]
    sessions: dict[str, str]
    """Source -> session."""


def inspect_git(workspace: Workspace) -> GitHistory:
    """Counts the commits that the branches of the workspace's repository lead to.

    Raises:
        NotFoundError: there is no repository.
        RepositoryUnreadableError: it is of a kind that cannot be read.
    """
    repository = UserRepository.open(workspace.root)
    walked = walk([branch.tip for branch in repository.branches], repository.commit)
    known = _known(workspace)
    imported = sum(source_of(oid) in known.steps for oid in walked.places)
    names = tuple(branch_name(branch.name) for branch in repository.branches)
    return GitHistory(names, len(walked.places), imported)


def import_git(
    workspace: Workspace, *, limit: int | None = None, progress: Progress = no_progress
) -> GitImport:
    """Records the commits that are no steps yet, the newest `limit` of them, on branches `git/NAME`.

    Neither the current branch nor the files are touched. An import that is cut off leaves what it
    had recorded, and the next one goes on. Commits below one that is imported already are not
    looked for: they could not be put under it.

    Raises:
        NotFoundError: there is no repository.
        RepositoryUnreadableError: it is of a kind that cannot be read.
        BusyError: another import of it is running.
        NoSpaceError, FailedError: what was recorded before that stays.
    """
    repository = UserRepository.open(workspace.root)
    workspace.refresh()
    known = _known(workspace)
    walked = walk(
        [branch.tip for branch in repository.branches],
        repository.commit,
        is_known=lambda oid: source_of(oid) in known.steps,
        limit=limit,
        seen=lambda count: progress("reading commits", count, 0),
    )
    return _Run(workspace, repository, known, walked).run(progress)


class _Run:
    """One import, its commits chosen."""

    def __init__(
        self, workspace: Workspace, repository: UserRepository, known: _Known, walked: Walked
    ) -> None:
        self._workspace = workspace
        self._repository = repository
        self._walked = walked
        self._tips = tuple((branch_name(b.name), b) for b in repository.branches)
        self._order = oldest_first(walked.places, [b.tip for b in repository.branches])
        self._owners = self._find_owners()
        self._session = self._find_session(known)
        self._work = HistoryImport(
            repository,
            agent=AGENT,
            session=self._session or "",
            head=workspace.view().sessions.get(self._session or ""),
            known=known.steps,
        )

    def _find_owners(self) -> Owners:
        tips = [(name, branch.tip) for name, branch in self._tips]
        return owners(self._walked.places, self._order[::-1], tips)

    def _find_session(self, known: _Known) -> str | None:
        """Returns the session of an earlier import that this one goes on with, else a new one."""
        met = {known.sessions[source_of(oid)] for oid in self._walked.known}
        if met:
            return max(met)
        return f"{AGENT}:{short(self._order[0].hex())}" if self._order else None

    def run(self, progress: Progress) -> GitImport:
        """Records everything, a batch at a time."""
        total, done = len(self._order), 0
        while done < total:
            progress("importing commits", done, total)
            drafts = [self._draft(oid) for oid in self._order[done : done + BATCH_STEPS]]
            done += self._workspace.record_import(self._work, drafts)
        names = tuple(self._finished())
        return GitImport(
            self._work.imported,
            len(self._walked.known),
            names,
            (*self._work.left_out, *self._unreadable()),
            self._session,
        )

    def _finished(self) -> Sequence[str]:
        if self._session is None:
            return ()
        tips = {name: source_of(branch.tip) for name, branch in self._tips}
        self._workspace.finish_import(self._work, tips)
        return [self._work.branches[name] for name in tips if name in self._work.branches]

    def _unreadable(self) -> list[LeftOut]:
        cut = self._repository.cut
        below = {p for o in cut if o in self._walked.places for p in self._walked.places[o].parents}
        return [
            LeftOut(source_of(o), w) for o, w in self._walked.unreadable.items() if o not in below
        ]

    def _draft(self, oid: Oid) -> Draft:
        commit = self._repository.commit(oid)
        return Draft(
            source=source_of(oid),
            parents=tuple(map(source_of, commit.parents)),
            tree=commit.tree,
            branch=self._owners.branch[oid],
            kind="merge" if len(commit.parents) > 1 else "capture",
            title=_title(commit),
            text=commit.message,
            author=commit.author,
            time_ns=commit.author_time * 1_000_000_000,
            leads=oid in self._owners.leading,
        )


def source_of(oid: Oid) -> str:
    """Returns what a step that is this commit has as its source."""
    return f"{AGENT}:{oid.hex()}"


def _title(commit: Commit) -> str:
    return one_line(commit.message) or "(no message)"


def branch_name(name: bytes) -> str:
    """Returns a branch's name as a step's branch may be called; odd bytes become `%XX`."""
    text = _UNUSABLE.sub(lambda found: b"%%%02X" % ord(found[0]), name)
    try:
        usable = text.decode("utf-8")
    except UnicodeDecodeError:
        usable = re.sub(rb"[\x80-\xff]", lambda found: b"%%%02X" % ord(found[0]), text).decode()
    usable = usable.encode()[:_LONGEST_NAME].decode("utf-8", "ignore")
    try:
        check_name(f"{AGENT}/{usable}", "branch")
    except UsageError:
        return "".join(c if c.isalnum() else "-" for c in usable).strip("-") or "branch"
    return usable


def _known(workspace: Workspace) -> _Known:
    found = _Known({}, {})
    for session in workspace.sessions():
        if not session.name.startswith(f"{AGENT}:"):
            continue
        before: int | None = None
        while page := workspace.steps(session=session.name, before_seq=before, limit=_PAGE):
            for step in page:
                # What others say a commit is must not stand for it.
                if step.source is not None and PULLED not in step.flags:
                    found.steps.setdefault(step.source, step.id)
                    found.sessions.setdefault(step.source, session.name)
            before = page[-1].seq
    return found


__all__ = ["GitBranch", "GitHistory", "GitImport", "branch_name", "import_git", "inspect_git"]
