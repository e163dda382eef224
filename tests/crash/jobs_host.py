"""A process that runs the job system until it is killed or its input ends; jobs come in as JSON lines.

python jobs_host.py FOLDER SLOTS       prints {"pid", "valkey"} when it is ready, {"id"} per job
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from jobs_kit import known_kinds, make_settings, running, submit

from rcg.errors import StartError


async def serve(folder: Path, slots: int) -> None:
    async with running(make_settings(folder, slots=slots)) as system:
        print(json.dumps({"valkey": system.valkey_pid}), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            print(json.dumps({"id": submit(system, order["kind"], **order["spec"])}), flush=True)


if __name__ == "__main__":
    with known_kinds():
        try:
            asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
        except StartError as error:
            sys.exit(str(error))
