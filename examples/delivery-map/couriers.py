#!/usr/bin/env python3
"""Couriers that report where they are, with plain pika. They do not know Warren.

    couriers.py [--url amqp://guest:guest@localhost:5672/%2F] [--rate 50] [--steps 0] [c-1 c-2 c-3]

Each courier reports `rate` times a second, `steps` times (0: until Ctrl+C). The variable AMQP_URL
sets another URL.
"""

import argparse
import json
import math
import os

import pika

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("couriers", nargs="*", default=["c-1", "c-2", "c-3"])
options.add_argument("--url", default=os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
options.add_argument("--rate", type=float, default=50, help="reports of each courier a second")
options.add_argument("--steps", type=int, default=0)
given = options.parse_args()

connection = pika.BlockingConnection(pika.URLParameters(given.url))
channel = connection.channel()
# basic_publish then returns when RabbitMQ has the message.
channel.confirm_delivery()
channel.exchange_declare("delivery.couriers", "topic", durable=True)
properties = pika.BasicProperties(content_type="application/json", delivery_mode=2)

step = 0
try:
    while given.steps == 0 or step < given.steps:
        step += 1
        for number, courier in enumerate(given.couriers):
            angle = step / 100 + number * 2
            position = {
                "courierId": courier,
                "x": round(50 + 40 * math.cos(angle), 2),
                "y": round(50 + 40 * math.sin(angle * (number + 1) / 2), 2),
                "step": step,
            }
            channel.basic_publish("delivery.couriers", f"courier.{courier}", json.dumps(position).encode(), properties)
        if step == 1:
            print("moving", flush=True)
        connection.sleep(1 / given.rate)
except KeyboardInterrupt:
    pass
print(f"stopped after {step} steps", flush=True)
connection.close()
