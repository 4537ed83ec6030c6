"""The pipe protocol, spoken by runner.py and by the ADK: one JSON line on stdin, one JSON value on the result pipe.

Requests are strictly serial. Standard output and error are flushed before each answer, so that what a call printed
never arrives with the next one.
"""
import json
import os
import sys

try:
    from _contextvars import ContextVar
except ImportError:  # Python 3.6, which knows of threads only
    from _thread import _local

    class ContextVar(_local):
        def __init__(self, name, default=None):
            self.value = default

        def get(self):
            return self.value

        def set(self, value):
            self.value = value


RESULT_PIPE = os.environ.get("MILLRACE_RESULT_PIPE", "/tmp/algoout")
ENDPOINT = os.environ.get("MILLRACE_ENDPOINT", "/run/millrace.sock")
_OURS = os.path.dirname(__file__) + os.sep

# Whether each call is to have a process of its own, forked from this one; runner.py says so.
fork_calls = False
_relay_descriptors = []

# Whether the requests were already answered while the algorithm was being imported, as the ADK does.
served = False

_TAIL = {kind: ', "metadata": {"content_type": "%s"}}\n' % kind for kind in ("json", "text", "binary")}


# Called once each, after the answer of the running request.
_after = []
_running = False


def in_request():
    return _running


def after_request(call):
    _after.append(call)


def arity_of(function):
    """(least, most) positional arguments that it takes, without the `self` of a method."""
    import inspect

    least = most = 0
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1, 1  # a built-in that does not tell
    for each in parameters:
        if each.kind is each.VAR_POSITIONAL:
            most = 255
        elif each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD):
            most += 1
            least += each.default is each.empty
    return least, most


# Which request of this process runs, from 1, for code that was started by it: tasks have it, threads of their own do not.
run_number = ContextVar("millrace_run", default=None)


# A little more than the platform keeps, which says that something was cut off.
_ERROR_TEXT_MAX = 66_000


def on_platform():
    """True where a runner is listened to; a build or a test has no result pipe."""
    return os.path.exists(RESULT_PIPE)


def _text_of(error):
    try:
        return str(error)
    except Exception:
        return type(error).__name__  # its own __str__ fails


def error_of(error):
    """What is answered for an exception of the algorithm."""
    import traceback  # costs 3 ms, which a start can do without

    kind = getattr(error, "error_type", None)
    trace = error.__traceback__
    # The first frames are ours: of no use to the author.
    while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename.startswith(_OURS):
        trace = trace.tb_next
    return {
        "error": {
            "message": (str(error.message) if getattr(error, "passed_on", False) else _text_of(error))[:_ERROR_TEXT_MAX],
            "error_type": kind if isinstance(kind, str) else "AlgorithmError",
            "stacktrace": "".join(traceback.format_exception(type(error), error, trace))[:_ERROR_TEXT_MAX],
        }
    }


def _name_of_bad_number(value, path="result"):
    """Where in the value the first number is that JSON cannot hold, and which one it is."""
    if isinstance(value, float):
        return None if value - value == 0 else "%s is %r" % (path, value)
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(key, float) and key - key != 0:
                return "a key of %s is %r" % (path, key)
            found = _name_of_bad_number(item, "%s[%r]" % (path, key))
            if found:
                return found
    if isinstance(value, (list, tuple)):
        for position, item in enumerate(value):
            found = _name_of_bad_number(item, "%s[%d]" % (path, position))
            if found:
                return found
    return None


_dumps = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


def answer_of(value):
    """The line for a result: bytes become binary, str becomes text, anything else JSON."""
    if isinstance(value, str):
        return '{"result": ' + _dumps(value) + _TAIL["text"]
    if isinstance(value, (bytes, bytearray)):
        import base64

        return '{"result": "' + base64.b64encode(value).decode("ascii") + '"' + _TAIL["binary"]
    try:
        return '{"result": ' + _dumps(value) + _TAIL["json"]
    except ValueError:
        bad = _name_of_bad_number(value)
        if bad is None:
            raise
        raise ValueError("The result cannot be written as JSON: %s. Replace it, by None for example." % bad) from None


def _input_of(request):
    if request["content_type"] == "binary":
        import base64

        return base64.b64decode(request["data"])
    return request["data"]


def _flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, ValueError, OSError):
            pass  # the algorithm replaced or closed it


def _take_stdin():
    """Requests come on a descriptor of our own: neither the algorithm nor its child processes can eat one."""
    lines = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return lines


def _leave(code):
    """Ends the process as sys.exit(code) does, but at once: threads of the algorithm would keep it until the deadline."""
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    _flush()
    os._exit((code or 0) & 255)


def _answer_to(run, line):
    global _running
    _running = True
    try:
        answer = answer_of(run(_input_of(json.loads(line))))
    except Exception as error:
        answer = json.dumps(error_of(error)) + "\n"
    except SystemExit as end:
        _leave(end.code)
    _flush()
    return answer.encode("ascii")


def _forks(lines):
    """True in a process from which calls are forked; False: this one has to answer."""
    import millrace_fork

    shared = millrace_fork.shared_state([lines.fileno()] + _relay_descriptors, len(_relay_descriptors))
    if shared is None:
        return millrace_fork.become_prepared()
    print("Calls cannot be forked: loading left %s." % shared, file=sys.stderr, flush=True)
    return False


def serve(run):
    """Reports ready, then answers requests with run(input) until stdin ends. Exceptions of `run` become answers."""
    global served, _running
    served = True
    lines = _take_stdin()
    forks = fork_calls and _forks(lines)
    print("PIPE_INIT_COMPLETE forks" if forks else "PIPE_INIT_COMPLETE", flush=True)
    out = os.open(RESULT_PIPE, os.O_WRONLY | os.O_CLOEXEC)
    if forks:
        import millrace_fork

        millrace_fork.serve_forked(lines, lambda line: _answer_to(run, line), out)
        return
    write = os.write
    number = 0
    while True:
        line = lines.readline()
        if not line:
            return
        number += 1
        run_number.set(number)
        data = _answer_to(run, line)
        sent = write(out, data)
        while sent < len(data):
            data = memoryview(data)[sent:]
            sent = write(out, data)
        _running = False
        # Taken out first: what is registered meanwhile belongs to the next request.
        calls, _after[:] = _after[:], []
        for call in calls:
            call()


def open_relay():
    """Gives the algorithm an address for the platform's API: a port of this sandbox that leads to its socket outside.

    Costs one thread that sleeps until somebody connects; the rest is loaded then.
    """
    if not os.path.exists(ENDPOINT):
        return
    import _socket
    import _thread

    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    _relay_descriptors.append(listener.fileno())
    os.environ["ALGORITHMIA_API"] = "http://127.0.0.1:%d" % listener.getsockname()[1]

    def accept():
        while True:
            inside, _ = listener._accept()
            from millrace_relay import relay

            relay(inside, ENDPOINT)

    _thread.start_new_thread(accept, ())
