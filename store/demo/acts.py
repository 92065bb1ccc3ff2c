"""What can happen in the demo's session, as values: prompts, edits, commands, marks, going back."""

from __future__ import annotations

from dataclasses import dataclass

from stepwell.store.model.rules import Mode as RuleMode


@dataclass(frozen=True, slots=True)
class Write:
    """The file holds exactly this text, whether it existed or not."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Replace:
    """`old`, which occurs once in the file, gives way to `new`."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Rename:
    """The file has another name."""

    path: str
    new_path: str


@dataclass(frozen=True, slots=True)
class Delete:
    """The file is gone."""

    path: str


@dataclass(frozen=True, slots=True)
class Mode:
    """The file has these permission bits."""

    path: str
    bits: int


FileChange = Write | Replace | Rename | Delete | Mode


@dataclass(frozen=True, slots=True)
class Prompt:
    """The person asks for something; a new turn begins."""

    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """The agent changes files with a tool of its own."""

    title: str
    changes: tuple[FileChange, ...]
    tool: str = "Edit"


@dataclass(frozen=True, slots=True)
class Command:
    """The agent runs a command line in the project's folder, as a shell does."""

    line: str


@dataclass(frozen=True, slots=True)
class Outside:
    """The person changes files without the agent."""

    title: str
    changes: tuple[FileChange, ...]


@dataclass(frozen=True, slots=True)
class MarkNewest:
    """The person marks the newest step as a checkpoint."""

    label: str | None = None
    note: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RollBack:
    """The person goes back to a checkpoint; what came after stays as a branch of its own."""

    label: str


@dataclass(frozen=True, slots=True)
class RollBackFile:
    """The person takes one file as it is in a step, here the tip of a branch."""

    reference: str
    path: str


@dataclass(frozen=True, slots=True)
class BranchOff:
    """The agent tries something on a new branch, which begins at the newest step."""

    name: str


@dataclass(frozen=True, slots=True)
class SwitchTo:
    """The agent goes on where another branch ends."""

    name: str


@dataclass(frozen=True, slots=True)
class LeaveUncaptured:
    """The person changes files, and nothing records it yet."""

    changes: tuple[FileChange, ...]


@dataclass(frozen=True, slots=True)
class UndoNewest:
    """The person takes the newest operation back."""


@dataclass(frozen=True, slots=True)
class TrustRules:
    """The person trusts the project's rule file as it is."""


@dataclass(frozen=True, slots=True)
class LookAtRules:
    """The rules are looked at, and what they say is done as far as the mode allows."""

    mode: RuleMode


Travel = MarkNewest | RollBack | RollBackFile | BranchOff | SwitchTo | UndoNewest
"""What the person does with the history."""

Watch = TrustRules | LookAtRules
"""What is done about rules."""

Act = Prompt | Edit | Command | Outside | LeaveUncaptured | Travel | Watch


def edit(title: str, *changes: FileChange) -> Edit:
    """Returns an edit of existing files."""
    return Edit(title, changes)


def write(path: str, text: str) -> Edit:
    """Returns the writing of one new file."""
    return Edit(f"write {path}", (Write(path, text),), tool="Write")


def run(command: str) -> Command:
    """Returns the running of a command line."""
    return Command(command)
