"""Documents: every command in them exists, every figure is the card's, every file they name is there."""

import re
import shlex
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image
from streamlit.config import get_config_options

from benchmarks import first_light
from live.engine import FIRST
from tests.house.test_words import OURS
from tools import checkpoint_table
from tools.screenshots import FOLDER, README_SHOTS, README_SIZE
from vae import data
from vae.cli import _parser, main

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "checkpoints/README.md", "benchmarks/first_light.md")

PROGRAMS = r"(?:python3?|pip|streamlit|pytest|bash|wsl)"
ELSEWHERE = {"wsl", "source"}  # Windows' own, and the shell's
PLACEHOLDERS = re.compile(r"\.\.\.|\bNAME\b|\|")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def prose(page: str) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page, flags=re.DOTALL | re.MULTILINE)


def commands(page: str) -> list[str]:
    """Every command in a page: the lines of its sh blocks, and what stands in backquotes and begins with a program."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    return lines + re.findall(rf"`({PROGRAMS} [^`]*)`", prose(page))


def fault(command: str) -> str | None:
    """What is wrong with a command, as far as can be told without running it; None for nothing."""
    words = shlex.split(command)
    program, rest = words[0], words[1:]
    if program in ELSEWHERE or words == ["pytest"]:
        return None
    if program in ("python", "python3") and rest[0] == "-m":
        return module_fault(rest[1], rest[2:])
    if program == "pip" and rest[0] == "install":
        return install_fault(rest[1:])
    if program == "streamlit" and rest[0] == "run":
        options = {word.removeprefix("--") for word in rest if word.startswith("--")}
        unknown = options - set(get_config_options())
        return f"streamlit knows no {unknown}" if unknown else missing(rest[1])
    if program == "bash":
        return missing(rest[0])
    return f"nobody here knows {program}"


def module_fault(module: str, words: list[str]) -> str | None:
    if find_spec(module) is None:
        return f"there is no module {module}"
    if module != "vae" or not words:
        return None
    if PLACEHOLDERS.search(" ".join(words)):  # an outline: only its verb is a promise
        words = [words[0], "--help"]
    try:
        arguments = _parser().parse_args(words)
    except SystemExit as done:  # --help
        return None if not done.code else "its verb is unknown"
    except Exception as error:
        return str(error)
    name = getattr(arguments, "data", None) or getattr(arguments, "name", None)
    if name and name not in data.NAMES and not name.startswith(("folder:", "table:")):
        return f"there is no data set {name}"
    return None


def install_fault(words: list[str]) -> str | None:
    if words[0] == "-r":
        return missing(words[1])
    pins = read("requirements.txt").splitlines()
    return None if words[0] in pins else f"{words[0]} is not what requirements.txt asks for"


def missing(name: str) -> str | None:
    return None if (ROOT / name).exists() else f"{name} is not there"


# ---- commands ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_in_a_document_exists(name: str) -> None:
    parts = [part.strip() for command in commands(read(name)) for part in command.split("&&")]
    assert {part: fault(part) for part in parts if fault(part)} == {}


@pytest.mark.parametrize(
    "command",
    [
        "streamlit run main.py",
        "streamlit run app.py --server.adress 0.0.0.0",
        "pip install -r requirements-prod.txt",
        "pip install torch==1.0.0",
        "python -m tools.nothing",
        "python -m vae dream",
        "python -m vae train --data cats --model mlp",
        "python -m vae train --data digits --layers 3",
        "bash .ci/go",
        "make everything",
    ],
)
def test_a_command_that_does_not_exist_is_seen(command: str) -> None:
    assert fault(command)


def test_commands_are_found_where_they_stand() -> None:
    page = "See `python -m a` and `a = 1`.\n```sh\npip install x && y\n```\n```\npython -m tree\n```\n"
    assert commands(page) == ["pip install x && y", "python -m a"]


def test_the_readme_has_its_two_commands_word_for_word() -> None:
    found = commands(read("README.md"))
    assert "pip install -r requirements.txt && streamlit run app.py" in found
    assert "pip install -r requirements-dev.txt && pytest" in found


def test_the_readmes_quick_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """List, train and encode as written there; the others leave this machine or compile for a minute."""
    monkeypatch.chdir(tmp_path)
    prefix = "python -m vae "
    quick = [c for c in commands(read("README.md")) if re.match(rf"{prefix}(data list|train --data digits|encode)", c)]
    assert len(quick) == 3
    for command in quick:
        assert main(shlex.split(command.removeprefix(prefix))) == 0, command
    assert {"config.json", "encodings.safetensors"} <= {path.name for path in (tmp_path / "my-digits").iterdir()}


# ---- figures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", checkpoint_table.PAGES)
def test_the_tables_are_what_the_cards_say(name: str) -> None:
    page = read(name)
    wanted = checkpoint_table.put(page, checkpoint_table.PAGES[name](ROOT / "checkpoints"))
    assert page == wanted, f"run: {checkpoint_table.COMMAND}"


def test_the_models_that_ship_stand_in_the_tables_in_the_pickers_order() -> None:
    found = checkpoint_table.models(ROOT / "checkpoints")
    assert tuple(folder.name for folder, *_ in found) == FIRST
    for folder, _, card, _ in found:
        assert (card["figures"]["elbo"] is None) == (card["effective_beta"] is None)  # a plain autoencoder
        assert "--out checkpoints/" + folder.name in card["command"]


def test_what_ships_stays_small() -> None:
    sizes = {path: path.stat().st_size for path in (ROOT / "checkpoints").rglob("*") if path.is_file()}
    assert sum(sizes.values()) < 20e6
    assert [path.name for path, size in sizes.items() if size > 6e6] == []


@pytest.mark.parametrize("page", ["no marks", checkpoint_table.END + checkpoint_table.BEGIN, checkpoint_table.BEGIN])
def test_a_page_without_its_marks_is_not_written_over(page: str) -> None:
    with pytest.raises(ValueError, match="write one line"):
        checkpoint_table.put(page, "x")


def test_what_stands_around_a_table_stays() -> None:
    begin, end = checkpoint_table.BEGIN, checkpoint_table.END
    assert checkpoint_table.put(f"a\n{begin}\nold\n{end}\nb\n", "new") == f"a\n{begin}\nnew\n{end}\nb\n"


def test_the_measurement_kept_is_of_every_page_and_map_and_missed_no_bar() -> None:
    page = read("benchmarks/first_light.md")
    assert first_light.COMMAND in page
    for name in (*first_light.PAGES, *first_light.MAPS):
        assert re.search(rf"^\|.*\b{name}\b.*\|$", page, flags=re.MULTILINE), name
    assert "missed" not in page


# ---- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_that_is_linked_is_there(name: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", prose(read(name)))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not ((ROOT / name).parent / link).exists()] == []


def test_the_readme_shows_every_picture_there_is_and_they_are_light() -> None:
    shown = re.findall(r"!\[([^\]]+)\]\(docs/screenshots/([^)]+)\)", read("README.md"))
    kept = sorted(path.name for path in FOLDER.iterdir())
    assert sorted(name for _, name in shown) == kept == sorted(f"{shot.name}.png" for shot in README_SHOTS)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 2.5e6
    for path in FOLDER.iterdir():
        with Image.open(path) as picture:
            assert picture.size == README_SIZE, path.name


def test_the_readme_shows_every_page() -> None:
    pages = {path.stem for path in (ROOT / "pages").glob("*.py")} - {"router", "__init__"}
    assert {shot.page or "start" for shot in README_SHOTS} == pages


def test_the_tree_in_the_architecture_is_the_tree() -> None:
    named = set(tree_of(read("ARCHITECTURE.md")))
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
    folders = ("pages", "live", "vae", "benchmarks", "tools")
    modules = {
        str(path.relative_to(ROOT))
        for folder in folders
        for kind in ("*.py", "*.js")
        for path in (ROOT / folder).rglob(kind)
    }
    assert sorted(path for path in modules - named if not path.endswith("__init__.py")) == []


def tree_of(page: str) -> list[str]:
    """The paths in the first fenced block of a page, where two more spaces are one folder deeper."""
    block = re.search(r"^```\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    assert block
    found, above = [], {0: ""}
    for line in block[1].splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        for name in re.findall(r"(?<!\S)[\w./-]+(?:\.py|\.toml|\.css|\.js|/)(?!\S)", line):
            found.append(above[depth] + name)
            if name.endswith("/"):
                above[depth + 1] = above[depth] + name
    return found


def test_the_tree_is_read_by_its_indents() -> None:
    page = "```\na.py      the door\nb/   \n  c.py  d.py   two\n  e/\n    f.py\n  g/h.css\n```\n"
    assert tree_of(page) == ["a.py", "b/", "b/c.py", "b/d.py", "b/e/", "b/e/f.py", "b/g/h.css"]


# ---- words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "checkpoints/README.md"])
def test_people_read_none_of_our_own_names_for_parts_of_a_page(name: str) -> None:
    assert OURS.findall(read(name)) == []


def test_the_readme_names_every_variable_that_the_program_reads() -> None:
    sources = [path for folder in ("vae", "live", "pages") for path in (ROOT / folder).rglob("*.py")]
    named = {name for path in sources for name in re.findall(r"\bMUSCOPE_[A-Z]+\b", path.read_text(encoding="utf-8"))}
    assert named == set(re.findall(r"\bMUSCOPE_[A-Z]+\b", read("README.md")))


def test_the_changelog_begins_with_what_is_not_released() -> None:
    titles = re.findall(r"^## (.*)$", read("CHANGELOG.md"), flags=re.MULTILINE)
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert titles[0] == "Unreleased" or titles[0].startswith(version)
