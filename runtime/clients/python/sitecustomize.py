"""Read by each interpreter that starts inside a sandbox, since this folder is on PYTHONPATH.

The algorithm's dependencies come after the standard library, as in the vendor's images: requirement files of old
algorithms install `argparse`, `enum34` or `typing` from years ago, which must not take the place of today's.
"""
import os
import sys

FOLDER = os.environ.get("MILLRACE_DEPENDENCIES", "/opt/dependencies")


def offer_dependencies():
    """Puts the folder before the machine's own packages, with what its .pth files add. May be called again."""
    import site

    known = list(sys.path)
    site.addsitedir(FOLDER)
    added = [entry for entry in sys.path if entry not in known]
    before = [at for at, entry in enumerate(known) if os.path.basename(entry) in ("site-packages", "dist-packages")]
    at = before[0] if before else len(known)
    sys.path[:] = known[:at] + added + known[at:]


if os.path.isdir(FOLDER):
    offer_dependencies()
