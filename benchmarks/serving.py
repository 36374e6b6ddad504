"""Measures `keras-seq2seq serve` under load, and compares every answer with the expected one.

    python benchmarks/serving.py --model_dir exported --source test.de --seconds 60

Each client sends one sentence at a time over its own connection. The load is then increased to ten
times as many clients, some of which the server must reject quickly, and reduced again.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

SERVER = [sys.executable, "-m", "keras_seq2seq", "serve", "--port", "0"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model_dir", required=True)
    parser.add_argument("--source", required=True, help="sentences to translate")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--options", nargs=argparse.REMAINDER, default=[], help="flags of serve")
    args = parser.parse_args()
    sentences = Path(args.source).read_text(encoding="utf-8").splitlines()[:1000]
    expected = translate(args.model_dir, sentences)
    command = [*SERVER, "--model_dir", args.model_dir, *args.options]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        port = next(
            int(line.rstrip("/\n").rpartition(":")[2])
            for line in server.stderr
            if line.startswith("Serving")
        )
        asyncio.run(measure(port, server.pid, args, list(zip(sentences, expected, strict=True))))
        server.send_signal(signal.SIGTERM)
        print("exit status after SIGTERM:", server.wait(timeout=60))
    finally:
        server.kill()


def translate(model_dir: str, sentences: list[str]) -> list[str]:
    command = [sys.executable, "-m", "keras_seq2seq", "translate", "--model_dir", model_dir]
    text = "".join(f"{sentence}\n" for sentence in sentences)
    found = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return found.stdout.splitlines()


async def measure(port: int, pid: int, args, pairs: list[tuple[str, str]]):
    await run("warm up", port, pid, args.clients, 3, pairs)
    await run("load", port, pid, args.clients, args.seconds, pairs)
    await run("10 times the load", port, pid, 10 * args.clients, args.seconds / 4, pairs)
    await run("load again", port, pid, args.clients, args.seconds / 4, pairs)


async def run(name: str, port: int, pid: int, clients: int, seconds: float, pairs):
    statuses, wrong = Counter(), 0
    times: dict[bool, list[float]] = {True: [], False: []}
    end = time.perf_counter() + seconds

    async def client(number: int):
        nonlocal wrong
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for index in range(number * 17, 1 << 60):
            if time.perf_counter() > end:
                break
            text, expected = pairs[index % len(pairs)]
            begin = time.perf_counter()
            status, retry_after, body = await post(reader, writer, {"text": [text]})
            times[status == 200].append(time.perf_counter() - begin)
            statuses[status] += 1
            if status == 200:
                wrong += body["translations"][0]["text"] != expected
            else:
                await asyncio.sleep(retry_after)
        writer.close()

    memory = memory_of(pid)
    await asyncio.gather(*map(client, range(clients)))
    answered, rejected = (sorted(times[key]) or [0.0] for key in (True, False))
    print(
        f"{name}: {clients} clients, {statuses[200] / seconds:.0f} answers/s, "
        f"p50 {1000 * answered[len(answered) // 2]:.0f} ms, "
        f"p99 {1000 * answered[int(0.99 * len(answered))]:.0f} ms, "
        f"wrong {wrong}, statuses {dict(statuses)}, "
        f"p99 of rejections {1000 * rejected[int(0.99 * len(rejected))]:.0f} ms, "
        f"memory {memory} -> {memory_of(pid)} MB",
        flush=True,
    )


async def post(reader, writer, value) -> tuple[int, float, dict]:
    body = json.dumps(value).encode()
    writer.write(
        b"POST /translate HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
        + body
    )
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    fields = dict(line.split(": ", 1) for line in head.splitlines()[1:] if line)
    content = await reader.readexactly(int(fields["content-length"]))
    return int(head.split()[1]), float(fields.get("retry-after", 0)), json.loads(content)


def memory_of(pid: int) -> int:
    """Returns the resident memory of a process in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 10**6


if __name__ == "__main__":
    main()
