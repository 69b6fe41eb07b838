"""The first run on a new machine: a person at a terminal, an empty home folder, a browser that opens by itself."""

import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60  # seconds; a cold disk and one busy core


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def status(port: int) -> int | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return int(answer.status)
    except OSError:
        return None


def read_terminal(terminal: int, seconds: float = 0.1) -> str:
    """What the program printed since the last look; "" when nothing came."""
    if not select.select([terminal], [], [], seconds)[0]:
        return ""
    try:
        return os.read(terminal, 65536).decode(errors="replace")
    except OSError:  # the program has closed its end
        return ""


def listening(port: int) -> set[str]:
    """The local addresses, in the kernel's own hexadecimal, on which something listens at this port."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not Path(table).exists():
            continue
        for line in Path(table).read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, hex_port = local.split(":")
            if int(hex_port, 16) == port and state == "0A":
                found.add(address)
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal; on Windows the app runs in WSL")
def test_the_first_run_asks_nothing_and_serves_this_machine_only(tmp_path: Path) -> None:
    home, browser, opened = tmp_path / "home", tmp_path / "browser", tmp_path / "opened"
    home.mkdir()
    browser.write_text(f'#!/bin/sh\nprintf "%s" "$1" > "{opened}"\n')  # notes where the person's browser was sent
    browser.chmod(0o755)
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
    environment.pop("CI", None)
    # DISPLAY: without one Streamlit takes itself for a server and would not ask even if it could.
    environment |= {"HOME": str(home), "BROWSER": str(browser), "DISPLAY": ":0", "TERM": "xterm"}

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    program = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    printed = ""
    try:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and program.poll() is None and not (status(port) == 200 and opened.exists()):
            printed += read_terminal(ours)
        assert program.poll() is None, printed
        assert status(port) == 200, printed
        printed += read_terminal(ours, 0.5)
        assert not re.search(r"e-?mail", printed, re.IGNORECASE), printed
        assert "statistics" not in printed, printed
        assert opened.exists(), printed
        assert opened.read_text() == f"http://127.0.0.1:{port}/", printed
        if sys.platform == "linux":
            assert listening(port) == {"0100007F"}, "listens beyond 127.0.0.1"
    finally:
        os.kill(program.pid, signal.SIGTERM)
        try:
            program.wait(15)
        except subprocess.TimeoutExpired:
            os.kill(program.pid, signal.SIGKILL)
            program.wait(15)
        os.close(ours)
    assert not (home / ".streamlit" / "credentials.toml").exists()


def test_the_settings_keep_to_this_machine_and_tell_nobody() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["server"]["address"] == "127.0.0.1"
    assert settings["server"]["showEmailPrompt"] is False
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["client"]["showErrorDetails"] == "none"  # no traceback, path or message of a library in the browser
    assert settings["client"]["showErrorLinks"] is False  # no link that sends an error to a search engine
    assert settings["runner"]["postScriptGC"] is False


def test_streamlit_knows_every_setting(tmp_path: Path) -> None:
    """A mistyped option is only a warning at start-up, and then the app runs without it."""
    home = {"HOME": str(tmp_path)}
    command = [sys.executable, "-m", "streamlit", "config", "show"]
    shown = subprocess.run(command, cwd=ROOT, env=os.environ | home, capture_output=True, text=True, timeout=PATIENCE)
    assert shown.returncode == 0, shown.stderr
    assert "not a valid config option" not in shown.stdout + shown.stderr
