"""Carries bytes between a connection made inside the sandbox and the sandbox's socket outside."""
import _thread
import socket


def _close(*ends):
    for end in ends:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # closed by the other direction
        end.close()


def _pump(source, target):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # the other end is gone


def _carry(inside, outside):
    done = _thread.allocate_lock()
    done.acquire()

    def back():
        _pump(outside, inside)
        done.release()

    _thread.start_new_thread(back, ())
    _pump(inside, outside)
    done.acquire()
    _close(inside, outside)


def relay(descriptor, endpoint):
    """Takes over an accepted connection, given as a descriptor. Returns at once."""
    inside = socket.socket(fileno=descriptor)
    outside = socket.socket(socket.AF_UNIX)
    try:
        outside.connect(endpoint)
    except OSError:
        _close(inside, outside)
        return
    _thread.start_new_thread(_carry, (inside, outside))
