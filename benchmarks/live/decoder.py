"""The queue against the bare decoder: what it costs that many ask at once.

Bare: the network alone, a batch of codes in, pixels (uint8) out, one batch after the other. The queue: as many visitors
as the batch has pictures keep one request each on their way, so that the queue fills its batches by itself; a request
goes through everything but the socket: it is read, checked, decoded with others, packed and written. And long
requests: one visitor who asks for 128 pictures at a time, which the queue decodes in slices of the batch.
"""

import argparse
import os
import time
from threading import Condition
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from benchmarks.live.visitors import about, strokes
from benchmarks.report import section
from live.answers import Answers
from live.engine import Engine, ModelEntry, as_pictures, shared
from live.queue import BATCH, CARD_BATCH, DecodeQueue
from live.wire import Request, Sample, parse
from vae.checkpoint import load

COMMAND = "python -m benchmarks.live decoder"
LONG = 128  # pictures


def bare(entry: ModelEntry, device: torch.device, batch: int, seconds: float) -> float:
    """Pictures a second of the network alone."""
    vae = load(entry.folder, device).vae
    codes = np.random.default_rng(0).standard_normal((batch, entry.latent_dim)).astype(np.float32)

    def once() -> None:
        with torch.inference_mode():
            as_pictures(vae.decode(torch.from_numpy(codes).to(device)).cpu().numpy())

    for _ in range(5):
        once()
    began, made = time.perf_counter(), 0
    while (took := time.perf_counter() - began) < seconds:
        once()
        made += batch
    return made / took


def queued(engine: Engine, entry: ModelEntry, batch: int, seconds: float, long: bool) -> tuple[float, float]:
    """(pictures a second, mean batch) through the queue."""
    queue, answers = DecodeQueue(engine, batch), Answers(engine)
    if long:
        message = Request(Sample(LONG, 1, 1.0), entry.model_id, 2, 0).write()
        wishes, each = [message] * 2, LONG  # one on its way while the other is taken up
    else:
        wishes, each = strokes(entry.model_id, entry.latent_dim, batch, seed=1, every=0), 1
    state = SimpleNamespace(made=0, over=False, flying=0)
    changed = Condition()

    def ask(visitor: int) -> None:
        request = parse(wishes[visitor])
        queue.submit(visitor, request.lane, answers.job(request)).add_done_callback(lambda done: again(visitor, done))

    def again(visitor: int, done: Any) -> None:
        done.result()
        with changed:
            state.made += each
            if state.over:
                state.flying -= 1
                changed.notify()
                return
        ask(visitor)

    state.flying = len(wishes)
    for visitor in range(len(wishes)):
        ask(visitor)
    time.sleep(0.5)  # warm
    with changed:
        first, began = state.made, time.perf_counter()
    time.sleep(seconds)
    with changed:
        made, took = state.made - first, time.perf_counter() - began
        state.over = True
        changed.wait_for(lambda: not state.flying, 30)
    found = queue.statistics().batches
    queue.close()
    return made / took, sum(size * times for size, times in found.items()) / sum(found.values())


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Measure the queue against the bare decoder.")
    parser.add_argument("--models", nargs="+", default=["mnist", "faces"], metavar="NAME")
    parser.add_argument("--batches", nargs="+", type=int, metavar="N", help="sizes; what the server uses is among them")
    parser.add_argument("--seconds", type=float, default=3, metavar="S", help="of each figure")
    parser.add_argument("--note", default="", metavar="TEXT", help="what else must be known of the machine")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    told = about(COMMAND, os.getloadavg()[0], options.note)
    torch.set_num_threads(1)  # as in the server
    engine = shared()
    batches = options.batches or [1, 4, BATCH if engine.device.type == "cpu" else CARD_BATCH]
    entries = {entry.name: entry for entry in engine.models()}
    rows = []
    for name in options.models:
        for batch in batches:
            alone = bare(entries[name], engine.device, batch, options.seconds)
            many, mean = queued(engine, entries[name], batch, options.seconds, long=False)
            long, slices = queued(engine, entries[name], batch, options.seconds, long=True)
            rows.append(
                f"| {name} | {batch} | {alone:,.0f} | {many:,.0f} ({many / alone:.0%}) | {mean:.1f} | "
                f"{long:,.0f} ({long / alone:.0%}) | {slices:.1f} |"
            )
    place = torch.cuda.get_device_name() if engine.device.type == "cuda" else engine.device.type
    text = f"""## The queue against the bare decoder

{told} Decoded on: {place}. Pictures a second, and the share of the bare decoder's.

| model | batch | bare decoder | queue, a request for each picture | its mean batch | \
queue, {LONG} pictures a request | its mean batch |
|---|---:|---:|---:|---:|---:|---:|
{chr(10).join(rows)}
"""
    print(text) if options.dry else section("live", "decoder", text)
    return 0
