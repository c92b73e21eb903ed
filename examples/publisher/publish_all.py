#!/usr/bin/env python3
"""A back end that loses nothing: publishes each line of standard input to RabbitMQ.

Prints the id of a message once it is stored.

    publish_all.py --key client.alice [--exchange warren.events] [--url URL [--url URL]] < lines

One connection, one channel, and only this exchange on that channel: docs/guides/publishing.md.
"""

import argparse
import contextlib
import signal
import sys
import time
import uuid

import pika
from pika.exceptions import AMQPError

ANSWER_S = 5  # if a node takes longer, the program changes to another
PAUSE_S = 0.25

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--url", action="append", help="once for each node of a cluster")
options.add_argument("--exchange", default="warren.events")
options.add_argument("--key", required=True, help="client.<client id> for the default source")
given = options.parse_args()
urls = given.url or ["amqp://guest:guest@localhost:5672/%2F"]


class NoAnswer(Exception):
    """RabbitMQ has neither confirmed nor refused the message in time."""


def no_answer(_signal, _frame):
    raise NoAnswer(f"no answer within {ANSWER_S} s")


signal.signal(signal.SIGALRM, no_answer)


def open_channel(attempt):
    connection = pika.BlockingConnection(pika.URLParameters(urls[attempt % len(urls)]))
    channel = connection.channel()
    # basic_publish then waits for the answer, and raises if it is a return or a refusal
    channel.confirm_delivery()
    return channel


def leave(channel):
    signal.alarm(ANSWER_S)
    with contextlib.suppress(Exception):
        channel.connection.close()


def publish(channel, body, properties):
    """Publishes until RabbitMQ has confirmed the message. Returns the channel for the next one."""
    attempt = 0
    while True:
        try:
            signal.alarm(ANSWER_S)
            channel = channel or open_channel(attempt)
            channel.basic_publish(given.exchange, given.key, body, properties, mandatory=True)
            return channel
        except (AMQPError, NoAnswer, OSError) as error:
            print(f"again: {error!r}", file=sys.stderr, flush=True)
            if channel and not isinstance(error, NoAnswer):
                leave(channel)
            channel = None  # the next attempt takes a new one, also after a return
            attempt += 1
        finally:
            signal.alarm(0)
        time.sleep(PAUSE_S)


def main():
    channel = None
    for line in sys.stdin:
        message_id = str(uuid.uuid4())
        properties = pika.BasicProperties(
            message_id=message_id,  # the same at each attempt
            headers={"x-warren-idempotency-key": message_id},
            content_type="application/json",
            timestamp=int(time.time()),
            delivery_mode=2,
        )
        channel = publish(channel, line.rstrip("\n").encode(), properties)
        print(message_id, flush=True)
    if channel:
        channel.connection.close()


main()
