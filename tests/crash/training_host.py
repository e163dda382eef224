"""A whole server without pages, until it is killed or its input ends.

python training_host.py HOME      prints {"url", "token"} when it is ready
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import socket
import sys
import threading
from pathlib import Path

import uvicorn

from rcg import container
from rcg.app import create_app
from rcg.jobs.model import Limits
from rcg.jobs.system import JobSystem, Policy
from rcg.settings import Settings, WorkerSettings

container.JobSystem = functools.partial(JobSystem, policy=Policy(limits=Limits(rest_ms=20)))  # type: ignore[misc]


async def serve(home: Path) -> None:
    settings = Settings(
        data_dir=home / "data",
        log_dir=home / "logs",
        certs_dir=home / "certs",
        workers=WorkerSettings(threads=1, nice=0),
    )
    app = create_app(settings, pages=False)
    async with app.router.lifespan_context(app):
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=2)
        )
        token = app.state.container.auth.create_token("test", ["admin"]).secret
        url = f"http://localhost:{listener.getsockname()[1]}"
        print(json.dumps({"url": url, "token": token}), flush=True)

        def watch() -> None:
            sys.stdin.read()
            server.should_exit = True

        threading.Thread(target=watch, daemon=True).start()
        await server.serve(sockets=[listener])


if __name__ == "__main__":
    os.environ["RCG_HOME"] = sys.argv[1]
    asyncio.run(serve(Path(sys.argv[1])))
