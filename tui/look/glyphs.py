"""The signs that the screens draw, as one-cell characters; an ASCII set for plain terminals."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of signs. Every sign is one cell wide in the terminals that we know."""

    bar: str
    step: str
    head: str
    open: str
    back: str
    safety: str
    gap: str
    pipe: str
    cross: str
    join_tee: str
    join_end: str
    fork_tee: str
    fork_end: str
    meet_right: str
    meet_left: str
    fork_start: str
    meet_through: str
    more: str
    rule: str
    branch: str
    label: str
    note: str
    ok: str
    failed: str
    ellipsis: str
    new: str
    arrow: str
    sparks: str
    column: str
    separator: str
    changed: str
    cut: str
    picked: str
    picked_bar: str
    open_folder: str
    base: str
    prompt: str
    folded: str
    tick: str
    heavy_pipe: str


UTF8 = Glyphs(
    bar="▌",
    step="●",
    head="◉",
    open="○",
    back="◆",
    safety="◇",
    gap="✕",
    pipe="│",
    cross="─",
    join_tee="┴",
    join_end="╯",
    fork_tee="┬",
    fork_end="╮",
    meet_right="┤",
    meet_left="├",
    fork_start="╭",
    meet_through="┼",
    more="»",
    rule="─",
    branch="↱",
    label="⚑",
    note="✎",
    ok="✓",
    failed="✗",
    ellipsis="…",
    new="▲",
    arrow="→",
    sparks=" ▁▂▃▄▅▆▇█",
    column="│",
    separator="·",
    changed="±",
    cut="›",
    picked="✓",
    picked_bar="┃",
    open_folder="▾",
    base="=",
    prompt="❯",
    folded="▸",
    tick="╺",
    heavy_pipe="┃",
)

ASCII = Glyphs(
    bar=">",
    step="*",
    head="@",
    open="o",
    back="#",
    safety="s",
    gap="x",
    pipe="|",
    cross="-",
    join_tee="^",
    join_end="'",
    fork_tee=".",
    fork_end=".",
    meet_right="|",
    meet_left="|",
    fork_start=".",
    meet_through="+",
    more=">",
    rule="-",
    branch="Y",
    label="!",
    note="+",
    ok="v",
    failed="x",
    ellipsis="~",
    new="^",
    arrow=">",
    sparks=" ..::!!##",
    column="|",
    separator=".",
    changed="~",
    cut=">",
    picked="x",
    picked_bar="*",
    open_folder="+",
    base="=",
    prompt=">",
    folded="+",
    tick="-",
    heavy_pipe="|",
)


_WRITTEN = str.maketrans({"…": "~", "“": '"', "”": '"', "→": ">", "←": "<", "↑": "^", "↓": "v"})


def written(text: str, glyphs: Glyphs) -> str:
    """Returns one of our own sentences with the signs that the set has."""
    return text if glyphs.ellipsis == "…" else text.translate(_WRITTEN)


def glyphs_for(encoding: str) -> Glyphs:
    """Returns the set that a terminal with this encoding can show."""
    return UTF8 if encoding.lower().replace("-", "") == "utf8" else ASCII
