"""Ignore rules: git's verdicts exactly, in bounded time."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepwell.store.engine.coverage import RulesThen, RuleTexts, decode_rules, encode_rules
from stepwell.store.engine.ignore import Chain, Rules
from stepwell.store.model.errors import IntegrityError
from stepwell.store.model.paths import TrackedPath

PIECES = (
    b"a", b"b", b"ab", b"x", b"*", b"**", b"?", b"/", b"**/", b"/**", b"[ab]", b"[!a]", b"[^b]",
    b"[a-", b"]", b"[]", b"[[:alpha:]]", b"[[:", b"\\", b"\\/", b"!", b"#", b" ", b"\t", b"\r",
    b".", b"-", b"\xff", b"\xef\xbb\xbf", b"\0",
)  # fmt: skip
NAMES = (
    b"a", b"b", b"ab", b"ba", b"aab", b"x", b"a.b", b"-", b" ", b"!", b"#", b"]", b"[", b"*",
    b"\\", b"a ", b"a\r", b"a\t", b"\xff", b"a\nb",
)  # fmt: skip
GIT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}

rule_lines = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map(b"".join)
rule_texts = st.lists(
    st.tuples(rule_lines, st.sampled_from([b"\n", b"\n", b"\r\n"])), min_size=1, max_size=4
).map(lambda lines: b"".join(line + end for line, end in lines).removesuffix(b"\n"))
some_paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map(b"/".join)


def _grow(root: bytes, paths: list[bytes]) -> list[tuple[bytes, bool]]:
    """Makes a file at each path where that is possible; returns all paths and folder or not."""
    for path in paths:
        full = os.path.join(root, path)
        try:
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "ab"):
                pass
        except OSError:
            continue
    found = []
    for folder, folders, files in os.walk(root):
        if b".git" in folders:
            folders.remove(b".git")
        found += [(os.path.relpath(os.path.join(folder, n), root), True) for n in folders]
        found += [(os.path.relpath(os.path.join(folder, n), root), False) for n in files]
    return found


def _ask_git(root: bytes, paths: list[tuple[bytes, bool]]) -> set[bytes]:
    asked = b"".join(b"./" + path + b"\0" for path, _ in paths)
    command = ["git", "check-ignore", "--no-index", "-z", "--stdin"]
    run = subprocess.run(command, input=asked, capture_output=True, cwd=root, env=GIT)
    assert run.returncode in (0, 1), run.stderr
    return {line[2:] for line in run.stdout.split(b"\0") if line}


def _disagreements(root: Path, texts: Mapping[bytes, bytes], paths: list[bytes]) -> list[object]:
    subprocess.run(["git", "init", "-q", "."], cwd=root, env=GIT, check=True)
    here = os.fsencode(root)
    written = {}
    for path, text in texts.items():
        os.makedirs(os.path.dirname(os.path.join(here, path)), exist_ok=True)
        with open(os.path.join(here, path), "wb") as file:
            file.write(text)
        written[TrackedPath(path)] = text
    every = _grow(here, paths)
    said = _ask_git(here, every)
    then = decode_rules(encode_rules(RuleTexts(folders=written)))
    return [(p, f) for p, f in every if then.matches(p, f) != (p in said)]


@pytest.mark.compat
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    texts=st.dictionaries(
        st.sampled_from([b".gitignore", b"a/.gitignore", b"ab/b/.gitignore"]),
        rule_texts,
        min_size=1,
    ),
    paths=st.lists(some_paths, min_size=15, max_size=30),
)
def test_verdicts_equal_gits(
    tmp_path_factory: pytest.TempPathFactory, texts: dict[bytes, bytes], paths: list[bytes]
) -> None:
    """Random rule files at three levels: every path gets the verdict of `git check-ignore`."""
    assert _disagreements(tmp_path_factory.mktemp("oracle"), texts, paths) == []


@pytest.mark.compat
@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (b"*.log\n!keep.log\nbuild/\n/rooted\n\\#hash\ntrail\\ \n",
         [b"a.log", b"keep.log", b"build/out.o", b"rooted", b"d/rooted", b"#hash", b"trail "]),
        (b"*\r\n!.gitignore\r\n", [b"x", b"x\r", b"d/y"]),
        (b"x\r", [b"x", b"x\r"]),
        (b"build\n!build/keep\n", [b"build/keep", b"build/x"]),
        (b"/*\n!/keep/\n/keep/*\n!/keep/me\n", [b"a", b"keep/me", b"keep/you"]),
        (b"x**/y\nlit**\n", [b"xa/b/y", b"x/y", b"xy", b"lit/z", b"litter"]),
        (b"[z-a]\n[a\\]b]c\n[!a]b/c\n[[:bad:]]d\n", [b"z", b"]c", b"xb/c", b"q/b/c", b":d"]),
        (b"dangling\\\nt\t\ns   \n", [b"dangling\\", b"t\t", b"t", b"s"]),
        (b"\xef\xbb\xbfbom\nb\0c\n", [b"bom", b"b", b"bc"]),
    ],
)  # fmt: skip
def test_odd_rules_mean_what_they_mean_to_git(
    tmp_path: Path, text: bytes, paths: list[bytes]
) -> None:
    """Line ends, escapes, brackets, blanks and byte order marks, one by one."""
    assert _disagreements(tmp_path, {b".gitignore": text}, paths) == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (b"**/" * 40 + b"a*a*a*a*a*a*b\n", b"a" * 60),
        (b"".join(b"pat%d/**/x?[a-z]*\n" % n for n in range(20_000)), b"f"),
        (b"a*" * 2000 + b"b\n", b"a" * 250),
        (b"/" + b"**/a*/" * 60 + b"b\n", b"/".join([b"aaaa"] * 60)),
        (b"".join(b"*a?%d*\n" % n for n in range(1_000)), b"aaaa" * 20 + b"z"),
        (b"[a]" * 2700 + b"\n", b"a" * 250),
    ],
)
def test_hostile_patterns_take_bounded_time(text: bytes, path: bytes) -> None:
    """What makes a backtracking matcher run for years is answered at once."""
    before = time.process_time()
    rules = Rules(b"", (text,))
    for n in range(100):
        assert rules.verdict(path + b"c" * n, path + b"c" * n, False) is None
    assert time.process_time() - before < 5


def test_a_rule_file_with_too_many_patterns_is_not_in_force() -> None:
    """Beyond the limits nothing of it holds: storing too much is the safe side."""
    rules = Rules(b"", (b"".join(b"?x%d\n" % n for n in range(5_000)),))
    assert rules.verdict(b"ax1", b"ax1", False) is None


def test_stepwellignore_stands_above_gitignore_of_the_same_folder() -> None:
    """Its lines come after those of `.gitignore`; deeper files stand above both."""
    texts = {
        TrackedPath(b".gitignore"): b"*.o\n*.tmp\n",
        TrackedPath(b".stepwellignore"): b"!*.o\n*.big\n",
        TrackedPath(b"d/.gitignore"): b"!*.big\n",
    }
    then = RulesThen(RuleTexts(folders=texts))
    assert not then.matches(b"a.o", False)
    assert then.matches(b"a.tmp", False)
    assert then.matches(b"a.big", False)
    assert not then.matches(b"d/a.big", False)


def test_rules_of_folders_stand_above_exclude_and_that_above_the_users() -> None:
    """The order is git's: the person's file, info/exclude, then the folders."""
    folders = {TrackedPath(b".gitignore"): b"!c\n"}
    then = RulesThen(RuleTexts(b"a\nb\nc\n", b"!b\n", folders))
    assert [then.matches(name, False) for name in (b"a", b"b", b"c")] == [True, False, False]


def test_rules_survive_encoding() -> None:
    """Encoding is canonical and loses nothing; nothing stands for no rules."""
    texts = RuleTexts(b"u\n", None, {TrackedPath(b"\xff\n/.gitignore"): b"x\0\n"})
    assert decode_rules(encode_rules(texts)).texts == texts
    assert encode_rules(RuleTexts()) == b""
    assert not decode_rules(b"").matches(b"a", False)


@pytest.mark.parametrize(
    "data", [b"x", b"stepwell-rules 1\nfolder 9 9\nab", b"stepwell-rules 1\nz"]
)
def test_malformed_rules_are_refused(data: bytes) -> None:
    """A blob that is no rules blob is an integrity error, not a guess."""
    with pytest.raises(IntegrityError):
        decode_rules(data)


def test_an_empty_chain_ignores_nothing() -> None:
    """Without rules everything is captured."""
    assert not Chain().ignores(b"a", b"a", True)
