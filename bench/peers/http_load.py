"""What the servers of `./dev bench http` have to bear: wrk, HIGH texts that arrive at given moments,
and a crowd of LOW connections that take their time.

Run as a program, it is the crowd, which leaves when its standard input ends:
    http_load.py PORT PATH CONNECTIONS
"""

from __future__ import annotations

import json
import re
import resource
import selectors
import socket
import subprocess
import sys
import threading
from pathlib import Path

from arrangements import NotRun, end_with_parent

SECONDS_BETWEEN_BYTES = 2.0
CROWD_COMES_MAX_S = 60
HERE = Path(__file__).resolve().parent


def body_of(texts: list[str] | str, encoding: str) -> bytes:
    return json.dumps({"model": "model", "input": texts, "encoding_format": encoding}).encode()


def head_of(path: str, bytes_of_body: int) -> bytes:
    return (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {bytes_of_body}\r\n\r\n").encode()


# ---- wrk


class Wrk:
    """So many connections, on each of which a body follows the other's answer."""

    def __init__(self, port: int, path: str, bodies: Path, connections: int, threads: int,
                 seconds: float) -> None:
        self._process = subprocess.Popen(
            ["wrk", "-t", str(threads), "-c", str(connections), "-d", f"{max(1, round(seconds))}s",
             "--timeout", "60s", "-s", HERE / "wrk.lua", f"http://127.0.0.1:{port}{path}", "--",
             bodies], stdout=subprocess.PIPE, text=True, preexec_fn=end_with_parent)

    def result(self) -> dict:
        words = self._process.communicate()[0].strip().splitlines()
        if self._process.returncode != 0 or not words:
            raise NotRun(f"wrk ended with status {self._process.returncode}")
        told = json.loads(words[-1])
        told["per_second"] = told["requests"] / told["seconds"]
        return told


def write_bodies(path: Path, lots: list[list[str]] | list[str], encoding: str) -> Path:
    path.write_bytes(b"\n".join(body_of(lot, encoding) for lot in lots) + b"\n")
    return path


# ---- HIGH


class HighClient:
    """For lanes.Arrivals: each of its threads has a connection, and nothing is parsed but the
    answer's length, so that what is measured is the server."""

    singles_max = 16
    _length = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

    def __init__(self, port: int, path: str) -> None:
        self._port, self._path = port, path
        self._of_thread = threading.local()

    def encode_one(self, text: str) -> None:
        if not hasattr(self._of_thread, "socket"):
            made = socket.create_connection(("127.0.0.1", self._port), 60)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._of_thread.socket = made
        body = body_of(text, "float")
        self._of_thread.socket.sendall(head_of(self._path, len(body)) + body)
        self._read_answer(self._of_thread.socket)

    def _read_answer(self, connection: socket.socket) -> None:
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._more(connection)
        head, _, body = answer.partition(b"\r\n\r\n")
        if b" 200 " not in head[:16]:
            raise NotRun(f"a HIGH text was answered {answer[:300]!r}")
        length = self._length.search(head)
        assert length, head
        missing = int(length.group(1)) - len(body)
        while missing > 0:
            missing -= len(self._more(connection))

    @staticmethod
    def _more(connection: socket.socket) -> bytes:
        piece = connection.recv(1 << 16)
        if not piece:
            raise NotRun("the server closed a connection with a HIGH text")
        return piece


# ---- the crowd


class Crowd:
    """Connections, of which a third is silent, a third writes a byte of its request now and then,
    and a third has asked and reads a byte of the answer now and then."""

    def __init__(self, port: int, path: str, connections: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(port), path, str(connections)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, preexec_fn=end_with_parent)
        assert self._process.stdout
        if self._process.stdout.readline() != "here\n":
            raise NotRun("the crowd of connections did not come: are there descriptors enough?")

    def leave(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)


def be_a_crowd(port: int, path: str, connections: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    body = body_of("a text of one who is slow", "float")
    unfinished = head_of(path, 10**6)
    writers, readers, silent = [], [], []
    for number in range(connections):
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.settimeout(CROWD_COMES_MAX_S)
        made.connect(("127.0.0.1", port))
        kind = (silent, writers, readers)[number % 3]
        if kind is writers:
            made.sendall(unfinished)
        if kind is readers:
            made.sendall(head_of(path, len(body)) + body)
        made.setblocking(False)
        kind.append(made)
    print("here", flush=True)
    live_slowly(writers, readers)


def live_slowly(writers: list[socket.socket], readers: list[socket.socket]) -> None:
    """A few of them at a time, so that none of it is a burst."""
    parts = 50
    until_told = selectors.DefaultSelector()
    until_told.register(sys.stdin, selectors.EVENT_READ)
    turn = 0
    while not until_told.select(SECONDS_BETWEEN_BYTES / parts):
        for writer in writers[turn::parts]:
            writer.send(b" ")
        for reader in readers[turn::parts]:
            try:
                reader.recv(1)
            except BlockingIOError:
                pass  # Its answer has not come yet, or is read.
        turn = (turn + 1) % parts


if __name__ == "__main__":
    be_a_crowd(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
