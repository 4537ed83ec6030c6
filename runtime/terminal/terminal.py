"""Runs a program on a terminal of its own inside a sandbox, which has only pipes.

Standard input carries frames: a letter, the length of what follows (four bytes, big-endian), and that. `i` is what was
typed; `s` the terminal's rows and columns (two bytes each). What the program writes goes to standard output as it is.
Ends as the program ends; when standard input ends, the program gets a hangup.
"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios

HEAD = 5


def write_all(fd, data):
    while data:
        data = data[os.write(fd, data) :]


def frames(buffer):
    """The whole frames in the buffer, and what is left of it."""
    found = []
    while len(buffer) >= HEAD:
        end = HEAD + int.from_bytes(buffer[1:HEAD], "big")
        if len(buffer) < end:
            break
        found.append((buffer[:1], buffer[HEAD:end]))
        buffer = buffer[end:]
    return found, buffer


def take(terminal, kind, content):
    if kind == b"i":
        write_all(terminal, content)
    elif kind == b"s":
        rows, columns = struct.unpack(">HH", content)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def relay(terminal):
    buffer = b""
    sources = [0, terminal]
    while True:
        ready, _, _ = select.select(sources, [], [])
        if terminal in ready:
            try:
                data = os.read(terminal, 65536)
            except OSError:  # how Linux says that nobody has the other side open any more
                return
            if not data:
                return
            write_all(1, data)
        if 0 in ready:
            data = os.read(0, 65536)
            if not data:
                return
            found, buffer = frames(buffer + data)
            for kind, content in found:
                take(terminal, kind, content)


def first_size():
    """The size comes first, so that the program never sees another one."""
    buffer = b""
    while len(buffer) < HEAD + 4:
        data = os.read(0, HEAD + 4 - len(buffer))
        if not data:
            sys.exit(129)
        buffer += data
    return buffer[:1], buffer[HEAD:]


def main():
    size = first_size()
    read_end, write_end = os.pipe()
    child, terminal = pty.fork()
    if child == 0:
        os.close(write_end)
        os.read(read_end, 1)  # until the terminal has its size
        try:
            os.execvp(sys.argv[1], sys.argv[1:])
        except OSError as error:
            sys.stderr.write("%s: %s\n" % (sys.argv[1], error.strerror))
            sys.stderr.flush()
            os._exit(127)
    take(terminal, *size)
    os.close(read_end)
    os.close(write_end)
    relay(terminal)
    os.close(terminal)  # the hangup
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    sys.exit(code if code >= 0 else 128 - code)


main()
