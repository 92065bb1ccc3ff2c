"""The demo's project before the session: Hop, a tiny link shortener with tests."""

from __future__ import annotations

README = """\
# Hop

A tiny link shortener.

    python3 -m hop add https://example.org/a/long/address
    python3 -m hop get 0
"""

NOTES = """\
- expiry?
- people want to choose their codes
- links are lost when the program ends
"""

PACKAGE = '''\
"""Hop: a tiny link shortener."""

from hop.links import Links, UnknownCode

__all__ = ["Links", "UnknownCode"]
'''

CODES = '''\
"""Short codes for numbers: 0 is "0", 61 is "Z", 62 is "10"."""

ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def encode(number):
    """Returns the code of a number."""
    code = ""
    while True:
        number, digit = divmod(number, len(ALPHABET))
        code = ALPHABET[digit] + code
        if number == 0:
            return code


def decode(code):
    """Returns the number behind a code."""
    number = 0
    for char in code:
        number = number * len(ALPHABET) + ALPHABET.index(char)
    return number
'''

LINKS = '''\
"""The links themselves: which code leads to which address."""

from hop.codes import encode


class UnknownCode(KeyError):
    """No link has that code."""


class Links:
    """Links in memory, oldest first."""

    def __init__(self):
        self._urls = {}

    def __len__(self):
        return len(self._urls)

    def add(self, url):
        """Shortens an address and returns its code."""
        code = encode(len(self._urls))
        self._urls[code] = url
        return code

    def get(self, code):
        """Returns the address behind a code."""
        try:
            return self._urls[code]
        except KeyError:
            raise UnknownCode(code) from None
'''

CLI = '''\
"""hop add ADDRESS | hop get CODE"""

from hop.links import Links, UnknownCode


def main(words, links=None, say=print):
    """Runs one command and returns the exit code."""
    links = Links() if links is None else links
    match words:
        case ["add", url]:
            say(links.add(url))
        case ["get", code]:
            try:
                say(links.get(code))
            except UnknownCode:
                say(f"unknown code: {code}")
                return 1
        case _:
            say(__doc__)
            return 2
    return 0
'''

MAIN = '''\
"""Runs the command line: python3 -m hop."""

import sys

from hop.cli import main

sys.exit(main(sys.argv[1:]))
'''

TEST_CODES = """\
import unittest

from hop.codes import decode, encode


class Codes(unittest.TestCase):
    def test_known_codes(self):
        self.assertEqual([encode(n) for n in (0, 61, 62)], ["0", "Z", "10"])

    def test_there_and_back(self):
        for number in range(0, 10_000, 37):
            self.assertEqual(decode(encode(number)), number)
"""

TEST_LINKS = """\
import unittest

from hop import Links, UnknownCode


class Adding(unittest.TestCase):
    def test_a_link_leads_to_its_address(self):
        links = Links()
        code = links.add("https://example.org/")
        self.assertEqual(links.get(code), "https://example.org/")

    def test_an_unknown_code_is_an_error(self):
        with self.assertRaises(UnknownCode):
            Links().get("nope")

    def test_codes_differ(self):
        links = Links()
        codes = {links.add("https://example.org/") for _ in range(100)}
        self.assertEqual(len(codes), len(links))
"""

CHECK = """\
#!/bin/sh
# All tests, quietly.
cd "$(dirname "$0")/.." && exec python3 -m unittest -q
"""

FILES = {
    ".gitignore": "__pycache__/\n",
    "README.md": README,
    "notes.txt": NOTES,
    "hop/__init__.py": PACKAGE,
    "hop/__main__.py": MAIN,
    "hop/cli.py": CLI,
    "hop/codes.py": CODES,
    "hop/links.py": LINKS,
    "scripts/check": CHECK,
    "tests/__init__.py": "",
    "tests/test_codes.py": TEST_CODES,
    "tests/test_links.py": TEST_LINKS,
}
"""Path -> text."""
