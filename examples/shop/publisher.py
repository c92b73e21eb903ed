#!/usr/bin/env python3
"""The orders of the shop, with plain pika. It does not know Warren.

It takes the orders that clients place, and publishes what happens to them and to their shipments.

    publisher.py [--url amqp://guest:guest@localhost:5672/%2F] [--step 1.0]

The variable AMQP_URL sets another URL.
"""

import argparse
import json
import os
import time

import pika

PRICES = {"tea": 420, "cup": 750}  # in cents

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--url", default=os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
options.add_argument("--step", type=float, default=1.0, help="seconds between two states of an order")
given = options.parse_args()

connection = pika.BlockingConnection(pika.URLParameters(given.url))
channel = connection.channel()
# basic_publish then returns when RabbitMQ has the message.
channel.confirm_delivery()
for exchange in ("shop.orders", "shop.shipping", "shop.commands"):
    channel.exchange_declare(exchange, "topic", durable=True)
channel.queue_declare("shop.place-orders", durable=True)
channel.queue_bind("shop.place-orders", "shop.commands", "order.place.*")


def publish(exchange, key, body, event_type=None):
    properties = pika.BasicProperties(
        content_type="application/json",
        type=event_type,
        timestamp=int(time.time()),
        delivery_mode=2,  # kept on disk
    )
    channel.basic_publish(exchange, key, body.encode(), properties)
    print(key, flush=True)


def place_order(_channel, method, properties, body):
    command = json.loads(body)
    order = properties.message_id
    cents = sum(PRICES.get(line["sku"], 0) * line["quantity"] for line in command["lines"])
    total = f"{cents // 100}.{cents % 100:02}"  # as a JSON number with all digits
    placed_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for status in ("CREATED", "PAID", "SHIPPED"):
        publish(
            "shop.orders",
            f"orders.{command['region']}.{status.lower()}",
            f'{{"id": {json.dumps(order)}, "customer": {{"id": {json.dumps(command["customerId"])}}}, '
            f'"status": "{status}", "total": {total}, "placedAt": "{placed_at}"}}',
        )
        connection.sleep(given.step)
    packed = json.dumps({"id": order, "weight": 1.5})
    publish("shop.shipping", f"shipment.{order}.packed", packed, "shipment.packed")
    connection.sleep(given.step)
    delivered = json.dumps({"id": order, "signedBy": "the neighbour"})
    publish("shop.shipping", f"shipment.{order}.delivered", delivered, "shipment.delivered")
    channel.basic_ack(method.delivery_tag)


channel.basic_qos(prefetch_count=1)
channel.basic_consume("shop.place-orders", place_order)
print("waiting for orders", flush=True)
try:
    channel.start_consuming()
except KeyboardInterrupt:
    connection.close()
