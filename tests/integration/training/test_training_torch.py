"""The process that serves pages loads no torch: it would cost seconds and half a gigabyte."""

import os
import subprocess
import sys

CODE = """
import sys
from pathlib import Path
from fastapi.testclient import TestClient
from rcg.app import create_app
from rcg.settings import Settings
home = Path(sys.argv[1])
(home / "data").mkdir()
app = create_app(Settings(data_dir=home / "data", log_dir=home / "logs", certs_dir=home / "certs"))
with TestClient(app, base_url="https://localhost:8443") as client:
    token = app.state.container.auth.create_token("t", ["admin"]).secret
    client.headers["authorization"] = f"Bearer {token}"
    client.post("/api/datasets", json={"name": "d", "kind": "surface_damage"})
    for path in ("/api/architectures", "/api/training", "/api/models", "/api/openapi.json", "/train/",
                 "/api/weights", "/api/revolutionary-training/status", "/api/architectures?dataset_id=d"):
        assert client.get(path).status_code == 200, path
    assert client.post("/api/training/plan", json={"dataset": "d"}).status_code == 409
    import rcg.jobs.train, rcg.jobs.train_rows, rcg.jobs.twin, rcg.jobs.first_model
    from rcg.jobs.handler import HANDLERS, load
    for handler in HANDLERS.values():
        for name in (handler.compute, handler.accept, handler.follow, handler.keep):
            if name:
                load(name)
print(sorted(name for name in sys.modules if name.split(".")[0] in {"torch", "torchvision"}))
"""


def test_the_web_process_loads_no_torch(tmp_path):
    out = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)],
        capture_output=True, text=True, check=False, env=os.environ | {"RCG_HOME": str(tmp_path)},
    )  # fmt: skip
    assert out.returncode == 0, out.stderr
    assert out.stdout.strip().endswith("[]")
