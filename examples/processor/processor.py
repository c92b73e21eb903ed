#!/usr/bin/env python3
"""The smallest processor of the WebSocket manager: plain pika. It does not know Warren.

    processor.py [amqp://guest:guest@localhost:5672/%2F]

Each processor of this kind hears every text. Start one with the name of a queue as second argument, and another with the same: they share the texts.
"""

import sys

import pika

url = sys.argv[1] if len(sys.argv) > 1 else "amqp://guest:guest@localhost:5672/%2F"
shared = sys.argv[2] if len(sys.argv) > 2 else ""

channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
channel.exchange_declare("wsmanager", "fanout")
channel.exchange_declare("towsmanager", "fanout")
queue = channel.queue_declare(shared, exclusive=not shared, durable=bool(shared)).method.queue
channel.queue_bind(queue, "wsmanager")
channel.basic_qos(prefetch_count=1)


def process(_channel, method, _properties, body):
    text = body.decode()
    print("in ", text, flush=True)
    channel.basic_publish("towsmanager", "", f"{text.upper()} ({shared or 'py'})")
    print("out", text.upper(), flush=True)
    channel.basic_ack(method.delivery_tag)


channel.basic_consume(queue, process)
print("listening", flush=True)
channel.start_consuming()
