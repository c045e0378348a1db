# The rest of a file whose first lines name the interpreter and set SOCKET and
# ENVIRONMENT: it is the `alembic` that a story's PATH has.
import json
import os
import socket
import sys

with socket.socket(socket.AF_UNIX) as server:
    server.connect(SOCKET)  # noqa: F821
    request = {
        "arguments": sys.argv[1:],
        "folder": os.getcwd(),
        "environment": {**os.environ, **ENVIRONMENT},  # noqa: F821
    }
    socket.send_fds(server, [json.dumps(request).encode() + b"\n"], [0, 1, 2])
    answer = server.recv(1)
sys.exit(answer[0] if answer else 70)
