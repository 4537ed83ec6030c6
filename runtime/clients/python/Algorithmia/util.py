"""Paths of the data API and checksums of files."""
import hashlib


def getParentAndBase(path):
    """`a/b/c` is (`a/b`, `c`); `a` is (`/`, `a`)."""
    path = path[len("data://"):] if path.startswith("data://") else path
    parent, _, base = path.strip("/").rpartition("/")
    if not base:
        raise ValueError("Invalid path: %r" % path)
    return parent or "/", base


def pathJoin(parent, base):
    return parent + base if parent.endswith("/") else parent + "/" + base


def md5_for_file(fname):
    digest = hashlib.md5()
    with open(fname, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def md5_for_str(content):
    return hashlib.md5(content.encode("utf-8")).hexdigest()
