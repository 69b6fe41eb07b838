"""The door: `streamlit run app.py`.

It sets what must be set before anything imports torch, hands the pages to Streamlit, warms the first model, keeps a
process ready to train, and opens the browser. The main script lies inside `pages/`, so Streamlit's older multipage mode
stays off and a cold link to any page opens with its frame.
"""

import asyncio
import os
import sys
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from threading import Thread

# A waiting OpenMP thread sleeps instead of spinning: beside a training process, spinning threads on two cores cost
# nearly all the speed of both. It is read once, when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# NumPy's matrix products are small here, and its threads spin as well: beside a busy core the 0.4 ms of a lookup
# became 9 ms with two of them. Read once, when NumPy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import streamlit as st  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402

import live  # noqa: E402
from live import components  # noqa: E402
from live.nodelay import answer_at_once  # noqa: E402
from live.visitor import VisitorCookie  # noqa: E402
from vae.errors import VAEError  # noqa: E402
from vae.foreign.allow import allow  # noqa: E402
from vae.home import runs_folder  # noqa: E402
from vae.train.keeper import keep_workers  # noqa: E402

if sys.argv[0].endswith("app.py"):  # streamlit run app.py -- --adapter file.py:Class
    try:
        allow(sys.argv[1:])
    except VAEError as error:
        sys.exit(str(error))

WAIT = 30  # seconds for the server to answer before the browser is sent there all the same


@asynccontextmanager
async def first_light(_app: st.App) -> AsyncIterator[None]:
    """Warm the first model, see that there is somebody to train, and open the browser once the server answers.

    Streamlit 1.67 opens the browser for a script and not for an `st.App`. Nothing opens with `--server.headless true`,
    which is also the default on Linux without a screen.
    """
    answer_at_once()
    Thread(target=_warm, name="warm", daemon=True).start()
    Thread(target=_sweep, name="sweep", daemon=True).start()
    keeper = keep_workers(runs_folder())
    opening = None if st.get_option("server.headless") else asyncio.create_task(_open_when_ready())
    yield
    keeper.stop()
    if opening is not None:
        opening.cancel()


def _warm() -> None:
    """Load torch and the first model while the browser is still on its way."""
    from live.engine import shared

    shared().warm()


def _sweep() -> None:
    """Delete what people brought and nobody uses, and what has had its time, as long as the server lives."""
    from live.takings import sweep_for_ever

    sweep_for_ever()


async def _open_when_ready() -> None:
    address, port = st.get_option("server.address") or "localhost", st.get_option("server.port")
    host = "localhost" if address in {"0.0.0.0", "::"} else address
    with suppress(TimeoutError):
        async with asyncio.timeout(WAIT):
            while not await _answers(host, port):
                await asyncio.sleep(0.1)
    path = str(st.get_option("server.baseUrlPath")).strip("/")
    await asyncio.to_thread(webbrowser.open, f"http://{host}:{port}/{path}")


async def _answers(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


# Streamlit finds the app by reading this line as text: keep it literal.
app = st.App(
    "pages/router.py",
    lifespan=first_light,
    middleware=[Middleware(VisitorCookie)],
    routes=live.routes(components.base_path(), components.origin_allowed),
)
