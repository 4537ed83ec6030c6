"""Installs what lock.json in the working folder names into dependencies/: the same lock gives the same bytes."""

import compileall
import json
import os
import pathlib
import py_compile
import subprocess
import sys

FOLDER = "dependencies"
TARGET = "/opt/dependencies"
# Debugging information holds the name of the folder that pip builds in, which is new each time.
REPRODUCIBLE = {"SOURCE_DATE_EPOCH": "315532800", "PYTHONHASHSEED": "0", "CFLAGS": "-g0", "CXXFLAGS": "-g0"}


def requirement(entry):
    if "address" in entry:
        pinned = f"{entry['name']} @ {entry['address']}"
    else:
        pinned = f"{entry['name']}=={entry['version']}"
    return f"{pinned} --hash=sha256:{entry['sha256']}\n" if "sha256" in entry else f"{pinned}\n"


def write(name, lines):
    pathlib.Path(name).write_text("".join(lines), encoding="utf-8")


def install(name, packages):
    if not packages:
        return 0
    write(name, [requirement(entry) for entry in packages])
    words = ["install", "--no-deps", "--no-compile", "--no-warn-script-location", "--target", FOLDER, "-r", name]
    common = ["--disable-pip-version-check", "--root-user-action=ignore", "--cache-dir", os.path.abspath("pip-cache")]
    environment = {**os.environ, **REPRODUCIBLE, "PIP_CONSTRAINT": os.path.abspath("build-tools.txt")}
    return subprocess.run([sys.executable, "-m", "pip", *words, *common], check=False, env=environment).returncode


def compile_ahead():
    """Byte code that holds no time and is valid whatever the source's time is."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(FOLDER, quiet=2, stripdir=FOLDER, prependdir=TARGET, invalidation_mode=mode, workers=1)


def main():
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Byte code holds sets in the order of their hashes.
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **REPRODUCIBLE})
    with open("lock.json", encoding="utf-8") as file:
        lock = json.load(file)
    write("build-tools.txt", [f"{name}=={version}\n" for name, version in lock["buildTools"].items()])
    # With digests pip refuses whatever has none, so a commit of a repository comes apart from the rest.
    for name, has_digest in (("locked.txt", True), ("commits.txt", False)):
        code = install(name, [entry for entry in lock["packages"] if ("sha256" in entry) == has_digest])
        if code != 0:
            return code
    compile_ahead()
    return 0


sys.exit(main())
