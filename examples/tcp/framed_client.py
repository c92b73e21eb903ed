#!/usr/bin/env python3
"""A client of Warren's framed TCP protocol, with Python's standard library only.

    framed_client.py 127.0.0.1 4001 --token TOKEN subscribe alice [--after CURSOR] [--count N]
    framed_client.py 127.0.0.1 4001 --token TOKEN publish alice '{"hello": 1}'
    framed_client.py 127.0.0.1 4001 --token TOKEN search ali
    framed_client.py 127.0.0.1 4001 binary 'some bytes'

`subscribe` prints one line of JSON an event. After every lost connection it continues after the last
event. The protocol: docs/protocols/tcp.md.
"""

import argparse
import itertools
import json
import random
import socket
import struct
import sys
import time


class Refused(Exception):
    """The gateway answered with an error; `error` is {"code": …, "message": …}."""

    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.error = error


class Closed(Exception):
    """The connection has ended; `come_back`: whether to open another."""

    def __init__(self, reason, come_back=True):
        super().__init__(reason)
        self.come_back = come_back


class FramedClient:
    def __init__(self, host, port, timeout=90):
        # The gateway pings a silent connection, so a connection is lost if it is silent for longer.
        self._socket = socket.create_connection((host, port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._ids = itertools.count(1)
        self._events = []

    def close(self):
        self._socket.close()

    def request(self, action, **arguments):
        """Sends a request and waits for the answer; `events` returns what arrives meanwhile."""
        wanted = next(self._ids)
        given = {name: value for name, value in arguments.items() if value is not None}
        self._send({"action": action, "id": wanted, **given})
        while True:
            _, message = self._receive()
            if message.get("id") == wanted:
                if "error" in message:
                    raise Refused(message["error"])
                return message["result"]
            self._events.append(message)

    def binary(self, content):
        """Sends a binary request; returns the binary answer."""
        self._send_frame(content, "binary/custom-client-binary-type", "binary")
        _, answer = self._receive()
        return answer

    def events(self):
        """Yields the events of all subscriptions as they arrive."""
        while True:
            message = self._events.pop(0) if self._events else self._receive()[1]
            if message.get("kind") == "end" or "error" in message:
                raise Refused(message["error"])
            yield message

    def _send(self, request):
        self._send_frame(json.dumps(request, ensure_ascii=False).encode(), "text/json", "utf-8")

    def _send_frame(self, content, content_type, encoding):
        header = json.dumps({
            "byteorder": sys.byteorder,
            "content-type": content_type,
            "content-encoding": encoding,
            "content-length": len(content),
        }).encode()
        self._socket.sendall(struct.pack(">H", len(header)) + header + content)

    def _receive(self):
        """Returns the next header and content (parsed if it is JSON); answers pings itself."""
        while True:
            (length,) = struct.unpack(">H", self._exactly(2))
            header = json.loads(self._exactly(length))
            content = self._exactly(header["content-length"])
            if header["content-type"] != "text/json":
                return header, content
            message = json.loads(content.decode(header["content-encoding"]))
            kind = message.get("kind")
            if kind == "ping":
                self._send({"action": "pong"})
            elif kind == "close":
                raise Closed(message["text"], message["comeBack"])
            else:
                return header, message

    def _exactly(self, length):
        pieces = bytearray()
        while len(pieces) < length:
            try:
                piece = self._socket.recv(min(length - len(pieces), 65536))
            except OSError as error:
                raise Closed(str(error)) from error
            if not piece:
                raise Closed("the gateway has closed the connection")
            pieces += piece
        return bytes(pieces)


def connect(given):
    client = FramedClient(given.host, given.port)
    if given.token:
        client.request("authenticate", token=given.token)
    return client


def subscribe(given):
    """Yields every event of the channel once, across lost connections."""
    after, attempts = given.after, 0
    while True:
        try:
            client = connect(given)
            client.request("subscribe", channel=given.what, after=after, checkpoints=True)
            attempts = 0
            for event in client.events():
                after = event["cursor"]
                if event["kind"] != "checkpoint":
                    yield event
        except Closed as closed:
            if not closed.come_back:
                raise
            print(f"{closed}; coming back", file=sys.stderr, flush=True)
        except OSError as error:
            print(f"{error}; coming back", file=sys.stderr, flush=True)
        # Full jitter, so that clients do not all reconnect at the same time.
        time.sleep(random.uniform(0.05, min(10, 0.2 * 2**attempts)))
        attempts += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--token")
    parser.add_argument("--after", help="subscribe after this cursor instead of now")
    parser.add_argument("--count", type=int, help="end after this many events")
    parser.add_argument("action", choices=["subscribe", "publish", "search", "binary"])
    parser.add_argument("what", help="the channel; for search what its name contains; for binary the bytes")
    parser.add_argument("data", nargs="?", help="what to publish, in JSON")
    given = parser.parse_args()
    if given.action == "subscribe":
        for event in itertools.islice(subscribe(given), given.count):
            print(json.dumps(event, ensure_ascii=False), flush=True)
    elif given.action == "publish":
        print(json.dumps(connect(given).request("publish", channel=given.what, data=json.loads(given.data))))
    elif given.action == "search":
        print(json.dumps(connect(given).request("search", value=given.what), ensure_ascii=False))
    else:
        sys.stdout.buffer.write(connect(given).binary(given.what.encode()))


if __name__ == "__main__":
    try:
        main()
    except (Refused, Closed) as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        pass
