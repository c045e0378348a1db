"""alembic for dbm-git to run, without the half second that its imports take.

``server.py SOCKET`` imports alembic and waits. A client (``client.py``, under the
name of ``alembic``) hands over its arguments, folder, environment and streams; a
fork of the server is then that alembic, in every respect but its start.
"""

from __future__ import annotations

import sys

sys.dont_write_bytecode = True

import json  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import threading  # noqa: E402
import traceback  # noqa: E402

from alembic.config import main as alembic  # noqa: E402
import sqlalchemy.dialects.sqlite  # noqa: E402, F401


def be(request, streams):
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[0:1] = [""]
    try:
        alembic(argv=request["arguments"], prog="alembic")
        return 0
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()


def die_with(connection):
    """A client that was killed takes its alembic with it."""
    connection.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)


def main():
    # Forks that have ended need no waiting for.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen()
    print("ready", flush=True)
    # Whoever started this closes the stream, or is gone.
    if os.fork() == 0:
        sys.stdin.read()
        os.kill(os.getppid(), signal.SIGTERM)
        os._exit(0)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            data, streams, _, _ = socket.recv_fds(connection, 1 << 20, 3)
            while not data.endswith(b"\n"):
                data += connection.recv(1 << 20)
            threading.Thread(target=die_with, args=[connection], daemon=True).start()
            code = be(json.loads(data), streams)
            connection.sendall(bytes([code & 255]))
            os._exit(0)
        connection.close()


if __name__ == "__main__":
    main()
