"""The modules that browsers load, and the address that changes when one of them does."""

import hashlib
from functools import cache
from pathlib import Path

WEB = Path(__file__).with_name("web")


@cache
def web_path() -> str:
    """Where the modules are served: "/live/web/VERSION". Another version, another address: browsers may keep them."""
    digest = hashlib.sha256()
    for file in sorted(WEB.glob("*.*")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return f"/live/web/{digest.hexdigest()[:12]}"
