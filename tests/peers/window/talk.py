"""A small peer for the window's tests: run inside a network namespace, standard library only.

    talk.py echo ADDRESS PORT             answers every line with itself, until killed; prints "ready"
    talk.py echo-udp ADDRESS PORT
    talk.py try SOURCE ADDRESS PORT       prints "connected", "refused" or "silence"
    talk.py try-udp SOURCE ADDRESS PORT   prints "answered" or "silence"
    talk.py hold SOURCE ADDRESS PORT      connects, prints "connected"; then for each line read from
                                          standard input sends it and prints "alive" or "silence"
    talk.py hammer SOURCE ADDRESS PORT    tries all the time until standard input ends; prints "trying" after
                                          the first try, at the end how often it connected
SOURCE "-" is whatever the kernel takes; "ADDRESS%PORT" comes from that port.
"""

import socket
import sys
import threading

SILENCE_S = 1.5
"""Longer than a lost neighbour solicitation takes to be sent again."""


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


def connect(source, address, port, silence_s=SILENCE_S):
    client = _socket(address, socket.SOCK_STREAM)
    client.settimeout(silence_s)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        if source != "-":
            own, _, own_port = source.partition("%")
            client.bind((own, int(own_port or 0)))
        client.connect((address, port))
    except OSError:
        client.close()
        raise
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


def hammer(source, address, port):
    done = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
    connected, tries = 0, 0
    while not done.is_set():
        try:
            with connect(source, address, port, silence_s=0.05):
                connected += 1
        except OSError:
            done.wait(0.005)  # an unreachable network answers at once
        tries += 1
        if tries == 1:
            say("trying")
    say(str(connected))


if __name__ == "__main__":
    command, *addresses, port = sys.argv[1:]
    {"echo": echo, "echo-udp": echo_udp, "try": try_, "try-udp": try_udp, "hold": hold, "hammer": hammer}[
        command
    ](*addresses, int(port))
