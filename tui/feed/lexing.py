"""Source text to coloured spans: the only module that imports Pygments.

A text is lexed as a whole, because a line inside a long string or comment cannot be understood on
its own; but in slices, so that the thread that lexes never holds the interpreter for long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from stepwell.tui.model.colours import ColourSpan, ColourSpans

SLICE = 32
"""Lines a slice."""

_BY_SUFFIX = {
    "py": "python", "pyi": "python", "pyw": "python", "js": "javascript", "mjs": "javascript",
    "cjs": "javascript", "jsx": "jsx", "ts": "typescript", "mts": "typescript", "cts": "typescript",
    "tsx": "tsx", "json": "json", "jsonl": "json", "webmanifest": "json", "rs": "rust", "go": "go",
    "c": "c", "h": "c", "cc": "cpp", "cpp": "cpp", "cxx": "cpp", "hpp": "cpp", "hh": "cpp",
    "cs": "csharp", "java": "java", "kt": "kotlin", "kts": "kotlin", "scala": "scala",
    "swift": "swift", "m": "objective-c", "rb": "ruby", "php": "php", "pl": "perl", "pm": "perl",
    "lua": "lua", "sh": "bash", "bash": "bash", "zsh": "zsh", "fish": "fish", "ps1": "powershell",
    "html": "html", "htm": "html", "xml": "xml", "svg": "xml", "css": "css", "scss": "scss",
    "less": "less", "vue": "vue", "md": "markdown", "markdown": "markdown", "rst": "rst",
    "tex": "latex", "yaml": "yaml", "yml": "yaml", "toml": "toml", "ini": "ini", "cfg": "ini",
    "conf": "ini", "sql": "sql", "ex": "elixir", "exs": "elixir", "erl": "erlang",
    "hs": "haskell", "ml": "ocaml", "clj": "clojure", "r": "r", "jl": "julia", "dart": "dart",
    "zig": "zig", "nix": "nix", "tf": "terraform", "proto": "protobuf", "graphql": "graphql",
    "cmake": "cmake", "diff": "diff", "patch": "diff", "tcss": "css", "mk": "make",
    "gradle": "groovy", "groovy": "groovy", "dockerfile": "docker", "el": "emacs-lisp",
    "vim": "vim", "asm": "nasm", "s": "gas", "po": "po",
}  # fmt: skip
_BY_NAME = {
    "makefile": "make", "gnumakefile": "make", "dockerfile": "docker", "cmakelists.txt": "cmake",
    "gemfile": "ruby", "rakefile": "ruby", "jenkinsfile": "groovy", ".bashrc": "bash",
    ".zshrc": "zsh", ".profile": "bash", ".gitconfig": "ini", ".editorconfig": "ini",
}  # fmt: skip
_BY_FIRST_LINE = re.compile(r"#!.*\b(python|bash|sh|zsh|node|ruby|perl|fish)")
_INTERPRETERS = {"sh": "bash", "node": "javascript"}

# Longest prefix of a token type's name wins.
_ROLES = {
    "Comment": "comment", "Comment.Preproc": "decorator", "Comment.PreprocFile": "string",
    "Keyword": "keyword", "Keyword.Type": "type", "Keyword.Constant": "number",
    "Name.Function": "function", "Name.Class": "type", "Name.Exception": "type",
    "Name.Builtin": "builtin", "Name.Decorator": "decorator", "Name.Tag": "tag",
    "Name.Attribute": "attribute", "Name.Namespace": "name", "Name.Constant": "number",
    "Literal.String": "string", "Literal.String.Doc": "doc", "Literal.String.Escape": "escape",
    "Literal.String.Interpol": "escape", "Literal.Number": "number", "Literal": "number",
    "Operator": "operator", "Operator.Word": "keyword", "Punctuation": "operator",
    "Generic.Heading": "heading", "Generic.Subheading": "heading", "Generic.Emph": "doc",
    "Generic.Strong": "heading", "Generic.Inserted": "string", "Generic.Deleted": "error",
}  # fmt: skip


def language_of(path: bytes, first_line: str = "") -> str | None:
    """Returns the name of the language of a file, None when it is shown plain."""
    name = path.rpartition(b"/")[2].decode("utf-8", "replace").lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    suffix = name.rpartition(".")[2] if "." in name else ""
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    match = _BY_FIRST_LINE.match(first_line)
    return _INTERPRETERS.get(match[1], match[1]) if match else None


def coloured(language: str, lines: Sequence[str]) -> Iterator[list[ColourSpans]]:
    """Yields the spans of the lines, at most `SLICE` lines at a time, in order, all of them.

    `lines` are as shown (`line_text`), so that the spans address what is drawn.
    """
    done: list[ColourSpans] = []
    for spans in _by_line(language, lines):
        done.append(spans)
        if len(done) == SLICE:
            yield done
            done = []
    if done:
        yield done


def _by_line(language: str, lines: Sequence[str]) -> Iterator[ColourSpans]:
    spans: list[ColourSpan] = []
    column = count = 0
    for _, kind, value in _lexer(language).get_tokens_unprocessed("\n".join(lines) + "\n"):
        role = _role(kind)
        for part in value.splitlines(keepends=True) if "\n" in value else (value,):
            text = part.rstrip("\n")
            if role and text.strip():
                spans.append((column, column + len(text), role))
            column += len(text)
            if part.endswith("\n"):
                yield tuple(spans)
                spans, column, count = [], 0, count + 1
    # A lexer may swallow the last line feed.
    for _ in range(len(lines) - count):
        yield tuple(spans)
        spans = []


@lru_cache(maxsize=32)
def _lexer(language: str) -> Any:
    # Loads the one lexer module that is needed; a look-up by file name would load many.
    from pygments.lexers import get_lexer_by_name

    return get_lexer_by_name(language)  # type: ignore[no-untyped-call]


@lru_cache(maxsize=512)
def _role(kind: Any) -> str | None:
    names = list(kind)
    for length in range(len(names), 0, -1):
        role = _ROLES.get(".".join(names[:length]))
        if role:
            return role
    return None
