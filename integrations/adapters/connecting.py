"""Opening a TCP connection to a mail server: bounded, verified, and on loopback only where that is asked for."""

import ipaddress
import socket
import ssl

from integrations.ports import Unreachable

CONNECT_SECONDS = 30.0


def connect(*, host: str, port: int, seconds: float, loopback_only: bool) -> socket.socket:
    """A connected socket without Nagle's delay. Raises Unreachable in words."""
    try:
        if loopback_only:
            host = _loopback(host=host, port=port)
        sock = socket.create_connection((host, port), min(seconds, CONNECT_SECONDS))
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"No connection to {host} port {port}: {reason(error)}.") from error
    sock.settimeout(seconds)
    # A message ends with a small write of its own; with Nagle's algorithm it would wait for a delayed ACK.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def wrap(sock: socket.socket, *, host: str) -> ssl.SSLSocket:
    """Speak TLS on a connected socket, certificate and name verified. Raises Unreachable in words."""
    try:
        return ssl.create_default_context().wrap_socket(sock, server_hostname=host)
    except (OSError, ValueError) as error:
        sock.close()
        raise Unreachable(f"TLS with {host} failed: {reason(error)}.") from error


def reason(error: BaseException) -> str:
    """An error in words, without the machine's numbers in front."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _loopback(*, host: str, port: int) -> str:
    """The host's loopback address, pinned. Every address must be one, so that a name can't lead elsewhere."""
    found = {str(item[4][0]) for item in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    if not all(ipaddress.ip_address(address).is_loopback for address in found):
        raise Unreachable(f"A demo mailbox reaches only this machine, and {host} is not on it.")
    return sorted(found)[0]
