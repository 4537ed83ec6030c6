"""A process for each call, forked from one that has loaded the algorithm (isolation `call`).

    P   loaded the algorithm. It keeps the way to the platform's API and waits for
    K   the prepared process: reads requests, forks one process for each, and is the only one that answers.
    C   one call. Its memory is a copy; its process, mount and IPC namespaces are its own, `/tmp`, the home folder and
        `/dev/shm` are empty; no capability is left to undo that. It holds a socket to K and its own two output pipes,
        nothing else that another call holds as well.

K kills C's process namespace, and so whatever the call started, before the answer is passed on. C is forked ahead of
its request: what remains in the way of a call is the copying of pages that it writes to.
"""
import ctypes
import gc
import os
import select
import signal
import socket
import stat
import struct
import sys

NEW_MOUNTS, NEW_IPC, NEW_USER, NEW_PIDS = 0x20000, 0x8000000, 0x10000000, 0x20000000
NO_SUID, NO_DEVICES, NO_PROGRAMS = 2, 4, 8
NO_NEW_PRIVILEGES = 38
SECCOMP, FILTER = 22, 2
COLLAPSE = 25
HUGE_PAGE = 2 * 1024 * 1024
CHUNK = 65536
WRITABLE = ("/tmp", "/home/algo", "/dev/shm")

_libc = ctypes.CDLL(None, use_errno=True)
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


# The kernel's key rings belong to a user, so calls would share them: add_key, request_key and keyctl are refused.
# Machine: (its number in system call filters, the first of the three calls).
KEY_CALLS = {"x86_64": (0xC000003E, 248), "aarch64": (0xC00000B7, 217)}


class _Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


def _forbid_keys():
    """For this process and all that it forks, for good. Raises OSError on a machine that is not known here."""
    machine = os.uname().machine
    if machine not in KEY_CALLS:
        raise OSError("the system calls of %s are not known" % machine)
    architecture, first = KEY_CALLS[machine]
    load, equal, at_least, leave = 0x20, 0x15, 0x35, 0x06
    allow, refuse = 0x7FFF0000, 0x00050001  # with "Operation not permitted"
    steps = (
        (load, 0, 0, 4),
        (equal, 0, 4, architecture),  # calls of another architecture have other numbers
        (load, 0, 0, 0),
        (at_least, 2, 0, 0x40000000),  # as those of x32 on x86-64
        (at_least, 0, 2, first),
        (at_least, 1, 0, first + 3),
        (leave, 0, 0, refuse),
        (leave, 0, 0, allow),
    )
    code = b"".join(struct.pack("=HBBI", *step) for step in steps)
    program = ctypes.create_string_buffer(code, len(code))
    _must(_libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")
    filter = _Filter(len(steps), ctypes.addressof(program))
    _must(_libc.prctl(SECCOMP, FILTER, ctypes.byref(filter), 0, 0), "seccomp")


def _must(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, "%s: %s" % (what, os.strerror(number)))


def _unshare(flags):
    _must(_libc.unshare(flags), "unshare")


def _mount(kind, target, flags, options=None):
    _must(_libc.mount(kind, os.fsencode(target), kind, flags, options and options.encode()), "mount at " + target)


def _write(path, text):
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _new_user_namespace(others):
    """Keeps the user's id; gives every capability over what the namespace owns, and over nothing else."""
    uid, gid = os.getuid(), os.getgid()
    _unshare(NEW_USER | others)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", "%d %d 1" % (uid, uid))
    _write("/proc/self/gid_map", "%d %d 1" % (gid, gid))


def _mount_proc():
    _mount(b"proc", "/proc", NO_SUID | NO_DEVICES | NO_PROGRAMS)


# What every call would share: with any of it, calls cannot be forked.


def _shared_memory():
    with open("/proc/self/maps") as maps:
        for line in maps:
            if line.split(None, 2)[1].startswith("rw-s"):
                return "memory that is shared between processes: " + (line.split(None, 5)[5:] or ["anonymous"])[0].strip()
    return None


def _descriptor_fault(descriptor):
    try:
        target = os.readlink("/proc/self/fd/%d" % descriptor)
    except OSError:
        return None  # the one that listed the folder
    with open("/proc/self/fdinfo/%d" % descriptor) as info:
        flags = int(next(line for line in info if line.startswith("flags")).split()[1], 8)
    kind = os.stat(descriptor).st_mode
    if stat.S_ISCHR(kind) or ((stat.S_ISREG(kind) or stat.S_ISDIR(kind)) and flags & os.O_ACCMODE == os.O_RDONLY):
        return None
    return "%s open" % (target if target.startswith("/") else "a " + target.partition(":")[0])


def _children():
    found = []
    for task in os.listdir("/proc/self/task"):
        with open("/proc/self/task/%s/children" % task) as children:
            found += children.read().split()
    return "a process that runs on" if found else None


def _files():
    for folder in WRITABLE:
        for name in os.listdir(folder):
            if (folder, name) != ("/tmp", "algoout"):
                return "%s/%s, which calls with an empty %s would not find" % (folder, name, folder)
    return None


def shared_state(own_descriptors, own_threads):
    """What the algorithm made while it was loaded that forked calls would share, in words; None: nothing."""
    if len(sys._current_frames()) > 1 + own_threads:
        return "a thread that runs on"
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        fault = None if descriptor < 3 or descriptor in own_descriptors else _descriptor_fault(descriptor)
        if fault:
            return fault
    return _shared_memory() or _children() or _files()


def _use_huge_pages():
    """Copying the page table is most of a fork's price, and a huge page has one entry instead of 512."""
    with open("/proc/self/maps") as maps:
        lines = [line.split() for line in maps]
    for fields in lines:
        if fields[1] != "rw-p" or (len(fields) > 5 and fields[5] != "[heap]"):
            continue
        begin, end = (int(address, 16) for address in fields[0].split("-"))
        begin = -(-begin // HUGE_PAGE) * HUGE_PAGE
        for at in range(begin, end - HUGE_PAGE + 1, HUGE_PAGE):
            if _libc.madvise(at, HUGE_PAGE, COLLAPSE) != 0:
                break  # an older kernel, no huge page left, or not written yet; small ones do as well


def _mirror(pid):
    """Ends as that process does."""
    _, status = os.waitpid(pid, 0)
    os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


def become_prepared():
    """Forks: True in the prepared process, whose parent only waits; False where this machine does not allow it."""
    gc.collect()
    gc.freeze()
    _use_huge_pages()
    told, tell = os.pipe()
    pid = os.fork()
    if pid != 0:
        os.close(tell)
        prepared = os.read(told, 1) == b"k"
        os.close(told)
        if prepared:
            _mirror(pid)
        os.waitpid(pid, 0)
        return False
    try:
        _new_user_namespace(NEW_MOUNTS | NEW_PIDS)
    except OSError as error:
        print("Calls cannot be forked here: %s" % error, file=sys.stderr, flush=True)
        os._exit(1)
    pid = os.fork()
    if pid != 0:
        os.close(tell)
        _mirror(pid)
    try:
        _mount_proc()
        _write("/proc/sys/user/max_user_namespaces", "0")
        _forbid_keys()
        prepared = _Prepared()
        rehearsal = _Call(prepared, lambda line: line)
        works = rehearsal.run(b"\n") is not None
        rehearsal.end()
        os.close(prepared.pids)
    except OSError as error:
        print("Calls cannot be forked here: %s" % error, file=sys.stderr, flush=True)
        works = False
    if not works:
        os._exit(1)
    os.write(tell, b"k")
    os.close(tell)
    os.close(told)
    return True


def _size_options(path):
    """What an empty folder is mounted with, to be as large as this one."""
    size = os.statvfs(path)
    mode = os.stat(path).st_mode & 0o7777
    return "size=%d,nr_inodes=%d,mode=%o" % (size.f_blocks * size.f_frsize, size.f_files, mode)


def _reopen(descriptor):
    """A description of its own: descriptions are shared by a fork, and with them the place in the file."""
    path = "/proc/self/fd/%d" % descriptor
    try:
        own = os.open(path, os.O_RDONLY)
    except OSError:
        os.close(descriptor)
        return
    try:
        os.lseek(own, os.lseek(descriptor, 0, os.SEEK_CUR), os.SEEK_SET)
    except OSError:
        pass  # a folder or a device
    os.dup2(own, descriptor, False)
    os.close(own)


_capability_header = (ctypes.c_uint32 * 2)(0x20080522, 0)
_no_capabilities = (ctypes.c_uint32 * 6)()


def _drop_capabilities():
    _must(_libc.capset(_capability_header, _no_capabilities), "capset")


class _Prepared:
    """What K finds out once, so that its calls need not."""

    def __init__(self):
        self.pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self.folders = [(path, _size_options(path)) for path in WRITABLE]
        descriptors = [int(name) for name in os.listdir("/proc/self/fd")]
        self.files = [each for each in descriptors if each > 2 and _is_file(each)]
        self.devices = [each for each in descriptors if each > 2 and _is_device(each)]
        # Descriptors are numbered from below; a call's own are few.
        self.highest = max(descriptors) + 32

    def seclude(self, own):
        """Separates this process from all that other calls see, in a way that it cannot take back."""
        _unshare(NEW_MOUNTS | NEW_IPC)
        _mount_proc()
        for path, options in self.folders:
            _mount(b"tmpfs", path, NO_SUID | NO_DEVICES, options)
        for descriptor in self.files:
            _reopen(descriptor)
        last = 2
        for kept in sorted([own] + self.files + self.devices) + [self.highest]:
            os.closerange(last + 1, kept)
            last = kept
        _drop_capabilities()


def _kind(descriptor):
    try:
        return os.stat(descriptor).st_mode
    except OSError:
        return 0  # the one that listed the folder


def _is_file(descriptor):
    kind = _kind(descriptor)
    # Namespaces look like files, but have no path.
    has_path = kind != 0 and os.readlink("/proc/self/fd/%d" % descriptor).startswith("/")
    return has_path and (stat.S_ISREG(kind) or stat.S_ISDIR(kind))


def _is_device(descriptor):
    return stat.S_ISCHR(_kind(descriptor))


def _reseed():
    """Python's own generator does it by itself."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "random"):
        numpy.random.seed()


class _Call:
    """K's side of a process that waits for one request."""

    def __init__(self, prepared, answer_to):
        self.socket, inside = socket.socketpair()
        self.out, out = os.pipe()
        self.err, err = os.pipe()
        _unshare(NEW_PIDS)
        self.pid = os.fork()
        if self.pid == 0:
            _serve_one(prepared, inside, (out, err), answer_to)
        # Only the next process goes into the new namespace; the one after it gets its own.
        _must(_libc.setns(prepared.pids, NEW_PIDS), "setns")
        inside.close()
        os.close(out)
        os.close(err)

    def run(self, line):
        """The answer's line, or None when the process ended without one. What it prints is passed on."""
        try:
            self.socket.sendall(line)
        except OSError:
            return None
        sources = select.poll()
        streams = {self.out: 1, self.err: 2}
        answer = self.socket.fileno()
        for descriptor in (answer, *streams):
            sources.register(descriptor, select.POLLIN)
        parts = []
        while True:
            for descriptor, _ in sources.poll():
                data = _read(descriptor)
                if descriptor == answer:
                    parts.append(data)
                    if not data or b"\n" in data:
                        return self._line_of(parts)
                elif data:
                    _pass_on(streams[descriptor], data)
                else:
                    sources.unregister(descriptor)

    @staticmethod
    def _line_of(parts):
        line, newline, _ = b"".join(parts).partition(b"\n")
        return line + newline if newline else None

    def end(self):
        """Kills it and all that it started, and passes on what was printed. Returns how it had ended before, or None."""
        os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        for source, target in ((self.out, 1), (self.err, 2)):
            data = os.read(source, CHUNK)
            while data:
                _pass_on(target, data)
                data = os.read(source, CHUNK)
            os.close(source)
        self.socket.close()
        return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _read(descriptor):
    try:
        return os.read(descriptor, CHUNK)
    except ConnectionResetError:
        return b""  # it ended before it took its request


def _pass_on(target, data):
    while data:
        data = data[os.write(target, data):]


def _serve_one(prepared, inside, outputs, answer_to):
    """C: never returns."""
    try:
        os.dup2(outputs[0], 1)
        os.dup2(outputs[1], 2)
        prepared.seclude(inside.fileno())
        _reseed()
        parts = []
        while not (parts and parts[-1].endswith(b"\n")):
            data = inside.recv(CHUNK * 4)
            if not data:
                os._exit(0)
            parts.append(data)
        inside.sendall(answer_to(b"".join(parts)))
        # Not by itself: its end must not be taken for one without an answer.
        signal.pause()
    except BaseException as error:
        print("A call could not be isolated: %s" % error, file=sys.stderr, flush=True)
        os._exit(70)


def serve_forked(lines, answer_to, out):
    """K: answers each line of `lines` with what `answer_to` makes of it in a process of its own."""
    prepared = _Prepared()
    call = _Call(prepared, answer_to)
    while True:
        line = lines.readline()
        if not line:
            call.end()
            return
        answer = call.run(line)
        code = call.end()
        if answer is None:
            os._exit(code)
        _pass_on(out, answer)
        call = _Call(prepared, answer_to)
