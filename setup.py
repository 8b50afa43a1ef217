"""Build respd: compiled with mypyc where a C compiler is at hand, else the same source as it is.

RESPD_COMPILE=0 in the environment installs the source interpreted; RESPD_COMPILE=1 fails instead of falling back.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext

# What stays interpreted: run once at start-up, or rarely, and full of what a compiler gains nothing from.
INTERPRETED = {
    "__init__",
    "__main__",
    "cli",
    "cli_help",
    "cli_tools",
    "config_rewrite",
    "summaries",
    "syntax",
    "commands.introspection",
    "pollers",
    "scripting.lua_bit",
    "scripting.lua_cjson",
    "scripting.lua_cmsgpack",
    "scripting.lua_struct",
    "scripting.lua_support",
    "scripting.sandbox",
    "scripting.signals",
}


def modules() -> list[str]:
    """Return the paths of the modules to compile."""
    found = []
    for path in sorted(Path("respd").rglob("*.py")):
        name = ".".join(path.with_suffix("").parts[1:])
        if name not in INTERPRETED and path.name != "__init__.py":
            found.append(str(path))
    return found


def has_compiler() -> bool:
    """Tell whether a C program that includes Python.h compiles here."""
    command = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()
    if os.name == "nt":
        return True  # setuptools finds MSVC by itself, or the build says why not
    if shutil.which(command[0]) is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text("#include <Python.h>\nint probe(void) { return PY_VERSION_HEX; }\n")
        include = sysconfig.get_path("include")
        done = subprocess.run(
            [*command, "-I", include, "-c", str(source), "-o", str(Path(folder, "probe.o"))], capture_output=True
        )
        return done.returncode == 0


class ParallelBuild(build_ext):
    """Compiles the C files of an extension side by side."""

    def build_extensions(self) -> None:
        compile_one_by_one = self.compiler.compile
        workers = os.cpu_count() or 1

        def compile_together(sources, **options):  # type: ignore[no-untyped-def]
            with ThreadPoolExecutor(workers) as pool:
                parts = list(pool.map(lambda source: compile_one_by_one([source], **options), sources))
            return [name for part in parts for name in part]

        self.compiler.compile = compile_together
        super().build_extensions()


def extensions() -> list:  # type: ignore[type-arg]
    """Return the extension modules to build; none when respd is to be installed interpreted."""
    wish = os.environ.get("RESPD_COMPILE", "")
    if wish == "0":
        print("respd: RESPD_COMPILE=0, installing the interpreted build", file=sys.stderr)
        return []
    if wish != "1" and not has_compiler():
        print("respd: no working C compiler with Python's headers, installing the interpreted build", file=sys.stderr)
        return []
    from mypyc.build import mypycify

    print("respd: compiling with mypyc", file=sys.stderr)
    return mypycify(
        ["--config-file=pyproject.toml", *modules()],
        opt_level=os.environ.get("RESPD_OPT_LEVEL", "3"),
        debug_level="0",
        multi_file=True,
        strip_asserts=False,
        group_name="respd",
    )


setup(ext_modules=extensions(), cmdclass={"build_ext": ParallelBuild})
