"""The session's first half: expiry, chosen codes, visits. Each turn ends with passing tests."""

from __future__ import annotations

from stepwell.store.demo.acts import (
    Act,
    MarkNewest,
    Outside,
    Prompt,
    Replace,
    edit,
    run,
    write,
)

TESTS = run("python3 -m unittest")

EXPIRY: tuple[Act, ...] = (
    Prompt(
        "Links should be able to expire: Links.add(url, ttl=seconds), and an expired link is as "
        "good as unknown. Run the tests before you start."
    ),
    TESTS,
    edit(
        "keep an expiry beside each address",
        Replace(
            "hop/links.py",
            "from hop.codes import encode\n",
            "from dataclasses import dataclass\n\nfrom hop.codes import encode\n",
        ),
        Replace(
            "hop/links.py",
            "class Links:\n",
            "@dataclass\n"
            "class Link:\n"
            '    """An address, and when it stops working (None: never)."""\n\n'
            "    url: str\n"
            "    expires: float | None = None\n\n\n"
            "class Links:\n",
        ),
        Replace("hop/links.py", "self._urls = {}", "self._links = {}"),
        Replace("hop/links.py", "return len(self._urls)", "return len(self._links)"),
        Replace("hop/links.py", "encode(len(self._urls))", "encode(len(self._links))"),
        Replace("hop/links.py", "self._urls[code] = url", "self._links[code] = Link(url)"),
        Replace("hop/links.py", "return self._urls[code]", "return self._links[code]"),
    ),
    TESTS,
    edit(
        "return the address, not the link",
        Replace("hop/links.py", "return self._links[code]", "return self._links[code].url"),
    ),
    TESTS,
    edit(
        "take a time to live",
        Replace("hop/links.py", "from dataclasses", "import time\nfrom dataclasses"),
        Replace(
            "hop/links.py",
            "    def __init__(self):\n",
            "    def __init__(self, clock=time.time):\n        self._clock = clock\n",
        ),
        Replace(
            "hop/links.py",
            '    def add(self, url):\n        """Shortens an address and returns its code."""\n',
            "    def add(self, url, ttl=None):\n"
            '        """Shortens an address, for `ttl` seconds or for ever; returns its code."""\n',
        ),
        Replace(
            "hop/links.py",
            "        self._links[code] = Link(url)\n",
            "        expires = None if ttl is None else self._clock() + ttl\n"
            "        self._links[code] = Link(url, expires)\n",
        ),
    ),
    edit(
        "treat an expired link as unknown",
        Replace(
            "hop/links.py",
            "        try:\n"
            "            return self._links[code].url\n"
            "        except KeyError:\n"
            "            raise UnknownCode(code) from None\n",
            "        link = self._links.get(code)\n"
            "        if link is None or self._is_expired(link):\n"
            "            raise UnknownCode(code)\n"
            "        return link.url\n\n"
            "    def _is_expired(self, link):\n"
            "        return link.expires is not None and link.expires < self._clock()\n",
        ),
    ),
    write(
        "tests/test_expiry.py",
        "import unittest\n\nfrom hop import Links, UnknownCode\n\n\n"
        "class Expiry(unittest.TestCase):\n"
        "    def setUp(self):\n"
        "        self.now = 1000.0\n"
        "        self.links = Links(clock=lambda: self.now)\n\n"
        "    def test_works_until_then(self):\n"
        '        code = self.links.add("https://example.org/", ttl=60)\n'
        "        self.now += 59.9\n"
        '        self.assertEqual(self.links.get(code), "https://example.org/")\n\n'
        "    def test_unknown_from_the_very_second(self):\n"
        '        code = self.links.add("https://example.org/", ttl=60)\n'
        "        self.now += 60\n"
        "        with self.assertRaises(UnknownCode):\n"
        "            self.links.get(code)\n\n"
        "    def test_without_a_time_it_works_for_ever(self):\n"
        '        code = self.links.add("https://example.org/")\n'
        "        self.now += 10**9\n"
        '        self.assertEqual(self.links.get(code), "https://example.org/")\n',
    ),
    TESTS,
    edit(
        "let a link end at the very second",
        Replace("hop/links.py", "link.expires < self._clock()", "link.expires <= self._clock()"),
    ),
    TESTS,
    MarkNewest("expiry", "Expiry works, also at the very second.", ("tests-pass",)),
)

CHOSEN_CODES: tuple[Act, ...] = (
    Prompt("People want to choose their own codes. A taken one must be refused, not replaced."),
    edit(
        "accept a chosen code",
        Replace(
            "hop/links.py",
            "def add(self, url, ttl=None):",
            "def add(self, url, ttl=None, code=None):",
        ),
        Replace(
            "hop/links.py",
            "        code = encode(len(self._links))\n",
            "        code = code or encode(len(self._links))\n",
        ),
    ),
    write(
        "tests/test_chosen_codes.py",
        "import unittest\n\nfrom hop.links import Links, TakenCode\n\n\n"
        "class ChosenCodes(unittest.TestCase):\n"
        "    def setUp(self):\n"
        "        self.links = Links()\n\n"
        "    def test_a_chosen_code_is_used(self):\n"
        '        self.assertEqual(self.links.add("https://a.example/", code="a"), "a")\n\n'
        "    def test_a_taken_code_is_refused(self):\n"
        '        self.links.add("https://a.example/", code="a")\n'
        "        with self.assertRaises(TakenCode):\n"
        '            self.links.add("https://b.example/", code="a")\n'
        '        self.assertEqual(self.links.get("a"), "https://a.example/")\n\n'
        "    def test_an_automatic_code_never_hides_a_chosen_one(self):\n"
        '        self.links.add("https://a.example/", code="1")\n'
        '        self.links.add("https://b.example/")\n'
        '        self.assertEqual(self.links.get("1"), "https://a.example/")\n',
    ),
    TESTS,
    edit(
        "refuse a taken code",
        Replace(
            "hop/links.py",
            "@dataclass\n",
            'class TakenCode(ValueError):\n    """Another link has that code."""\n\n\n@dataclass\n',
        ),
        Replace(
            "hop/links.py",
            "        expires = None if ttl",
            "        if code in self._links:\n"
            "            raise TakenCode(code)\n"
            "        expires = None if ttl",
        ),
    ),
    TESTS,
    edit(
        "skip codes that are in use",
        Replace(
            "hop/links.py",
            "code = code or encode(len(self._links))",
            "code = code or self._free_code()",
        ),
        Replace(
            "hop/links.py",
            "    def _is_expired(self, link):\n",
            "    def _free_code(self):\n"
            "        codes = map(encode, count(len(self._links)))\n"
            "        return next(code for code in codes if code not in self._links)\n\n"
            "    def _is_expired(self, link):\n",
        ),
        Replace(
            "hop/links.py",
            "from dataclasses import dataclass\n",
            "from dataclasses import dataclass\nfrom itertools import count\n",
        ),
    ),
    TESTS,
    edit(
        "export TakenCode",
        Replace(
            "hop/__init__.py",
            'from hop.links import Links, UnknownCode\n\n__all__ = ["Links", "UnknownCode"]',
            'from hop.links import Links, TakenCode, UnknownCode\n\n__all__ = ["Links", "TakenCode", "UnknownCode"]',
        ),
        Replace("tests/test_chosen_codes.py", "from hop.links import", "from hop import"),
    ),
    TESTS,
    Outside(
        "README: say that links can expire",
        (
            Replace(
                "README.md",
                "A tiny link shortener.\n",
                "A tiny link shortener. Links can expire.\n",
            ),
        ),
    ),
)

VISITS: tuple[Act, ...] = (
    Prompt("Count the visits of each link, and show the busiest: hop top."),
    write(
        "hop/visits.py",
        '"""How often each link was followed."""\n\n'
        "from collections import Counter\n\n\n"
        "class Visits:\n"
        '    """Counts by code."""\n\n'
        "    def __init__(self):\n"
        "        self._counts = Counter()\n\n"
        "    def count(self, code):\n"
        '        """Notes one visit."""\n'
        "        self._counts[code] += 1\n\n"
        "    def top(self, limit=10):\n"
        '        """Returns (code, visits) pairs, the busiest first, then by code."""\n'
        "        return self._counts.most_common(limit)\n",
    ),
    edit(
        "count a visit at every get",
        Replace(
            "hop/links.py",
            "from hop.codes import encode\n",
            "from hop.codes import encode\nfrom hop.visits import Visits\n",
        ),
        Replace(
            "hop/links.py",
            "        self._links = {}\n",
            "        self._links = {}\n        self.visits = Visits()\n",
        ),
        Replace(
            "hop/links.py",
            "        return link.url\n",
            "        self.visits.count(code)\n        return link.url\n",
        ),
    ),
    write(
        "tests/test_visits.py",
        "import unittest\n\nfrom hop import Links\n\n\n"
        "class Visits(unittest.TestCase):\n"
        "    def test_the_busiest_come_first_then_by_code(self):\n"
        "        links = Links()\n"
        '        for code in ("b", "a", "c"):\n'
        '            links.add("https://example.org/", code=code)\n'
        '        for code in ("c", "b", "a", "c"):\n'
        "            links.get(code)\n"
        '        self.assertEqual(links.visits.top(), [("c", 2), ("a", 1), ("b", 1)])\n',
    ),
    TESTS,
    edit(
        "order equal counts by code",
        Replace(
            "hop/visits.py",
            "        return self._counts.most_common(limit)\n",
            "        busiest = sorted(self._counts.items(), key=lambda pair: (-pair[1], pair[0]))\n"
            "        return busiest[:limit]\n",
        ),
    ),
    TESTS,
    edit(
        "add the command: hop top",
        Replace(
            "hop/cli.py",
            '"""hop add ADDRESS | hop get CODE"""',
            '"""hop add ADDRESS | hop get CODE | hop top"""',
        ),
        Replace(
            "hop/cli.py",
            "        case _:\n",
            '        case ["top"]:\n'
            "            for code, visits in links.visits.top():\n"
            '                say(f"{visits:6} {code}")\n'
            "        case _:\n",
        ),
    ),
    run("python3 -m hop top"),
    MarkNewest(
        "visits", "Counting works. Next: links are lost when the program ends.", ("tests-pass",)
    ),
)
