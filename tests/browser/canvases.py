"""What is painted on a page by its own scripts, and the wire that carries it."""

import base64
import re

import numpy as np
from playwright.sync_api import FloatRect, Locator, Page, WebSocket

from live import wire

LIVE = "canvas[data-muscope=live]"
SOCKET = re.compile("/live/socket")


# Pixels as text: a list of numbers takes seconds for a large canvas.
PACKED = """e => {
    const { data } = e.getContext('2d').getImageData(0, 0, e.width, e.height);
    let text = '';
    for (let at = 0; at < data.length; at += 32768) text += String.fromCharCode(...data.subarray(at, at + 32768));
    return [e.height, e.width, btoa(text)];
}"""


def painted(canvas: Locator) -> np.ndarray:
    """The picture on a canvas, (H, W, 3) int16; (H, W) where it has no colour."""
    return _unpacked(*canvas.evaluate(PACKED))


def all_painted(canvases: Locator) -> list[np.ndarray]:
    """The pictures on many canvases, as they are at one moment."""
    return [_unpacked(*packed) for packed in canvases.evaluate_all(f"all => all.map({PACKED})")]


def _unpacked(height: int, width: int, packed: str) -> np.ndarray:
    picture = np.frombuffer(base64.b64decode(packed), np.uint8).reshape(height, width, 4)[:, :, :3].astype(np.int16)
    return picture[:, :, 0] if (picture == picture[:, :, :1]).all() else picture


def still(part: Locator) -> FloatRect:
    """Where a part of the page lies, once it is in the window and nothing above it pushes it about any more."""
    part.scroll_into_view_if_needed()
    for _ in range(40):
        before = part.bounding_box()
        part.page.wait_for_timeout(120)
        if before is not None and part.bounding_box() == before:
            return before
    raise AssertionError("it never came to rest")


def cut_wire(page: Page) -> None:
    """From here on this page's live socket is closed as soon as it is opened, as some networks do."""
    page.route_web_socket(SOCKET, lambda route: route.close())


class Asked:
    """The requests that a page sends by the wire: `Asked(page)` before the page is opened."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[wire.Request] = []
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        if SOCKET.search(socket.url):
            socket.on("framesent", self._note)

    def _note(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self.requests.append(wire.parse(message))

    def last(self, kind: type) -> wire.Request:
        """The newest request of a kind, waiting for the first."""
        for _ in range(100):
            if any(isinstance(request.ask, kind) for request in self.requests):
                break
            self.page.wait_for_timeout(50)
        return next(request for request in reversed(self.requests) if isinstance(request.ask, kind))
