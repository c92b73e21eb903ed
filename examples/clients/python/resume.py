#!/usr/bin/env python3
"""Subscribes to a channel over graphql-transport-ws, and resumes after its last event.

    resume.py ws://127.0.0.1:4000/graphql alice TOKEN [CURSOR_FILE]

Prints one line of JSON for each event. It needs websocket-client (Debian: python3-websocket) and
nothing else. The rules that it follows: docs/protocols/resume.md.
"""

import json
import os
import random
import struct
import sys
import time

import websocket

QUERY = """subscription Listen($clientId: ID!, $after: Cursor) {
  channel(clientId: $clientId, after: $after, checkpoints: true) { kind cursor data gap { reason oldest } }
}"""

# Coming back would not help: the same request would be refused again.
FINAL_CLOSE_CODES = {1002, 1003, 1007, 1008, 1009, 1010, 4004, 4292, 4400, 4406, 4409, 4429}
NO_VALID_TOKEN = {4401, 4403}
RETRYABLE_ERRORS = {
    "BROKER_UNAVAILABLE", "REGISTRY_UNAVAILABLE", "DRAINING", "LIMIT_EXCEEDED", "DELIVERY_FAILED",
    "NO_RESPONDER", "REQUEST_TIMEOUT",
}
# The gateway pings every 12 s (WARREN_KEEP_ALIVE). A connection without a frame for longer is dead.
SILENCE_SECONDS = 40
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 10


class Lost(Exception):
    """The connection has ended. `code` is its close code, or None if it broke."""

    def __init__(self, text, code=None):
        super().__init__(f"{text} ({code})" if code else text)
        self.code = code


class Ended(Exception):
    """The subscription has ended, and coming back would not help."""


def events(url, client_id, fresh_token, cursor_file=None):
    """Yields each event once, across lost connections. An event counts as handled when the caller
    asks for the next one: then its cursor is stored."""
    after, failures, refused = load(cursor_file), 0, 0
    while True:
        try:
            for event in one_connection(url, client_id, fresh_token(), after):
                failures = refused = 0
                if event["kind"] != "CHECKPOINT":
                    yield event
                after = event["cursor"]
                store(cursor_file, after)
        except Lost as lost:
            refused = refused + 1 if lost.code in NO_VALID_TOKEN else 0
            if lost.code in FINAL_CLOSE_CODES or refused == 3:
                raise Ended(str(lost)) from lost
            print(f"{lost}; coming back", file=sys.stderr, flush=True)
        # Full jitter, so that clients do not all reconnect at the same time.
        time.sleep(random.uniform(0, min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**failures)))
        failures = min(failures + 1, 10)


def one_connection(url, client_id, token, after):
    """Yields the events of one connection. Raises Lost or Ended; never returns."""
    try:
        socket = websocket.create_connection(url, SILENCE_SECONDS, subprotocols=["graphql-transport-ws"])
    except (OSError, websocket.WebSocketException) as error:
        raise Lost(str(error)) from error
    try:
        send(socket, {"type": "connection_init", "payload": {"token": token}})
        while True:
            message = receive(socket)
            kind, payload = message["type"], message.get("payload")
            if kind == "connection_ack":
                variables = {"clientId": client_id, "after": after}
                send(socket, {"type": "subscribe", "id": "1", "payload": {"query": QUERY, "variables": variables}})
            elif kind == "ping":
                send(socket, {"type": "pong"})
            elif kind == "next" and not payload.get("errors"):
                yield payload["data"]["channel"]
            elif kind == "next":
                raise refusal(payload["errors"])
            elif kind == "error":
                raise refusal(payload)
            elif kind == "complete":
                raise Ended("the channel has ended")
    finally:
        socket.close()


def refusal(errors):
    text = "; ".join(error["message"] for error in errors)
    codes = {error.get("extensions", {}).get("code") for error in errors}
    return Lost(text) if codes <= RETRYABLE_ERRORS else Ended(text)


def send(socket, message):
    try:
        socket.send(json.dumps(message))
    except (OSError, websocket.WebSocketException) as error:
        raise Lost(str(error)) from error


def receive(socket):
    """The next message. The library answers the pings of the gateway; they count as a sign of life."""
    while True:
        try:
            opcode, data = socket.recv_data(control_frame=True)
        except (OSError, websocket.WebSocketException) as error:
            raise Lost(str(error)) from error
        if opcode == websocket.ABNF.OPCODE_TEXT:
            return json.loads(data)
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            code = struct.unpack(">H", data[:2])[0] if len(data) >= 2 else None
            raise Lost(data[2:].decode() or "closed", code)


def load(cursor_file):
    if cursor_file is None or not os.path.exists(cursor_file):
        return None
    with open(cursor_file, encoding="ascii") as file:
        return file.read() or None


def store(cursor_file, cursor):
    """Replaces the file as a whole: a process that is killed leaves the old cursor or the new one."""
    if cursor_file is None:
        return
    with open(f"{cursor_file}.new", "w", encoding="ascii") as file:
        file.write(cursor)
    os.replace(f"{cursor_file}.new", cursor_file)


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    url, client_id, token, *cursor_file = sys.argv[1:]
    # In your program: ask your back end for a token, because this one expires.
    try:
        for event in events(url, client_id, lambda: token, *cursor_file):
            print(json.dumps(event, ensure_ascii=False), flush=True)
    except Ended as ended:
        sys.exit(str(ended))


if __name__ == "__main__":
    main()
