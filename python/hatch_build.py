"""Names the wheel after the system of the library that it holds."""
import os

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):
    def initialize(self, version, build_data):
        tag = os.environ.get("STRATOSCOPE_WHEEL_TAG")
        if not tag or not os.path.exists(os.path.join(self.root, "stratoscope", "_bundled", "libstratoscope.so")):
            raise RuntimeError("the wheel is made by ./run wheel, which puts the library into the package")
        build_data["tag"] = tag
        build_data["pure_python"] = False
