"""A back end in another language that does what it is told, with plain pika: a line of JSON in, a line of JSON out.

{"call": "exchange_declare", "with": {...}} calls that method of the channel. basic_publish takes its body in base64 and
its properties by pika's names; it answers once RabbitMQ has confirmed the message and found a queue for it.
"""

import base64
import json
import sys

import pika

parameters = pika.URLParameters(sys.argv[1])
parameters.heartbeat = 0  # nothing answers heartbeats while the next line is waited for
channel = pika.BlockingConnection(parameters).channel()
channel.confirm_delivery()
for line in sys.stdin:
    order = json.loads(line)
    given = order["with"]
    if order["call"] == "basic_publish":
        given["body"] = base64.b64decode(given["body"])
        given["properties"] = pika.BasicProperties(**given["properties"])
    getattr(channel, order["call"])(**given)
    print("{}", flush=True)
