"""Make respd's own Python environment in the checkout, without root and without touching the system's Python.

usage: python3 scripts/environment.py EXTRA [EXTRA ...]   (prints the environment's folder)

Builds `.venv` (`.venv-interpreted` with RESPD_COMPILE=0) with respd and the named extras ("run", "test", "dev"), or
leaves it as it is when nothing that goes into it has changed. Standard library only: it runs before anything is
installed. Debian ships `venv` without `ensurepip` unless python3-venv is installed; then pip itself is fetched from the
package index.
"""

import configparser
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPIED = (
    "tests",
    "benchmarks",
    "crashes",
    "soak",
    "docs",
    "examples",
    "scripts",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
)


def folder() -> Path:
    """Return where the environment lives."""
    named = os.environ.get("RESPD_VENV")
    if named:
        return Path(named)
    return ROOT / (".venv-interpreted" if os.environ.get("RESPD_COMPILE") == "0" else ".venv")


def fingerprint() -> str:
    """Return a digest of all that the installation depends on, but the extras."""
    digest = hashlib.sha256()
    has_headers = Path(sysconfig.get_path("include"), "Python.h").exists()
    digest.update(repr((sys.version, os.environ.get("RESPD_COMPILE"), shutil.which("cc"), has_headers)).encode())
    for path in [ROOT / "pyproject.toml", ROOT / "setup.py", *sorted((ROOT / "respd").rglob("*.py"))]:
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def say(text: str) -> None:
    print(f"respd: {text}", file=sys.stderr, flush=True)


def create(venv: Path) -> list[str]:
    """Create an empty environment and return the command that runs pip in it."""
    python = str(venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    pip = [python, "-m", "pip"]
    if venv.exists() and subprocess.run([*pip, "--version"], capture_output=True).returncode == 0:
        return pip
    say(f"creating the environment {venv}")
    shutil.rmtree(venv, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(venv)], capture_output=True)
    if made.returncode != 0:
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
        with tempfile.TemporaryDirectory() as temporary:
            wheel = fetch_pip(Path(temporary))
            subprocess.run([python, f"{wheel}/pip", "install", "--quiet", str(wheel)], check=True)
    return pip


def index_url() -> str:
    """Return the package index that pip is configured to use."""
    if os.environ.get("PIP_INDEX_URL"):
        return os.environ["PIP_INDEX_URL"]
    for name in (os.environ.get("PIP_CONFIG_FILE", ""), "~/.config/pip/pip.conf", "~/.pip/pip.conf", "/etc/pip.conf"):
        parser = configparser.ConfigParser(interpolation=None)
        if name and parser.read(os.path.expanduser(name)) and parser.has_option("global", "index-url"):
            return parser.get("global", "index-url")
    return "https://pypi.org/simple"


def fetch_pip(target: Path) -> Path:
    """Download the newest pip from the index and return its wheel."""
    say("this Python has no ensurepip (Debian: package python3-venv); fetching pip from the package index")
    page_url = index_url().rstrip("/") + "/pip/"
    page = urllib.request.urlopen(page_url).read().decode()
    wheels = re.findall(r'href="([^"]*/(pip-(\d+)\.(\d+)(?:\.(\d+))?-py3-none-any\.whl)[^"]*)"', page)
    if not wheels:
        sys.exit(f"respd: no pip found at {page_url}; install the package python3-venv")
    link, name, *_ = max(wheels, key=lambda found: tuple(int(part or 0) for part in found[2:]))
    path = target / str(name)
    path.write_bytes(urllib.request.urlopen(urllib.parse.urljoin(page_url, link)).read())
    return path


def install(venv: Path, extras: list[str]) -> None:
    """Install respd and `extras` unless the environment holds them already."""
    stamp = venv / "respd.stamp"
    digest = fingerprint()
    wanted = {extra for extra in extras if extra != "run"}
    if stamp.exists():
        held = json.loads(stamp.read_text())
        if held["digest"] == digest and wanted <= set(held["extras"]):
            return
        wanted |= set(held["extras"])
    pip = create(venv)
    say("installing (compiling with mypyc takes a minute or two; RESPD_COMPILE=0 skips it)")
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary, "respd")  # a copy: builds side by side must not share setuptools' build folder
        shutil.copytree(ROOT / "respd", source / "respd", ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
            shutil.copy2(ROOT / name, source / name)
        target = f"{source}[{','.join(sorted(wanted))}]" if wanted else str(source)
        if subprocess.run([*pip, "install", "--quiet", target], stdout=sys.stderr).returncode != 0:
            sys.exit("respd: the installation failed")
    version = subprocess.run([pip[0], "-m", "respd", "--version"], capture_output=True, text=True, cwd=venv)
    say(f"installed: {version.stdout.strip()}")
    stamp.write_text(json.dumps({"digest": digest, "extras": sorted(wanted)}))


def copy_tests(venv: Path) -> None:
    """Copy the tests beside the environment, so that they import the installed respd and not the checkout's source."""
    target = venv / "checkout"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for name in (*COPIED, "pyproject.toml"):
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, target / name, ignore=shutil.ignore_patterns("__pycache__", ".hypothesis"))
        elif path.exists():
            shutil.copy2(path, target / name)


def main(extras: list[str]) -> None:
    venv = folder()
    install(venv, extras)
    if "test" in extras or "dev" in extras:
        copy_tests(venv)
    print(venv)


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs this may have any Python
        sys.exit(f"respd: Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
    main(sys.argv[1:] or ["run"])
