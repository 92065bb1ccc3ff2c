"""The session's end: one thing tried in two ways from one step, and the better way's file taken."""

from __future__ import annotations

from stepwell.store.demo.acts import (
    Act,
    BranchOff,
    LeaveUncaptured,
    MarkNewest,
    Prompt,
    Replace,
    RollBackFile,
    SwitchTo,
    edit,
    run,
    write,
)
from stepwell.store.demo.first_half import TESTS

_PROBLEM: tuple[Act, ...] = (
    Prompt(
        "Two programs at once lose each other's links. Try two ways from here, each on a branch: "
        "a lock around the file, and SQLite."
    ),
    write(
        "tests/test_two_programs.py",
        "import tempfile\nimport unittest\nfrom pathlib import Path\n\n"
        "from hop import Links\nfrom hop.saving import load, save\n\n\n"
        "class TwoPrograms(unittest.TestCase):\n"
        "    def test_neither_loses_a_link_of_the_other(self):\n"
        "        with tempfile.TemporaryDirectory() as folder:\n"
        '            path = Path(folder, "links.json")\n'
        "            save(Links(), path)\n"
        "            one, other = load(path), load(path)\n"
        '            one.add("https://a.example/", code="a")\n'
        '            other.add("https://b.example/", code="b")\n'
        "            save(one, path)\n"
        "            save(other, path)\n"
        '            self.assertEqual({code for code, _ in load(path)}, {"a", "b"})\n',
    ),
    TESTS,
)

_LOCK: tuple[Act, ...] = (
    BranchOff("try-lock"),
    edit(
        "lock the file, keep what others saved",
        Replace(
            "hop/saving.py",
            "import json\nimport os\nimport time\n\n",
            "import fcntl\nimport json\nimport os\nimport time\n\n",
        ),
        Replace(
            "hop/saving.py",
            "def save(links, path):\n"
            '    """Writes all links to a file, in one piece or not at all."""\n',
            "def save(links, path):\n"
            '    """Writes all links to a file, with those that others saved meanwhile."""\n'
            '    with open(f"{path}.lock", "w") as lock:\n'
            "        fcntl.flock(lock, fcntl.LOCK_EX)\n"
            "        known = {code for code, _ in links}\n"
            "        for code, link in load(path):\n"
            "            if code not in known:\n"
            "                links.put(code, link)\n"
            "        _replace(links, path)\n\n\n"
            "def _replace(links, path):\n",
        ),
    ),
    TESTS,
    MarkNewest(note="Eleven more lines, and people can still read the file.", tags=("tests-pass",)),
)

_SQLITE = '''\
"""Links on disk, in SQLite, which lets several programs write."""

import os
import sqlite3
import time
from contextlib import closing

from hop.links import Link, Links


def save(links, path):
    """Adds all links that the file does not hold yet."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE IF NOT EXISTS links (code PRIMARY KEY, url)")
        rows = [(code, link.url) for code, link in links]
        database.executemany("INSERT OR IGNORE INTO links VALUES (?, ?)", rows)


def load(path, clock=time.time):
    """Returns the links that were saved; none when there is no file."""
    links = Links(clock)
    if os.path.exists(path):
        with closing(sqlite3.connect(path)) as database:
            for code, url in database.execute("SELECT code, url FROM links"):
                links.put(code, Link(url))
    return links
'''

_DATABASE: tuple[Act, ...] = (
    BranchOff("try-sqlite"),
    write("hop/saving.py", _SQLITE),
    TESTS,
    edit(
        "save the expiry as well",
        Replace("hop/saving.py", "(code PRIMARY KEY, url)", "(code PRIMARY KEY, url, expires)"),
        Replace("hop/saving.py", "(code, link.url) for", "(code, link.url, link.expires) for"),
        Replace("hop/saving.py", "VALUES (?, ?)", "VALUES (?, ?, ?)"),
        Replace("hop/saving.py", "for code, url in database", "for code, *fields in database"),
        Replace("hop/saving.py", "SELECT code, url FROM", "SELECT code, url, expires FROM"),
        Replace("hop/saving.py", "links.put(code, Link(url))", "links.put(code, Link(*fields))"),
    ),
    TESTS,
)

EXPERIMENTS: tuple[Act, ...] = (
    *_PROBLEM,
    *_LOCK,
    SwitchTo("main"),
    *_DATABASE,
    SwitchTo("main"),
    RollBackFile("try-lock", "hop/saving.py"),
    run("scripts/check"),
    LeaveUncaptured(
        (
            Replace(
                "README.md",
                "    python3 -m hop get 0\n",
                "    python3 -m hop get 0\n    python3 -m hop top\n",
            ),
        )
    ),
)
