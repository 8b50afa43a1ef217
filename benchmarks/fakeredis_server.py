"""fakeredis' TCP server as a program, run by a Python that has it: `python fakeredis_server.py --port N`.

Other options of redis-server's command line are accepted without effect, for fakeredis saves nothing anyway.
"""

from __future__ import annotations

import sys

import fakeredis


def main() -> None:
    """Serve until killed; or print the version."""
    if "--version" in sys.argv:
        print(fakeredis.__version__)
        return
    port = int(sys.argv[sys.argv.index("--port") + 1])
    fakeredis.TcpFakeServer(("127.0.0.1", port)).serve_forever()


if __name__ == "__main__":
    main()
