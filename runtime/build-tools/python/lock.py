"""Resolves requirements.txt in the working folder: writes lock.json with exact versions and digests.

Nothing is installed. pip's report names what it would install; its log names what it needed to build those that come as
source, which are pinned as well, so that a later build of the same lock uses the same tools.
"""

import json
import os
import re
import subprocess
import sys

REPORT = "report.json"
LOG = "pip.log"


def run_pip():
    words = ["install", "--dry-run", "--ignore-installed", "--report", REPORT, "--log", LOG, "-r", "requirements.txt"]
    common = ["--disable-pip-version-check", "--root-user-action=ignore", "--cache-dir", os.path.abspath("pip-cache")]
    return subprocess.run([sys.executable, "-m", "pip", *words, *common], check=False).returncode


def locked(item):
    """A line of the lock. Where a package lies is the machine's matter, unless requirements.txt says an address."""
    info = item["download_info"]
    entry = {"name": item["metadata"]["name"], "version": item["metadata"]["version"]}
    archive = info.get("archive_info", {})
    digest = archive.get("hashes", {}).get("sha256") or archive.get("hash", "").removeprefix("sha256=")
    if digest:
        entry["sha256"] = digest
    if item.get("is_direct"):
        vcs = info.get("vcs_info")
        entry["address"] = info["url"] if vcs is None else f"{vcs['vcs']}+{info['url']}@{vcs['commit_id']}"
    return entry


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
    code = run_pip()
    if code != 0:
        return code
    with open(REPORT, encoding="utf-8") as file:
        report = json.load(file)
    packages = sorted((locked(item) for item in report["install"]), key=lambda entry: entry["name"].lower())
    with open("lock.json", "w", encoding="utf-8") as file:
        json.dump({"packages": packages, "buildTools": build_tools()}, file)
    print(f"{len(packages)} packages: " + " ".join(f"{each['name']}=={each['version']}" for each in packages))
    return 0


sys.exit(main())
