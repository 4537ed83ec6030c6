"""Writes where the runner answers, ends where nobody expects it, and does not go when it is asked to."""
import os
import signal
import sys
import threading
import time

PIPE = "/tmp/algoout"


def ping():
    return "pong"


def write(*parts):
    out = os.open(PIPE, os.O_WRONLY)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        while data:
            data = data[os.write(out, data):]
    os.close(out)


def answer(value):
    return '{"result": "%s", "metadata": {"content_type": "text"}}\n' % value


def write_text(text, hang=False):
    write(text)
    if hang:
        time.sleep(600)
    return "own answer"


def answer_twice():
    write(answer("first") + answer("second"))
    time.sleep(600)


def answer_then_own():
    write(answer("first"))
    return "second"


def answer_later():
    """Once properly, once more when nobody asks."""
    threading.Timer(0.1, write, [answer("late")]).start()
    return "in time"


def write_line(size):
    block = b"x" * 1_000_000
    write(*[block] * (size // len(block)), b"\n")


def drip(size):
    """A line that looks finished after each of its many pieces."""
    out = os.open(PIPE, os.O_WRONLY)
    os.write(out, b'{"result": "')
    for _ in range(size // 65_536):
        os.write(out, b"}" * 65_536)
    end = time.time() + 2
    while time.time() < end:
        os.write(out, b"}")
    time.sleep(600)


def nested(depth):
    write('{"metadata":{"content_type":"json"}, "result":' + "[" * depth + "]" * depth + "}\n")
    time.sleep(600)


def many_values(size):
    write('{ "x": 1, "result": [' + "{}," * (size // 3) + '0], "metadata": {"content_type":"json"}}\n')
    time.sleep(600)


def raise_much(size):
    raise ValueError("x" * size)


def leave(how):
    if how == "exit":
        sys.exit(3)
    if how == "_exit":
        os._exit(3)
    os.kill(os.getpid(), getattr(signal, how))


def leave_after():
    threading.Timer(0.05, os._exit, [3]).start()
    return "in time"


def close_all():
    """All descriptors, the runner's included."""
    os.closerange(0, 1000)
    return "unheard"


def ignore_signals():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(600)


def leave_behind():
    """A thread, a child and a daemon that outlive the call."""
    threading.Thread(target=time.sleep, args=(600,)).start()
    if os.fork() == 0:
        time.sleep(600)
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
    return "done"


def apply(input):
    return globals()[input.pop("do")](**input)
