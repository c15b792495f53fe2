"""What a process of the rig runs: `pideai-host …` as the demo starts it, so that it ends when the tests do."""

import runpy

if __name__ == "__main__":
    runpy.run_module("pideai_host.demo.child", run_name="__main__")
