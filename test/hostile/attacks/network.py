"""Knocks at every door: addresses and ports over TCP, datagrams over UDP."""
import errno
import select
import socket


def ping():
    return "pong"


def family_of(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def begin(host, port):
    """A connection that is being made, or the name of the error."""
    client = socket.socket(family_of(host), socket.SOCK_STREAM)
    client.setblocking(False)
    try:
        code = client.connect_ex((host, port))
    except OSError as error:
        code = error.errno
    if code == 0:
        itself = client.getsockname() == client.getpeername()
        client.close()
        return "itself" if itself else "open"
    if code in (errno.EINPROGRESS, errno.EWOULDBLOCK):
        return client
    client.close()
    return errno.errorcode.get(code, str(code))


def scan(host, ports, wait_s=2):
    """How many ports answered how; the open ones by number. What is silent for `wait_s` is "silent"."""
    outcomes, opened = {}, []

    def note(port, outcome):
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        if outcome == "open":
            opened.append(port)

    for first in range(0, len(ports), 400):
        waiting = {}
        poll = select.poll()
        for port in ports[first:first + 400]:
            client = begin(host, port)
            if isinstance(client, str):
                note(port, client)
            else:
                waiting[client.fileno()] = (client, port)
                poll.register(client, select.POLLOUT)
        while waiting:
            ready = poll.poll(wait_s * 1000)
            if not ready:
                break
            for descriptor, _ in ready:
                client, port = waiting.pop(descriptor)
                poll.unregister(client)
                code = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                # A connection from a port to itself is open, with nobody there.
                itself = code == 0 and client.getsockname() == client.getpeername()
                note(port, "itself" if itself else "open" if code == 0 else errno.errorcode.get(code, str(code)))
                client.close()
        for client, port in waiting.values():
            note(port, "silent")
            client.close()
    return {"outcomes": outcomes, "open": sorted(opened)}


def scan_all(hosts, first=1, last=65535):
    return {host: scan(host, list(range(first, last + 1))) for host in hosts}


def knock(addresses):
    return {"%s %d" % (host, port): scan(host, [port])["outcomes"] for host, port in addresses}


def send(addresses):
    """Datagrams; nobody says whether they arrive."""
    for host, port in addresses:
        with socket.socket(family_of(host), socket.SOCK_DGRAM) as client:
            try:
                client.sendto(b"from a sandbox", (host, port))
            except OSError:
                pass
    return "sent"


def apply(input):
    return globals()[input.pop("do")](**input)
