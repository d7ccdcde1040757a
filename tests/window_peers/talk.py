"""A small peer for the window's tests: run inside a network namespace, standard library only.

    talk.py echo ADDRESS PORT             answers every line with itself, until killed; prints "ready"
    talk.py echo-udp ADDRESS PORT
    talk.py try SOURCE ADDRESS PORT       prints "connected", "refused" or "silence"
    talk.py try-udp SOURCE ADDRESS PORT   prints "answered" or "silence"
    talk.py hold SOURCE ADDRESS PORT      connects, prints "connected"; then for each line read from
                                          standard input sends it and prints "alive" or "silence"
SOURCE "-" is whatever the kernel takes.
"""

import socket
import sys
import threading

SILENCE_S = 0.7


def say(word):
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def _socket(address, kind):
    return socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)


def echo(address, port):
    with _socket(address, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(16)
        say("ready")

        def serve(connection):
            with connection:
                while data := connection.recv(1024):
                    connection.sendall(data)

        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


def echo_udp(address, port):
    with _socket(address, socket.SOCK_DGRAM) as server:
        server.bind((address, port))
        say("ready")
        while True:
            data, peer = server.recvfrom(1024)
            server.sendto(data, peer)


def connect(source, address, port):
    client = _socket(address, socket.SOCK_STREAM)
    client.settimeout(SILENCE_S)
    if source != "-":
        client.bind((source, 0))
    client.connect((address, port))
    return client


def try_(source, address, port):
    try:
        with connect(source, address, port):
            say("connected")
    except TimeoutError:
        say("silence")
    except ConnectionRefusedError:
        say("refused")
    except OSError as error:
        say(f"silence {error}")


def try_udp(source, address, port):
    with _socket(address, socket.SOCK_DGRAM) as client:
        client.settimeout(SILENCE_S)
        try:
            if source != "-":
                client.bind((source, 0))
            client.sendto(b"?", (address, port))
            client.recv(10)
            say("answered")
        except OSError as error:
            say(f"silence {error}")


def hold(source, address, port):
    with connect(source, address, port) as client:
        say("connected")
        for line in sys.stdin:
            try:
                client.sendall(line.encode())
                say("alive" if client.recv(1024) else "closed")
            except OSError as error:
                say(f"silence {error}")


if __name__ == "__main__":
    command, *addresses, port = sys.argv[1:]
    {"echo": echo, "echo-udp": echo_udp, "try": try_, "try-udp": try_udp, "hold": hold}[command](
        *addresses, int(port)
    )
