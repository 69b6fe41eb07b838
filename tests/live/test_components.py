"""Who may open the socket, and under which addresses a browser finds what it needs."""

import re

import pytest
import streamlit as st

from live import components
from live.assets import WEB, web_path

HOST = "192.168.1.5:8501"


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Nothing is asked of another machine, whoever knocks."""

    def asked(*_):
        raise AssertionError("asked another machine")

    monkeypatch.setattr("socket.getaddrinfo", asked)
    monkeypatch.setattr("streamlit.net_util.get_external_ip", asked)


@pytest.fixture
def option():
    """`option(name, value)`: an option of the server, for one test."""
    before = {}

    def set_(name, value):
        before.setdefault(name, st.get_option(name))
        st.config.set_option(name, value)

    yield set_
    for name, value in before.items():
        st.config.set_option(name, value)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (f"http://{HOST}", True),
        (f"https://{HOST}", True),  # behind something that speaks TLS for us
        ("HTTP://192.168.1.5:8501", True),
        ("http://192.168.1.5", False),
        ("http://192.168.1.5:8502", False),
        ("http://evil.example", False),
        (f"http://evil.example/{HOST}", False),
        (f"http://{HOST}@evil.example", False),
        ("null", False),
        ("", False),
        ("http://[", False),
    ],
)
def test_a_page_of_this_server_may_open_the_socket_and_no_other(origin, allowed):
    assert components.origin_allowed(origin, HOST) is allowed


def test_an_empty_host_is_nobodys():
    assert not components.origin_allowed("", "")
    assert not components.origin_allowed("file://", "")


def test_an_origin_that_the_administrator_names_is_let_in(option):
    assert not components.origin_allowed("https://school.example", HOST)
    option("server.corsAllowedOrigins", ["https://school.example/"])
    assert components.origin_allowed("https://school.example", HOST)
    assert not components.origin_allowed("https://other.example", HOST)


def test_every_address_stands_below_the_servers_path(option):
    assert components.addresses() == {"socket": "/live/socket", "web": web_path(), "base": ""}
    option("server.baseUrlPath", "/class/")
    assert components.addresses()["socket"] == "/class/live/socket"
    assert components.addresses()["web"] == f"/class{web_path()}" and components.base_path() == "/class"


def test_the_modules_have_another_address_when_one_changes(monkeypatch, tmp_path):
    (tmp_path / "one.js").write_text("1")
    monkeypatch.setattr("live.assets.WEB", tmp_path)
    first = web_path.__wrapped__()
    (tmp_path / "one.js").write_text("2")
    assert web_path.__wrapped__() != first


def test_every_component_that_a_page_mounts_has_its_module():
    pages = WEB.parent.parent / "pages"

    text = "\n".join(path.read_text() for path in pages.rglob("*.py"))
    names = set(re.findall(r'live\.mount\(\s*"(\w+)"', text))
    hands = {"stage", "console", "map", "keyframes", "player", "shower", "pen", "builder", "unfold", "bring_image"}
    assert hands | {"cosines", "copy_link"} == names
    assert all((WEB / f"{name}.js").exists() for name in names)
