"""The second half: a dead end with pickle, a rollback, another attempt with JSON, tidying."""

from __future__ import annotations

from stepwell.store.demo.acts import (
    Act,
    Delete,
    MarkNewest,
    Mode,
    Prompt,
    Rename,
    Replace,
    RollBack,
    edit,
    run,
    write,
)
from stepwell.store.demo.first_half import TESTS

DEAD_END: tuple[Act, ...] = (
    Prompt("Links are lost when the program ends. Save them to a file."),
    write(
        "hop/saving.py",
        '"""Links on disk."""\n\nimport pickle\n\n\n'
        "def save(links, path):\n"
        '    """Writes all links to a file."""\n'
        '    with open(path, "wb") as file:\n'
        "        pickle.dump(links, file)\n\n\n"
        "def load(path):\n"
        '    """Returns the links that were saved."""\n'
        '    with open(path, "rb") as file:\n'
        "        return pickle.load(file)\n",
    ),
    write(
        "tests/test_saving.py",
        "import tempfile\nimport unittest\nfrom pathlib import Path\n\n"
        "from hop import Links\nfrom hop.saving import load, save\n\n\n"
        "class Saving(unittest.TestCase):\n"
        "    def test_links_survive(self):\n"
        "        links = Links(clock=lambda: 1000.0)\n"
        '        links.add("https://example.org/", code="a", ttl=60)\n'
        "        with tempfile.TemporaryDirectory() as folder:\n"
        '            path = Path(folder, "links")\n'
        "            save(links, path)\n"
        '            self.assertEqual(load(path).get("a"), "https://example.org/")\n',
    ),
    TESTS,
    edit(
        "leave the clock out of the pickle",
        Replace(
            "hop/links.py",
            "    def __len__(self):\n",
            "    def __getstate__(self):\n"
            '        return {k: v for k, v in vars(self).items() if k != "_clock"}\n\n'
            "    def __len__(self):\n",
        ),
    ),
    TESTS,
    edit(
        "give a loaded Links the usual clock",
        Replace(
            "hop/links.py",
            "    def __len__(self):\n",
            "    def __setstate__(self, state):\n"
            "        self.__dict__.update(state, _clock=time.time)\n\n"
            "    def __len__(self):\n",
        ),
    ),
    TESTS,
    RollBack("visits"),
)

SECOND_ATTEMPT: tuple[Act, ...] = (
    Prompt(
        "Pickle was a dead end, so I went back to the checkpoint. Save plain JSON instead: only the "
        "data, and load(path, clock=...) brings its own clock."
    ),
    edit(
        "let others read the links",
        Replace(
            "hop/links.py",
            "    def add(self, url,",
            "    def __iter__(self):\n"
            '        """Yields (code, link) pairs, oldest first."""\n'
            "        return iter(self._links.items())\n\n"
            "    def add(self, url,",
        ),
    ),
    write(
        "hop/saving.py",
        '"""Links on disk, as JSON that a person can read."""\n\n'
        "import json\nimport os\nimport time\n\nfrom hop.links import Links\n\n\n"
        "def save(links, path):\n"
        '    """Writes all links to a file, in one piece or not at all."""\n'
        '    rows = [{"code": code, "url": link.url, "expires": link.expires} for code, link in links]\n'
        '    with open(f"{path}.new", "w", encoding="utf-8") as file:\n'
        "        json.dump(rows, file, indent=1)\n"
        '    os.replace(f"{path}.new", path)\n\n\n'
        "def load(path, clock=time.time):\n"
        '    """Returns the links that were saved; none when there is no file."""\n'
        "    links = Links(clock)\n"
        "    if not os.path.exists(path):\n"
        "        return links\n"
        '    with open(path, encoding="utf-8") as file:\n'
        "        for row in json.load(file):\n"
        '            links.add(row["url"], code=row["code"])\n'
        "    return links\n",
    ),
    write(
        "tests/test_saving.py",
        "import tempfile\nimport unittest\nfrom pathlib import Path\n\n"
        "from hop import Links, UnknownCode\nfrom hop.saving import load, save\n\n\n"
        "class Saving(unittest.TestCase):\n"
        "    def setUp(self):\n"
        "        self.now = 1000.0\n"
        "        folder = tempfile.TemporaryDirectory()\n"
        "        self.addCleanup(folder.cleanup)\n"
        '        self.path = Path(folder.name, "links.json")\n'
        "        links = Links(self.clock)\n"
        '        links.add("https://example.org/", code="a", ttl=60)\n'
        "        save(links, self.path)\n\n"
        "    def clock(self):\n"
        "        return self.now\n\n"
        "    def test_links_survive(self):\n"
        '        self.assertEqual(load(self.path, self.clock).get("a"), "https://example.org/")\n\n'
        "    def test_an_expiry_survives_too(self):\n"
        "        self.now += 60\n"
        "        with self.assertRaises(UnknownCode):\n"
        '            load(self.path, self.clock).get("a")\n\n'
        "    def test_no_file_means_no_links(self):\n"
        '        self.assertEqual(len(load("missing.json")), 0)\n',
    ),
    TESTS,
    edit(
        "load the expiry as well",
        Replace(
            "hop/links.py",
            "    def add(self, url,",
            "    def put(self, code, link):\n"
            '        """Adds a link as it is, for example one that was saved."""\n'
            "        self._links[code] = link\n\n"
            "    def add(self, url,",
        ),
        Replace(
            "hop/saving.py", "from hop.links import Links\n", "from hop.links import Link, Links\n"
        ),
        Replace(
            "hop/saving.py",
            '            links.add(row["url"], code=row["code"])\n',
            '            links.put(row["code"], Link(row["url"], row["expires"]))\n',
        ),
    ),
    TESTS,
    edit(
        "use the file on the command line",
        Replace(
            "hop/__main__.py",
            "from hop.cli import main\n",
            "from hop.cli import main\nfrom hop.saving import load, save\n",
        ),
        Replace(
            "hop/__main__.py",
            "sys.exit(main(sys.argv[1:]))\n",
            'links = load("links.json")\n'
            "status = main(sys.argv[1:], links)\n"
            'save(links, "links.json")\n'
            "sys.exit(status)\n",
        ),
    ),
    run("python3 -m hop add https://example.org/a/long/address"),
    run("python3 -m hop get 0"),
    run("python3 -m hop get 1"),
    TESTS,
    MarkNewest("saving", "Links survive a restart; the file is JSON.", ("tests-pass", "release")),
)

TIDYING: tuple[Act, ...] = (
    Prompt(
        "Tidy up: codes.py should be called alphabet.py, notes.txt is done, links.json does not "
        "belong to the project, and scripts/check cannot be run."
    ),
    edit("rename codes.py to alphabet.py", Rename("hop/codes.py", "hop/alphabet.py")),
    TESTS,
    edit(
        "follow the new name",
        Replace("hop/links.py", "from hop.codes import", "from hop.alphabet import"),
        Replace("tests/test_codes.py", "from hop.codes import", "from hop.alphabet import"),
    ),
    TESTS,
    edit("delete notes.txt", Delete("notes.txt")),
    edit(
        "ignore links.json",
        Delete("links.json"),
        Replace(".gitignore", "__pycache__/\n", "__pycache__/\nlinks.json\n"),
    ),
    run("scripts/check"),
    edit("make scripts/check executable", Mode("scripts/check", 0o755)),
    run("scripts/check"),
)
