"""Local copies of files. Authors hold a path or an open file and never remove what it names."""
import os
import tempfile
import weakref

import millrace_pipe


class Path(str):
    """A path whose file goes after the request in which it was fetched, unless somebody holds the path by then.

    An open file holds it as its `name`. What was fetched while the algorithm loaded stays.
    """


class _Copies(object):
    def __init__(self):
        self.of_requests = []

    def add(self, content):
        descriptor, name = tempfile.mkstemp()
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        path = Path(name)
        if millrace_pipe.in_request():
            if not self.of_requests:
                millrace_pipe.after_request(self.remove_unheld)
            self.of_requests.append((weakref.ref(path), name))
        return path

    def remove_unheld(self):
        gone = [name for path, name in self.of_requests if path() is None]
        self.of_requests = [(path, name) for path, name in self.of_requests if path() is not None]
        if self.of_requests:
            millrace_pipe.after_request(self.remove_unheld)
        for name in gone:
            try:
                os.remove(name)
            except OSError:
                pass  # the algorithm moved or removed it


copies = _Copies()
