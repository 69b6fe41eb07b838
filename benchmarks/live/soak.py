"""A long day: 2,000 runs of a page and 200 sessions opened and closed, and what memory the server keeps.

Each session opens the app with one of the models that ship, runs every page of the menu, drags a little on the live
wire, and is closed as a tab is. The server collects no garbage after a run (`postScriptGC = false` in
.streamlit/config.toml, as it ships). Memory is its resident set: after a first round that opens every model and page
once, then after each tenth of the sessions.
"""

import argparse
import asyncio
import itertools
import os

from benchmarks.live.visitors import Server, about, line, served, session, strokes
from benchmarks.report import section
from live.engine import shared

COMMAND = "python -m benchmarks.live soak"
GROWTH = 100.0  # MB: the bar
RUNS = 10  # of a session, and one more
PAGES = ("", "map", "sliders", "paths", "attributes", "sample", "train")
PATIENCE = 1800  # seconds for the whole


async def stay(server: Server, turn: int) -> None:
    """One session, from its first page to its end."""
    models = [entry for entry in shared().models() if entry.shipped]
    entry = models[turn % len(models)]
    async with session(server.port) as tab:
        await tab.run(f"model={entry.name}")
        for at in range(1, RUNS):
            await tab.run(f"model={entry.name}", PAGES[(turn + at) % len(PAGES)])
        page = await tab.run(f"model={entry.name}")
        async with line(server.port, page.token) as live:
            trace = await live.drag(strokes(page.model, entry.latent_dim, 20, seed=turn), 100, 0)
            if trace.refused or trace.lost or trace.unanswered:
                raise RuntimeError(f"the live wire failed in session {turn}: {trace}")


async def day(server: Server, sessions: int, together: int) -> list[tuple[int, float]]:
    """(sessions so far, MB) at each step; a few sessions are open at a time."""
    steps = []
    async with asyncio.timeout(PATIENCE):
        for turn in range(len(shared().models())):
            await stay(server, turn)
        steps.append((0, server.memory()))
        turns = itertools.count()

        async def come(upto: int) -> None:
            while (turn := next(turns)) < upto:
                await stay(server, turn)

        tenth = max(1, sessions // 10)
        for upto in range(tenth, sessions + 1, tenth):
            turns = itertools.count(upto - tenth)
            await asyncio.gather(*(come(upto) for _ in range(together)))
            steps.append((upto, server.memory()))
    return steps


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Measure what memory a long day costs.")
    parser.add_argument("--sessions", type=int, default=200, metavar="N")
    parser.add_argument("--together", type=int, default=3, metavar="N", help="open at a time")
    parser.add_argument("--note", default="", metavar="TEXT", help="what else must be known of the machine")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    told = about(COMMAND, os.getloadavg()[0], options.note)
    with served() as server:
        steps = asyncio.run(day(server, options.sessions, options.together))
    (_, before), (_, after) = steps[0], steps[-1]
    text = f"""## A long day

{told} {options.sessions} sessions of {RUNS + 1} runs each, {options.together} open at a time. Bar: it
grows by at most {GROWTH:g} MB. It grew by **{after - before:.0f} MB**, from {before:.0f} to {after:.0f}.

| sessions so far | {" | ".join(str(count) for count, _ in steps)} |
|---|{"---:|" * len(steps)}
| MB | {" | ".join(f"{memory:.0f}" for _, memory in steps)} |
"""
    print(text) if options.dry else section("live", "soak", text)
    return int(after - before > GROWTH)
