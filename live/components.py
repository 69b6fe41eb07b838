"""What a page puts on the screen that follows a hand: `live/web/NAME.js`, mounted by Streamlit.

The only file of `live/` that knows Streamlit.

A component is a view: it may run ahead of Python while a hand is down, and when the hand lets go it says so once, as an
event with a value. Python answers with the next run of the page.
"""

from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from streamlit import config

from live.assets import WEB, web_path

# Streamlit runs a component's script from a blob, so what it imports needs a whole address. It calls the script again
# at every run of the page, and ends a call that was overtaken as if the component were gone, sometimes before the call
# that overtook it: a component is gone when its element is. A module exports `build(parent, data)`, called once for an
# element; what it returns has `update(data)` for each run of the page and `stop()`, and is given `tell(event, value)`.
_SCRIPT = """
const built = new WeakMap();
export default async function ({ data, parentElement, setTriggerValue }) {
  const entry = built.get(parentElement) ?? { turn: 0, place: null };
  built.set(parentElement, entry);
  const turn = ++entry.turn;
  const { build } = await import(new URL(data.live.web + "/NAME.js", location.href).href);
  if (turn === entry.turn) {
    entry.place ??= build(parentElement, data);
    entry.place.tell = setTriggerValue;
    entry.place.update(data);
  }
  return () => setTimeout(() => {
    if (turn !== entry.turn || parentElement.isConnected) return;
    built.delete(parentElement);
    entry.place?.stop();
  });
}
"""


def base_path() -> str:
    """What stands before every path of this server: "" or "/class"."""
    path = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


def this_machine_only() -> bool:
    """Whether whoever sees a page sits at this machine, and has its rights anyway."""
    return st.get_option("server.address") in ("127.0.0.1", "localhost", "::1")


def addresses() -> dict[str, str]:
    """Where a browser finds the socket, the modules and the map's points."""
    base = base_path()
    return {"socket": f"{base}/live/socket", "web": f"{base}{web_path()}", "base": base}


def origin_allowed(origin: str, host: str) -> bool:
    """Whether a page from `origin` ("http://host:port") may open the socket of the server it calls `host`.

    The page's own server; one that the administrator names in `server.corsAllowedOrigins`; or, behind a proxy that
    changes the host, the one in `browser.serverAddress`. Streamlit's own check would ask another machine for this one's
    address.
    """
    try:
        parts = urlsplit(origin)
        named = parts.hostname
    except ValueError:
        return False
    allowed = {str(one).rstrip("/").lower() for one in st.get_option("server.corsAllowedOrigins") or ()}
    ours = st.get_option("browser.serverAddress") if config.is_manually_set("browser.serverAddress") else None
    same = bool(host) and parts.netloc.lower() == host.lower()
    return same or origin.lower() in allowed or (ours is not None and named == str(ours).lower())


def mount(name: str, key: str, data: dict[str, Any], **on: Callable[[Any], None]) -> None:
    """Put a component on the page.

    Args:
        name: of its module in `live/web`.
        data: JSON values for it; "live" (see `addresses`, with a token) must be among them.
        on: for each event, what to do with its value. It runs before the page is drawn again.
    """
    told = {f"on_{event}_change": _told(key, event, callback) for event, callback in on.items()}
    _component(name)(key=key, data=data, **told)


def _told(key: str, event: str, callback: Callable[[Any], None]) -> Callable[[], None]:
    def tell() -> None:
        value = st.session_state[key].get(event)
        if value is not None:
            callback(value)

    return tell


@cache
def _component(name: str) -> Any:
    css = WEB / f"{name}.css"
    return st.components.v2.component(
        f"muscope_{name}",
        js=_SCRIPT.replace("NAME", name),
        css=css.read_text() if css.exists() else None,
        isolate_styles=False,  # one document: the parts of a page share their style sheet and their modules' state
    )
