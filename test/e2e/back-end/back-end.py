"""A scripted back end in Python, with plain pika: it answers each line of JSON with a line of JSON.

{"call": "exchange_declare", "with": {...}} calls that method of the channel. basic_publish has its body in base64 and
its properties with pika's names; it answers when RabbitMQ has confirmed and routed the message.
"""

import base64
import json
import sys

import pika

parameters = pika.URLParameters(sys.argv[1])
parameters.heartbeat = 0  # nothing answers heartbeats while the loop waits for a line
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
