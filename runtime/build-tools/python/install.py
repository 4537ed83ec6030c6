"""Installs what lock.json in the working folder names into dependencies/: the same lock gives the same bytes."""

import compileall
import json
import os
import pathlib
import py_compile
import re
import subprocess
import sys

FOLDER = "dependencies"
TARGET = "/opt/dependencies"
# Debugging information holds the name of the folder that pip builds in, which is new each time.
REPRODUCIBLE = {"SOURCE_DATE_EPOCH": "315532800", "PYTHONHASHSEED": "0", "CFLAGS": "-g0", "CXXFLAGS": "-g0"}
# Where the algorithm's file has pip look, and for what. Other options are about what was resolved already.
OPTIONS = re.compile(
    r"^\s*(-i|--index-url|--extra-index-url|--no-index|-f|--find-links|--trusted-host"
    r"|--no-binary|--only-binary|--prefer-binary|--pre)\b.*$",
    re.M,
)


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement(entry):
    if "address" in entry:
        pinned = f"{entry['name']} @ {entry['address']}"
    else:
        pinned = f"{entry['name']}=={entry['version']}"
    return f"{pinned} --hash=sha256:{entry['sha256']}" if "sha256" in entry else pinned


def write(name, lines):
    pathlib.Path(name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def options():
    text = pathlib.Path("requirements.txt").read_text(encoding="utf-8")
    return [found.group(0).strip() for found in OPTIONS.finditer(text)]


def install(name, packages):
    if not packages:
        return
    write(name, [*options(), *map(requirement, packages)])
    words = ["install", "--no-deps", "--no-compile", "--no-warn-script-location", "--target", FOLDER, "-r", name]
    common = ["--disable-pip-version-check", "--cache-dir", os.path.abspath("pip-cache")]
    environment = {**os.environ, "PIP_CONSTRAINT": os.path.abspath("build-tools.txt")}
    code = subprocess.run([sys.executable, "-m", "pip", *words, *common], check=False, env=environment).returncode
    if code != 0:
        sys.exit(code)


def pin_build_tools(lock):
    """A constraint holds for the algorithm's own packages, too, so one that is both is left to the build that needs it."""
    own = {normal(entry["name"]) for entry in lock["packages"]}
    tools = [f"{name}=={version}" for name, version in lock["buildTools"].items() if normal(name) not in own]
    write("build-tools.txt", tools)


def compile_ahead():
    """Byte code that holds no time and is valid whatever the source's time is, where the release knows such."""
    if not hasattr(py_compile, "PycInvalidationMode"):
        return
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    for folder in [FOLDER, *(str(each) for each in sorted(pathlib.Path(FOLDER).rglob("*")) if each.is_dir())]:
        compileall.compile_dir(folder, maxlevels=0, ddir=folder.replace(FOLDER, TARGET, 1), quiet=2, invalidation_mode=mode)


def main():
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Byte code holds sets in the order of their hashes.
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **REPRODUCIBLE})
    with open("lock.json", encoding="utf-8") as file:
        lock = json.load(file)
    pin_build_tools(lock)
    # With digests pip refuses whatever has none, so a commit of a repository comes apart from the rest.
    install("locked.txt", [entry for entry in lock["packages"] if "sha256" in entry])
    install("commits.txt", [entry for entry in lock["packages"] if "sha256" not in entry])
    compile_ahead()


main()
