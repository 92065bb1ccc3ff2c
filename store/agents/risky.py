"""Commands that can destroy work or change much: before one runs, the folder becomes a checkpoint.

This is no protection against commands: it only tells where it is worth to look for what was there.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

_LONGEST = 20_000
_BETWEEN = re.compile(r"[;&|\n()]+")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_WRAPPERS = frozenset(
    [
        "sudo",
        "doas",
        "env",
        "nice",
        "nohup",
        "time",
        "timeout",
        "xargs",
        "exec",
        "command",
        "then",
        "do",
        "else",
        "npx",
        "bunx",
        "uvx",
        "poetry",
        "pipenv",
        "bundle",
        "php",
        "python",
        "python3",
        "uv",
    ]
)
"""Words before the program itself; with some of them what they run."""

_GIT = frozenset(
    [
        "reset",
        "clean",
        "checkout",
        "restore",
        "switch",
        "stash",
        "rebase",
        "merge",
        "pull",
        "filter-branch",
    ]
)
_INSTALLS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("npm", "pnpm", "bun"), frozenset({"i", "install", "add", "ci", "update", "up", "upgrade", "remove", "uninstall"})),
    "yarn": frozenset({"", "install", "add", "up", "upgrade", "remove"}),
    **dict.fromkeys(("pip", "pip3", "conda", "mamba"), frozenset({"install", "uninstall", "update", "remove"})),
    **dict.fromkeys(("poetry", "uv", "pdm", "pipenv"), frozenset({"add", "install", "sync", "lock", "remove", "update", "uninstall"})),
    "cargo": frozenset({"add", "install", "update", "remove"}),
    "go": frozenset({"get", "install"}),
    **dict.fromkeys(("gem", "bundle", "composer", "brew"), frozenset({"install", "update", "require", "add", "remove", "uninstall"})),
    **dict.fromkeys(("apt", "apt-get", "dnf", "yum", "apk"), frozenset({"install", "remove", "purge", "add", "del", "upgrade"})),
    "dotnet": frozenset({"add", "remove"}),
    "mix": frozenset({"deps.get", "deps.update"}),
}  # fmt: skip
_MIGRATIONS: Sequence[tuple[str, str]] = (
    ("manage.py", "migrate"),
    ("artisan", "migrate"),
    ("rails", "db:"),
    ("rake", "db:"),
    ("alembic", "upgrade"),
    ("alembic", "downgrade"),
    ("flask", "db"),
    ("prisma", "migrate"),
    ("prisma", "db"),
    ("knex", "migrate"),
    ("sequelize", "db:"),
    ("typeorm", "migration:"),
    ("flyway", "migrate"),
    ("liquibase", "update"),
    ("diesel", "migration"),
    ("sqlx", "migrate"),
    ("dbmate", "up"),
    ("mix", "ecto."),
    ("goose", "up"),
)


_MOST_WRAPPERS = 16
"""Words before the program that is run: `sudo -u me env A=1 nice -n 5 rm`."""


def risk_of(command: str) -> str:
    """Returns what is risky in a shell command, in a few words without its arguments; empty: nothing."""
    return next(_risks(command[:_LONGEST]), "")


def _risks(command: str) -> Iterator[str]:
    for part in _BETWEEN.split(command):
        words = _words(part)
        if words:
            yield from _risk(words)


def _words(part: str) -> list[str]:
    try:
        words = shlex.split(part, comments=True)
    except ValueError:
        words = part.split()
    while words and _ASSIGNMENT.match(words[0]):
        words.pop(0)
    return words


def _risk(words: Sequence[str]) -> Iterator[str]:
    """Yields the risks of a command that may begin with the names of programs that run others."""
    for at, word in enumerate(words[:_MOST_WRAPPERS]):
        program, rest = word.rpartition("/")[2], words[at + 1 :]
        plain = [one for one in rest if not one.startswith("-")]
        yield from _of_program(program, rest, plain)
        wrapped = program in _WRAPPERS or word.startswith("-") or word.isdecimal()
        if not wrapped and not _ASSIGNMENT.match(word):
            return


def _of_program(program: str, rest: Sequence[str], plain: Sequence[str]) -> Iterator[str]:
    first = plain[0] if plain else ""
    if program in ("rm", "rmdir", "shred", "unlink", "trash") or (
        program == "find" and ("-delete" in rest or ("-exec" in rest and "rm" in rest))
    ):
        yield "removes files"
    elif program == "git" and (verb := _git_verb(rest)) in _GIT:
        yield f"runs git {verb}"
    elif program in ("sed", "perl") and any(_in_place(one) for one in rest):
        yield "edits files in place"
    elif first in _INSTALLS.get(program, ()):
        yield "installs packages"
    yield from _migrations(program, plain)


def _git_verb(words: Sequence[str]) -> str:
    """Returns git's own command, after options of which some have a value."""
    rest = list(words)
    while rest and rest[0].startswith("-"):
        del rest[: 2 if rest[0] in ("-c", "-C") else 1]
    return rest[0] if rest else ""


def _in_place(word: str) -> bool:
    return word.startswith(("-i", "--in-place", "-pi"))


def _migrations(program: str, plain: Sequence[str]) -> Iterator[str]:
    for name, beginning in _MIGRATIONS:
        if program == name and any(word.startswith(beginning) for word in plain[:2]):
            yield "migrates a database"
            return
