"""Commands run inside another program."""

from __future__ import annotations

import shlex
import threading
from pathlib import Path
from typing import Any

import pytest
from support.sharing import git

from stepwell.store import Workspace
from stepwell.store.cli.inside import (
    STOPPED,
    Known,
    Line,
    Listener,
    Looked,
    Place,
    Stop,
    look,
    names,
    offers,
    read_line,
    run,
)
from stepwell.store.cli.main import COMMANDS, loaded
from stepwell.store.cli.manners import MANNERS
from stepwell.store.model.errors import StepwellError, UsageError
from stepwell.store.model.retention import Policy, Prune
from stepwell.store.upkeep import UpkeepVerbs

NOW = 1_783_087_339_000_000_000


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A workspace with two steps."""
    folder, home = tmp_path / "orchard", tmp_path / "home"
    folder.mkdir()
    (folder / "soil.py").write_bytes(b"DEPTH = 1\n\xff\n")
    with Workspace.init(folder, home=home) as ws:
        (folder / "soil.py").write_bytes(b"DEPTH = 2\n")
        ws.capture("deeper")
    return Place(str(folder), home)


def understood(line: str, place: Place) -> Line:
    return read_line(shlex.split(line), place)


def told(line: Line, place: Place, stop: Stop | None = None, **more: Any) -> tuple[str, int]:
    said: list[str] = []
    listener = Listener(lambda text, beside: said.append(text), columns=80, now_ns=NOW)
    code = run(line, place, listener, stop, **more)
    return "\n".join(said), code


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("log -n 3", "reads"),
        ("-C . log", "reads"),
        ("help log", "reads"),
        ("--version", "reads"),
        ("rollback --help", "reads"),
        ("branch", "reads"),
        ("branch create x", "does"),
        ("branch delete x", "asks"),
        ("mark @ --tag x", "does"),
        ("capture -m x", "does"),
        ("check", "does"),
        ("experiment list", "reads"),
        ("experiment run x --try a=true", "does"),
        ("experiment promote x a", "travels"),
        ("rollback @~1", "travels"),
        ("rollback @~1 --path soil.py", "travels"),
        ("rollback @~1 --dry-run", "reads"),
        ("undo", "travels"),
        ("merge x", "travels"),
        ("merge --continue", "asks"),
        ("session restore s id", "travels"),
        ("session delete s id", "does"),
        ("verify --full", "reads"),
        ("verify --repair", "asks"),
        ("push team --dry-run --force", "reads"),
        ("prune", "asks"),
        ("prune --dry-run", "reads"),
        ("purge soil.py", "asks"),
        ("gc", "asks"),
        ("trust", "asks"),
        ("trust --remove", "does"),
        ("state delete 1234", "asks"),
        ("state put -", "shell"),
        ("state put x.json", "does"),
        ("state migrate old.json", "does"),
        ("state migrate --config new.json", "asks"),
        ("state migrate --config -", "shell"),
        ("state migrate old.json --config=-", "shell"),
        ("merge --continue --dry-run", "reads"),
        ("export soil.py", "asks"),
        ("export new.bundle", "does"),
        ("import x --dry-run", "reads"),
        ("install claude", "shell"),
        ("run -- rm --help", "shell"),
        ("serve", "shell"),
        ("hook claude", "shell"),
    ],
)
def test_each_line_is_run_in_its_own_manner(line: str, kind: str, place: Place) -> None:
    """By the options as the command's own parser has them."""
    assert understood(line, place).manner.kind == kind


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("purge soil.py", "purge"),
        ("gc", "remove"),
        ("gc --now", "remove"),
        ("state delete 1234", "delete"),
        ("state import x.json --overwrite", "replace"),
        ("export soil.py", "replace"),
        ("push team --force", "replace"),
        ("push team", ""),
        ("prune", ""),
        ("branch delete x", ""),
    ],
)
def test_what_nothing_brings_back_takes_a_word(line: str, word: str, place: Place) -> None:
    """A key is enough for the rest."""
    how = understood(line, place).manner
    assert (how.kind, how.word) == ("asks", word)
    assert ("replace" in how.text) is (word == "replace")


def test_every_command_has_a_manner() -> None:
    """A new one cannot be forgotten, and each is one of the list that tab completes."""
    assert set(COMMANDS) == set(names()) == set(MANNERS)


@pytest.mark.parametrize("line", ["frobnicate", "log --frob", "rollback", "-C /x capture"])
def test_what_makes_no_sense_is_a_usage_error(line: str, place: Place) -> None:
    """As on the command line; nor is another folder changed from here."""
    with pytest.raises(UsageError):
        understood(line, place)


def test_options_cannot_be_shortened_past_the_question(place: Place) -> None:
    """`--rep` is no `--repair`."""
    with pytest.raises(UsageError):
        understood("verify --rep", place)


def test_the_text_is_that_of_the_command_line(place: Place) -> None:
    """Of the given folder and store, whatever the environment says; errors are text, too."""
    assert told(understood("cat @~1:soil.py", place), place) == ("DEPTH = 1\n\udcff", 0)
    assert "first capture" in told(understood("log", place), place)[0]
    text, code = told(understood("show '#99'", place), place)
    assert code == 3 and text.startswith("stepwell: ")
    assert "usage: stepwell gc" in told(understood("gc --help", place), place)[0]


def test_json_is_asked_for_by_our_own_option_alone(place: Place) -> None:
    """What follows `--` is no option, here as on the command line."""
    assert told(understood("show --json @", place), place)[0].startswith("{")
    text, code = told(understood("show -- --json", place), place)
    assert code == 3 and text.startswith("stepwell: ")


def test_what_is_asked_for_needs_agreement(place: Place) -> None:
    """Nothing is run before; with it, the command is not asked anew, and a look changes nothing."""
    line = understood("purge soil.py", place)
    with pytest.raises(ValueError, match="purge cannot be run"):
        told(line, place)
    with pytest.raises(ValueError, match="rollback cannot be run"):
        told(understood("rollback @~1", place), place, agreed=True)
    said: list[str] = []
    assert look(line, place, Listener(lambda text, _: said.append(text)), Stop()).code == 0
    assert "would remove for good" in said[0] and said[-1] == "nothing was changed"
    text, code = told(line, place, agreed=True)
    assert code == 0 and text.startswith("purged")


def _looked(line: Line, place: Place) -> tuple[list[str], Looked]:
    said: list[str] = []
    return said, look(line, place, Listener(lambda text, _: said.append(text)), Stop())


def test_nothing_is_purged_that_was_not_shown(place: Place) -> None:
    """What came since is refused in a sentence; a new look shows it."""
    line = understood("purge soil.py", place)
    shown = _looked(line, place)[1].shown
    with Workspace.open(place.folder, home=place.home) as ws:
        (Path(place.folder) / "soil.py").write_bytes(b"DEPTH = 3\n")
        ws.capture("deeper still")
    text, code = told(line, place, agreed=True, shown=shown)
    assert code == 4 and "nothing was purged: more would go now than was shown" in text
    again = _looked(line, place)[1].shown
    assert told(line, place, agreed=True, shown=again)[0].startswith("purged 3 contents")


def test_nothing_is_pruned_that_was_not_shown(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that has become old since stays."""
    config = Path(place.folder).parent / "config.toml"
    config.write_text("[retention]\nkeep_last = 1\nhourly = 0\ndaily = 0\nper_session = 1\n")
    monkeypatch.setenv("STEPWELL_CONFIG", str(config))
    line = understood("prune", place)
    shown = _looked(line, place)[1].shown
    assert shown is not None and len(shown) == 1
    with Workspace.open(place.folder, home=place.home) as ws:
        (Path(place.folder) / "soil.py").write_bytes(b"DEPTH = 3\n")
        ws.capture("deeper still")
    text, code = told(line, place, agreed=True, shown=shown)
    assert code == 4 and "nothing was dropped" in text
    again = _looked(line, place)[1].shown
    assert told(line, place, agreed=True, shown=again)[0].startswith("dropped  2 of 3 steps")


@pytest.mark.parametrize("keep", [1, 2])
def test_what_becomes_old_after_the_last_look_is_not_pruned(
    place: Place, monkeypatch: pytest.MonkeyPatch, keep: int
) -> None:
    """Neither together with what was shown, nor where nothing was to go."""
    config = Path(place.folder).parent / "config.toml"
    config.write_text(f"[retention]\nkeep_last = {keep}\nhourly = 0\ndaily = 0\nper_session = 1\n")
    monkeypatch.setenv("STEPWELL_CONFIG", str(config))
    line = understood("prune", place)
    shown = _looked(line, place)[1].shown
    assert shown is not None and len(shown) == 2 - keep
    plan = UpkeepVerbs.plan_prune

    def plan_and_capture(self: UpkeepVerbs, policy: Policy, **given: Any) -> Prune:
        planned = plan(self, policy, **given)
        with Workspace.open(place.folder, home=place.home) as other:
            (Path(place.folder) / "soil.py").write_bytes(b"DEPTH = 3\n")
            other.capture("deeper still")
        return planned

    monkeypatch.setattr(UpkeepVerbs, "plan_prune", plan_and_capture)
    assert told(line, place, agreed=True, shown=shown)[1] == 0
    with Workspace.open(place.folder, home=place.home) as ws:
        assert len(ws.steps(limit=9)) == 3 - len(shown)


def test_nothing_is_pushed_that_was_not_shown(place: Place, tmp_path: Path) -> None:
    """Neither what was recorded since, nor to another address; a new look shows it."""
    servers = [tmp_path / name for name in ("one.git", "two.git")]
    for server in servers:
        git("init", "--quiet", "--bare", server)
    with Workspace.open(place.folder, home=place.home) as ws:
        ws.add_remote("team", str(servers[0]))
        line = understood("push team", place)
        shown = _looked(line, place)[1].shown
        ws.mark(ws.head(), note="a secret that came to mind")
        refused = "nothing was pushed: more would go now than was shown"
        text, code = told(line, place, agreed=True, shown=shown)
        assert code == 4 and refused in text
        shown = _looked(line, place)[1].shown
        ws.remove_remote("team")
        ws.add_remote("team", str(servers[1]))
        text, code = told(line, place, agreed=True, shown=shown)
        assert code == 4 and refused in text
        assert not any(git("-C", server, "for-each-ref") for server in servers)
        again = _looked(line, place)[1].shown
    assert told(line, place, agreed=True, shown=again)[0].startswith("pushed 2 steps")


def test_state_that_would_go_is_listed_before_it_is_asked_for(place: Place) -> None:
    """And a snapshot that comes between stays."""
    (Path(place.folder) / "a.json").write_text("1")
    put = understood("state put a.json --session s -m first", place)
    assert told(put, place)[1] == 0
    line = understood("state delete --session s", place)
    said, looked = _looked(line, place)
    assert said[0] == "would delete 1 snapshot:" and "first" in said[1]
    assert told(put, place)[1] == 0
    text, code = told(line, place, agreed=True, shown=looked.shown)
    assert code == 4 and "nothing was deleted" in text
    assert _looked(line, place)[0][0] == "would delete 2 snapshots:"


def test_what_travels_is_planned_by_the_command_itself(place: Place) -> None:
    """With all its options; nothing changes by it."""
    line = understood("rollback @~1 --path soil.py", place)
    assert line.verb is not None and not line.is_whole
    with Workspace.open(place.folder, home=place.home) as ws:
        planned = line.verb.plan(ws)
        assert planned.plan.paths == (b"soil.py",)
    assert (Path(place.folder) / "soil.py").read_bytes() == b"DEPTH = 2\n"


def test_a_stopped_command_ends_at_its_next_word(place: Place) -> None:
    """As after Ctrl-C."""
    stop = Stop()
    stop.set()
    assert told(understood("log", place), place, stop) == ("", STOPPED)


def test_a_bisection_is_stopped_with_all_its_tries(place: Place, tmp_path: Path) -> None:
    """Its command is ended, and no scratch folder stays."""
    ready, stop = tmp_path / "ready", Stop()
    line = understood(f"bisect --good @~1 -- sh -c 'touch {ready}; exec sleep 600'", place)
    found: list[tuple[str, int]] = []
    thread = threading.Thread(target=lambda: found.append(told(line, place, stop)))
    thread.start()
    wait = threading.Event()
    while not ready.exists():
        assert thread.is_alive()
        wait.wait(0.01)
    stop.set()
    thread.join(30)
    assert found and found[0][1] == STOPPED


def test_tab_offers_what_may_follow() -> None:
    """From the parsers: commands, actions, options, and names by what an argument is called."""
    known = Known(("main", "try"), ("green",), ("slow",), ("pi:1",), ("cache",))
    assert set(names()) < set(offers((), known))
    assert offers(("help",), known) == names()
    assert {"create", "delete"} <= set(offers(("branch",), known))
    assert {"main", "try", "green", "@", "--path"} <= set(offers(("rollback",), known))
    assert offers(("log", "--session"), known) == ("pi:1",)
    assert offers(("capture", "--tag"), known) == ("slow",)
    assert "cache" in offers(("experiment", "show"), known)
    assert offers(("frobnicate",), known) == ()


@pytest.mark.parametrize("name", COMMANDS)
def test_offers_are_made_for_every_command(name: str) -> None:
    """Whatever its parser looks like; every one has --help."""
    assert "--help" in offers((name,), Known())
    assert loaded(name).name == name


def test_words_of_others_lead_to_ours(place: Place) -> None:
    """A person who types what another tool calls it is told."""
    with pytest.raises(StepwellError) as told_of:
        understood("tag x", place)
    assert "stepwell mark" in told_of.value.hint
