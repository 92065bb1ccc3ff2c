"""Every screen in a real terminal over hostile content: no control sequence but the program's own."""

from __future__ import annotations

import base64
import re
from functools import partial
from pathlib import Path

import pytest
from support.terminal import Terminal, timeline
from support.wicked import ACTING, MEGABYTE, PLANTED, SHOWN, WORD, workspace

_STYLE = r"(?:[0-4]|7|9|2[2-9]|3[0-79]|4[0-79]|9[0-7]|10[0-7]|[34]8;[25](?:;\d{1,3}){1,3})"
OWN = re.compile(
    rf"\r\n|\x1b\[(?:{_STYLE}(?:;{_STYLE})*)?m"  # colours
    r"|\x1b\[\d+;\d+H"  # where what follows is drawn
    r"|\x1b\[\?(?:7|25|1000|1003|1004|1006|1015|1016|1049|2004|2026|2048)[hl]"  # modes
    r"|\x1b\[\?(?:2026|2048)\$p|\x1b\[[<>]\d*u"  # what the terminal can do; keys
    r"|\x1b\]22;(?:default|pointer|text)\x07"  # the mouse's shape
    r"|\x1b\]52;c;[A-Za-z0-9+/=]*\x07"  # what was copied
)
COPIED = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")

SCREENS = (
    ("k j", "1 Timeline", f"ran {SHOWN}", "Diff #9"),
    ("3 s w", "[ hunk", SHOWN),
    ("z", SHOWN, "-1 Timeline"),
    ("z 2 `", "2 Files", "line"),
    ("1 j j", "Diff #7", "state:"),
    ("G k r", "Put ", "Changes", WORD),
    ("esc", "-Put "),
    ("O", "O Operations", SHOWN),
    ("esc", "1 Timeline"),
    ("b", "b Branches", SHOWN),
    ("esc", "1 Timeline"),
    ("s", "s Sessions", SHOWN),
    ("esc", "1 Timeline"),
    ("S w i c k e d", "S Everything", "diff ", "note ", SHOWN),
    ("esc", "1 Timeline"),
    ("E", "E Experiments", "verdict", SHOWN),
    ("v", "the end of what its check said", SHOWN),
    ("esc", "1 Timeline"),
    ("V", "V Rules", f"failed: tests/{WORD}"),
    ("esc", "1 Timeline"),
    ("I", "I Figures"),
    ("esc", "1 Timeline"),
    ("g j j a", "ctrl+s"),
    ("esc", "-ctrl+s"),
    ("t", "label:NAME"),
    ("esc", "-label:NAME"),
    (": l o g enter", ": Commands", "-esc stops it", SHOWN),
    ("esc", "1 Timeline"),
    ("b", "b Branches", "-reading", "theirs"),
    ("g M", "Merge branch", SHOWN),
    ("A y", "M Conflicts", SHOWN),
    ("esc", "1 Timeline"),
)
"""What is pressed, and what is on the screen then; after `-`, what is not any more."""

WALK = (
    *SCREENS[:3],
    ("L L H H w s", SHOWN),
    ("} ] ) ( W", "without white space"),
    ("W", "-without white space"),
    ("y", "the hunk's code"),
    ("p", "copied the patch"),
    ("z", "1 Timeline"),
    ("2 G", "2 Files", "line"),
    ("`", "2 Files", "line"),
    ("z z", "1 Timeline"),
    ("1 g j j", "Diff #9"),
    *[("j", f"Diff #{seq}") for seq in range(8, 0, -1)],
    ("g j j j j", "state:"),
    ("j", "state:"),
    ("j", f"said {SHOWN}"),
    ("3 j L G", "Diff #5"),
    ("1 G k r", "Put ", "Changes", WORD),
    ("tab space A o", "Take back only"),
    ("esc", "-Take back only"),
    ("u", "Undo: ", "Changes"),
    ("esc", "-Undo: "),
    ("G k space k k space c", "Diff #2", "✓ capture theirs"),
    ("esc", "-Diff #2"),
    ("esc", "-✓ capture theirs"),
    *SCREENS[7:11],
    ("s", "s Sessions", "claude:1"),
    ("j j enter", "session:me", "Diff #8"),
    ("esc", "1 Timeline"),
    ("S w i c k e d", "S Everything", "diff ", "note ", SHOWN),
    ("enter", "1 Timeline", SHOWN),
    *SCREENS[15:17],
    ("t", "accepted"),
    ("esc", "-accepted"),
    ("a", "ctrl+s"),
    ("esc", "-ctrl+s"),
    ("esc", "1 Timeline"),
    *SCREENS[18:22],
    ("?", "type to search keys"),
    ("esc", "-type to search keys"),
    ("1 g j j a", "ctrl+s"),
    ("w ctrl+s", "noted on #9"),
    *SCREENS[24:26],
    (": l o g enter", ": Commands", "-esc stops it", SHOWN),
    ("d i f f enter", "-esc stops it", "1 file changed", SHOWN),
    ("s e s s i o n s enter", "-esc stops it", "claude:1", SHOWN),
    ("s h o w space # 9 enter", "-esc stops it", "note", SHOWN),
    ("s t a t u s \x1b[200~\x1b]0;wicked\u202e\x1b[201~ enter", "is no command"),
    ("esc", "1 Timeline"),
    ("/ w i c k e d enter", SHOWN),
    ("esc", "1 Timeline"),
    ("f w i c k e d enter", "filter", SHOWN),
    ("esc", "1 Timeline"),
    *SCREENS[28:31],
    ("j J ] [", "M Conflicts", SHOWN),
    ("esc", "1 Timeline"),
)
"""The same screens, and what can be done on them."""


def foreign(written: bytes) -> list[str]:
    """Returns, with what stands around, the control signs that are not the program's own."""
    text = OWN.sub("", written.decode("utf-8"))
    return [repr(text[max(0, m.start() - 30) : m.end() + 30]) for m in ACTING.finditer(text)]


def walk(screen: Terminal, stops: tuple[tuple[str, ...], ...], rest_s: float) -> None:
    """Goes through screens; each is there whole, and nothing more was drawn for so long, before the next key."""
    for keys, *wanted in stops:
        screen.press(*keys.split(" "))
        is_there = partial(hold, screen, wanted)
        while True:
            screen.until(is_there)
            rest(screen, rest_s)
            # A frame comes in parts: what was wanted may have been left of the screen before.
            if is_there():
                break


def rest(screen: Terminal, patience_s: float) -> None:
    """Takes all that is drawn until nothing was for so long."""
    while screen.read(patience_s):
        pass


def hold(screen: Terminal, parts: list[str]) -> bool:
    """Tells whether a screen has all that is wanted of it."""
    return all(
        (part[1:] not in screen.text) if part[0] == "-" else part in screen.text for part in parts
    )


@pytest.mark.parametrize(
    ("stops", "size", "files", "line"),
    [
        (SCREENS, (130, 40), 20, 2_000),
        pytest.param(WALK, (130, 40), 60, 2_000, marks=pytest.mark.long),
        pytest.param(WALK, (170, 45), 10_000, MEGABYTE, marks=pytest.mark.long),
        pytest.param(SCREENS, (80, 24), 10_000, MEGABYTE, marks=pytest.mark.long),
    ],
)
def test_only_our_own_control_sequences_come_out_of_any_screen(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stops: tuple[tuple[str, ...], ...],
    size: tuple[int, int],
    files: int,
    line: int,
) -> None:
    """Hostile names, contents, titles, notes, sessions and outputs are drawn, and only as text."""
    config = str(tmp_path / "config.toml")
    monkeypatch.setenv("STEPWELL_CONFIG", config)
    root, home = workspace(tmp_path, files, line=line)
    with timeline(root, home, size, STEPWELL_CONFIG=config, ESCDELAY="10") as screen:
        walk(screen, stops, 0.05 if stops is SCREENS else 0.12)
        assert screen.leave("q") == 0
    assert foreign(screen.written) == []
    copied = [base64.b64decode(found).decode() for found in COPIED.findall(screen.written)]
    assert [text.startswith("--- ") for text in copied] == [True] * (stops is WALK)
    assert [ACTING.findall(text.replace("\t", "")) for text in copied] == [[]] * len(copied)


@pytest.mark.parametrize("planted", [PLANTED, "\x9b5m", "\x1b[5m", "\x1b]0;x\x07", "\u202e", "\r"])
def test_a_sequence_that_is_not_ours_is_found(planted: str) -> None:
    """Else the test above could not fail."""
    assert foreign(f"\x1b[1;38;2;1;2;3mx{planted}\x1b[0m".encode())
