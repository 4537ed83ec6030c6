"""Takes what a machine has: processes, memory, processors, disk, descriptors, and the reader of its output."""
import errno
import hashlib
import os
import resource
import sys
import threading
import time


def ping():
    return "pong"


def fork_bomb():
    while True:
        try:
            os.fork()
        except OSError:
            pass


def eat_memory():
    kept = []
    while True:
        kept.append(b"x" * 16_000_000)


def eat_memory_together(processes):
    for _ in range(processes):
        if os.fork() == 0:
            eat_memory()
    killed = 0
    for _ in range(processes):
        _, status = os.wait()
        killed += os.WIFSIGNALED(status)
    return killed


def spin(threads):
    block = b"x" * 4_000_000

    def work():
        while True:
            hashlib.sha256(block).digest()  # without the interpreter's lock

    for _ in range(threads):
        threading.Thread(target=work, daemon=True).start()
    time.sleep(600)


def fill(folder):
    """Bytes that fit into a folder, and what was said then."""
    written, block = 0, b"x" * 1_000_000
    try:
        with open(os.path.join(folder, "full"), "wb", buffering=0) as file:
            while True:
                written += file.write(block)
    except OSError as error:
        return [written, errno.errorcode[error.errno]]


def fill_disk():
    places = ["/tmp", "/home/algo", "/dev/shm", "/", "/dev", "/run", "/opt/algorithm", "/usr", "/var/tmp"]
    return {folder: fill(folder) for folder in places}


def fill_inodes():
    made = 0
    try:
        while True:
            os.close(os.open("/tmp/file-%d" % made, os.O_CREAT | os.O_WRONLY))
            made += 1
    except OSError as error:
        return [made, errno.errorcode[error.errno]]


def print_lines(size):
    for _ in range(size // 5_000):
        print("x" * 4_999)


def print_line(size):
    for _ in range(size // 1_000_000):
        sys.stdout.write("x" * 1_000_000)
        sys.stderr.write("y" * 1_000)


def print_forever():
    block = b"x" * 65536
    while True:
        os.write(1, block)
        os.write(2, block)


def open_descriptors(processes):
    """Descriptors that all processes together hold open at once."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def open_all():
        held = 0
        try:
            while True:
                os.open("/dev/null", os.O_RDONLY)
                held += 1
        except OSError as error:
            return held, errno.errorcode[error.errno]

    reading, writing = os.pipe()
    for _ in range(processes):
        if os.fork() == 0:
            os.write(writing, b"%d %s\n" % (lambda held, why: (held, why.encode()))(*open_all()))
            time.sleep(600)
    said = b""
    while said.count(b"\n") < processes:
        said += os.read(reading, 65536)
    lines = [line.split() for line in said.decode().splitlines()]
    return {"held": sum(int(held) for held, _ in lines), "why": sorted({why for _, why in lines}), "hard": hard}


def apply(input):
    return globals()[input.pop("do")](**input)
