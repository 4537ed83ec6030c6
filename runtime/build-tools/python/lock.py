"""Resolves requirements.txt in the working folder: writes lock.json with exact versions and digests.

Nothing is installed. pip's report names what it would install; its log names what it needed to build those that come as
source, which are pinned as well, so that a later build of the same lock uses the same tools. A pip of before it could
report (22.2) downloads instead, and the files tell.
"""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

REPORT = "report.json"
LOG = "pip.log"
DOWNLOADS = "downloads"


def run_pip(*words):
    common = ["--disable-pip-version-check", "--cache-dir", os.path.abspath("pip-cache"), "--log", LOG]
    command = [sys.executable, "-m", "pip", *words, *common, "-r", "requirements.txt"]
    code = subprocess.run(command, check=False).returncode
    if code != 0:
        sys.exit(code)


def can_report():
    said = subprocess.run([sys.executable, "-m", "pip", "--version"], stdout=subprocess.PIPE, check=True).stdout.decode()
    major, minor = re.search(r"pip (\d+)\.(\d+)", said).groups()
    return (int(major), int(minor)) >= (22, 2)


def locked(item):
    """A line of the lock. Where a package lies is the machine's matter, unless requirements.txt says an address."""
    info = item["download_info"]
    entry = {"name": item["metadata"]["name"], "version": item["metadata"]["version"]}
    archive = info.get("archive_info", {})
    digest = archive.get("hashes", {}).get("sha256") or archive.get("hash", "").replace("sha256=", "")
    if digest:
        entry["sha256"] = digest
    if item.get("is_direct"):
        vcs = info.get("vcs_info")
        entry["address"] = info["url"] if vcs is None else f"{vcs['vcs']}+{info['url']}@{vcs['commit_id']}"
    return entry


def locked_file(file):
    name, version = re.match(r"(.+?)-(\d[^-]*?)(?:-.*\.whl|\.whl|\.tar\.\w+|\.zip)$", file.name).groups()
    return {"name": name, "version": version, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}


def resolve():
    if can_report():
        run_pip("install", "--dry-run", "--target", "unused", "--report", REPORT)
        with open(REPORT, encoding="utf-8") as file:
            return [locked(item) for item in json.load(file)["install"]]
    if "://" in re.sub(r"(?m)^\s*(-|#).*$", "", pathlib.Path("requirements.txt").read_text(encoding="utf-8")):
        sys.exit("This environment's pip is too old to pin an address in requirements.txt: name packages by version.")
    run_pip("download", "--dest", DOWNLOADS)
    return [locked_file(file) for file in pathlib.Path(DOWNLOADS).iterdir()]


def build_tools():
    """Tools that pip fetched to build from source; one that was needed in two versions is left to its users."""
    versions = {}
    with open(LOG, encoding="utf-8", errors="replace") as log:
        for line in log:
            found = re.search(r"\s{3,}Successfully installed (.+)$", line)
            for name, version in re.findall(r"(\S+)-(\d\S*)", found.group(1) if found else ""):
                versions.setdefault(name.lower(), set()).add(version)
    return {name: min(found) for name, found in sorted(versions.items()) if len(found) == 1}


def main():
    packages = sorted(resolve(), key=lambda entry: entry["name"].lower())
    with open("lock.json", "w", encoding="utf-8") as file:
        json.dump({"packages": packages, "buildTools": build_tools()}, file)
    print("locked: " + " ".join(f"{each['name']}=={each['version']}" for each in packages))


main()
