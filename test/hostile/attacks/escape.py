"""Looks for a way to what belongs to others: processes, files, sockets, rights, the kernel's own places."""
import ctypes
import errno
import os
import socket
import stat
import subprocess

libc = ctypes.CDLL(None, use_errno=True)


def ping():
    return "pong"


def said(call, *arguments):
    """What a call of the C library says: "ok" or the name of its error."""
    result = call(*arguments)
    return "ok" if result >= 0 else errno.errorcode[ctypes.get_errno()]


def attempt(work):
    try:
        return work()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


def text_of(path):
    with open(path, "rb") as file:
        return file.read(1_000_000).decode("latin1")


def see_processes():
    """Command lines and environments of all processes that are to be seen."""
    pids = [name for name in os.listdir("/proc") if name.isdigit()]
    return {
        "pids": len(pids),
        "commands": [attempt(lambda: text_of("/proc/%s/cmdline" % pid)) for pid in pids],
        "environments": [attempt(lambda: text_of("/proc/%s/environ" % pid)) for pid in pids],
        "own": dict(os.environ),
    }


def read_files(paths):
    """What reading says: an error's name, or the beginning of the file or folder."""
    def look(path):
        return str(os.listdir(path))[:500] if os.path.isdir(path) else text_of(path)[:500]

    return {path: attempt(lambda: look(path)) for path in paths}


def read_around(path):
    """The same file by every root and working folder that /proc offers."""
    pids = [name for name in os.listdir("/proc") if name.isdigit()]
    ways = ["/proc/%s/%s%s%s" % (pid, link, "/.." * 9, path) for pid in pids for link in ("root", "cwd")]
    return sorted({attempt(lambda: text_of(way)) for way in ways})


def find_sockets():
    """Unix sockets anywhere but in the system's programs."""
    found = []
    for folder, folders, names in os.walk("/"):
        if folder in ("/proc", "/usr"):
            folders.clear()
            continue
        for name in names:
            path = os.path.join(folder, name)
            if attempt(lambda: stat.S_ISSOCK(os.lstat(path).st_mode)) is True:
                found.append(path)
    return found


def connect(paths):
    def knock(path):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
        return "ok"

    return {path: attempt(lambda: knock(path)) for path in paths}


def trace(pids):
    """ptrace and process_vm_readv of processes by their ids outside."""
    class Part(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    buffer = ctypes.create_string_buffer(64)
    local = Part(ctypes.addressof(buffer), 64)
    remote = Part(0x400000, 64)
    return {
        str(pid): [
            said(libc.ptrace, 16, pid, None, None),
            said(libc.process_vm_readv, pid, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0),
            said(libc.kill, pid, 0),
        ]
        for pid in pids
    }


def gain_rights():
    """Every way to a mount, a namespace, a device or another user."""
    new_user, new_mount, new_net = 0x10000000, 0x00020000, 0x40000000
    os.makedirs("/tmp/place", exist_ok=True)
    with open("/proc/1/ns/mnt") as first:
        entered = said(libc.setns, first.fileno(), 0)
    outcomes = {
        "mount tmpfs": said(libc.mount, b"tmpfs", b"/tmp/place", b"tmpfs", 0, None),
        "mount proc": said(libc.mount, b"proc", b"/tmp/place", b"proc", 0, None),
        "bind": said(libc.mount, b"/", b"/tmp/place", None, 4096, None),
        "make writable": said(libc.mount, None, b"/usr", None, 32 | 4096, None),
        "umount": said(libc.umount2, b"/tmp", 2),
        "user namespace": said(libc.unshare, new_user),
        "user and mount namespace": said(libc.unshare, new_user | new_mount),
        "mount namespace": said(libc.unshare, new_mount),
        "network namespace": said(libc.unshare, new_net),
        "chroot": attempt(lambda: os.chroot("/tmp")) or "ok",
        "device": attempt(lambda: os.mknod("/tmp/sda", 0o666 | stat.S_IFBLK, os.makedev(8, 0))) or "ok",
        "root": attempt(lambda: os.setuid(0)) or "ok",
        "groups": attempt(lambda: os.setgroups([0])) or "ok",
        "hostname": attempt(lambda: socket.sethostname("mine")) or "ok",
        "priority": attempt(lambda: os.nice(-10)),
        "clock": attempt(lambda: __import__("time").clock_settime(0, 0)) or "ok",
        "raw socket": attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close()) or "ok",
        "packet socket": attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3).close()) or "ok",
        "kernel log": said(libc.klogctl, 3, ctypes.create_string_buffer(16), 16),
        # Opened only: what could be written is never written.
        "core pattern": attempt(lambda: os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY) and "ok"),
        "binary formats": attempt(lambda: os.open("/proc/sys/fs/binfmt_misc/register", os.O_WRONLY) and "ok"),
        "helper of the kernel": attempt(lambda: os.open("/proc/sys/kernel/modprobe", os.O_WRONLY) and "ok"),
        "sysrq": attempt(lambda: os.open("/proc/sysrq-trigger", os.O_WRONLY) and "ok"),
    }
    return {**outcomes, "enter": entered}


def system_calls(numbers):
    """What the kernel says to system calls with arguments that are valid enough to tell refusal from nonsense."""
    zero = ctypes.create_string_buffer(256)
    return {name: said(libc.syscall, number, *([zero] * count)) for name, (number, count) in numbers.items()}


def run_setuid():
    """Who a setuid program makes us: a copy of our own, and those of the system."""
    subprocess.run(["cp", "/usr/bin/id", "/tmp/id"], check=True)
    os.chmod("/tmp/id", 0o4755)
    system = [
        os.path.join(folder, name)
        for folder in ("/usr/bin", "/usr/sbin", "/usr/lib/openssh")
        for name in (os.listdir(folder) if os.path.isdir(folder) else [])
        if attempt(lambda: os.lstat(os.path.join(folder, name)).st_mode & 0o4000) not in (0, "EACCES")
    ]
    status = dict(line.split(":\t") for line in text_of("/proc/self/status").splitlines() if ":\t" in line)
    become = subprocess.run(["su", "-c", "id -u"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return {
        "copy": subprocess.run(["/tmp/id", "-u"], capture_output=True, text=True).stdout.strip(),
        "system": system,
        "su": become.stdout.strip(),
        "status": {name: status[name].strip() for name in ("NoNewPrivs", "CapPrm", "CapEff", "CapBnd", "CapAmb")},
        "uid": os.getuid(),
    }


def apply(input):
    return globals()[input.pop("do")](**input)
