#!/usr/bin/env python3
"""A back end in another language: publishes one message to RabbitMQ, with plain pika.

It does not know Warren.

    publish.py --key client.alice --type order.created '{"order": 1, "total": 12.5}'

Without a body as the last argument, the body is read from standard input, byte for byte.
"""

import argparse
import sys
import time

import pika

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--url", default="amqp://guest:guest@localhost:5672/%2F")
options.add_argument("--exchange", default="warren.events")
options.add_argument("--key", required=True, help="client.<client id> for the default source")
options.add_argument("--type")
options.add_argument("--message-id")
options.add_argument("--header", action="append", default=[], metavar="NAME=VALUE")
options.add_argument("--content-type", default="application/json")
options.add_argument("--content-encoding")
options.add_argument("body", nargs="?")
given = options.parse_args()

body = sys.stdin.buffer.read() if given.body is None else given.body.encode()
properties = pika.BasicProperties(
    content_type=given.content_type,
    content_encoding=given.content_encoding,
    type=given.type,
    message_id=given.message_id,
    headers=dict(header.split("=", 1) for header in given.header),
    timestamp=int(time.time()),
    delivery_mode=2,  # kept on disk
)

connection = pika.BlockingConnection(pika.URLParameters(given.url))
channel = connection.channel()
# basic_publish then raises unless RabbitMQ has accepted the message and found a queue for it
channel.confirm_delivery()
channel.basic_publish(given.exchange, given.key, body, properties, mandatory=True)
connection.close()
