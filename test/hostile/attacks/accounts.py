"""Leaves something wherever two accounts might meet, and looks for what others left."""
import ctypes
import fcntl
import glob
import os
import socket
import struct

libc = ctypes.CDLL(None, use_errno=True)
places = ["/tmp", "/home/algo", "/dev/shm", "/var/tmp", "/run", "/opt/algorithm"]
remembered = []
kept = []


def leave_everywhere(text):
    """How many places took it."""
    remembered.append(text)
    taken = 0
    for folder in places:
        try:
            with open(os.path.join(folder, "left"), "w") as file:
                file.write(text)
            taken += 1
        except OSError:
            pass
    shared = libc.shmget(4711, 4096, 0o1666)
    if shared >= 0:
        libc.shmat.restype = ctypes.c_void_p
        ctypes.memmove(libc.shmat(shared, None, 0), text.encode(), len(text))
        taken += 1
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("\0left")
    listener.listen()
    kept.append(listener)
    port = socket.socket()
    port.bind(("127.0.0.1", 4711))
    port.listen()
    kept.append(port)
    libc.syscall(248, b"user", b"left", text.encode(), len(text), -3)
    libc.syscall(248, b"user", b"left", text.encode(), len(text), -4)
    os.environ["LEFT"] = text
    return taken


def look_everywhere():
    """Whatever somebody else left."""
    found = [*remembered, *[path for folder in places for path in glob.glob(folder + "/left")]]
    if libc.shmget(4711, 4096, 0) >= 0:
        found.append("shared memory")
    for family, address in ((socket.AF_UNIX, "\0left"), (socket.AF_INET, ("127.0.0.1", 4711))):
        with socket.socket(family) as client:
            if client.connect_ex(address) == 0:
                found.append("socket %r" % (address,))
    if libc.syscall(249, b"user", b"left", None, 0) >= 0:
        found.append("key")
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as file:
                if b"LEFT=" in file.read():
                    found.append(path)
        except OSError:
            pass
    return found


def report(value):
    """Tells the platform something of this run, by a connection that stays open."""
    import http.client
    import json
    from urllib.parse import urlparse

    address = urlparse(os.environ["ALGORITHMIA_API"])
    connection = http.client.HTTPConnection(address.hostname, address.port)
    kept.append(connection)
    body = json.dumps([{"insight_key": "value", "insight_value": value}])
    connection.request("POST", "/v1/insights", body)
    return connection.getresponse().status


def apply(input):
    return globals()[input.pop("do")](**input)
