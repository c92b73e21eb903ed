#!/usr/bin/env python3
"""The back end of the shop, with plain pika. It does not know Warren.

It takes the orders that clients place, publishes what happens to them and to their shipments, and
answers requests for quotes.

    shop.py [--url amqp://guest:guest@localhost:5672/%2F] [--step 1.0]
"""

import argparse
import json
import time
import uuid

import pika

PRICES = {"tea": "4.20", "cup": "7.50"}

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--url", default="amqp://guest:guest@localhost:5672/%2F")
options.add_argument("--step", type=float, default=1.0, help="seconds between two states of an order")
given = options.parse_args()

connection = pika.BlockingConnection(pika.URLParameters(given.url))
channel = connection.channel()
channel.confirm_delivery()
for exchange in ("shop.orders", "shop.shipping", "shop.commands"):
    channel.exchange_declare(exchange, "topic", durable=True)
channel.queue_declare("shop.place-orders", durable=True)
channel.queue_bind("shop.place-orders", "shop.commands", "order.place.*")
channel.queue_declare("shop.quotes", durable=True)


def cents(price):
    euros, rest = price.split(".")
    return int(euros) * 100 + int(rest)


def amount(total):
    """JSON number with two digits, exact."""
    return f"{total // 100}.{total % 100:02}"


def publish(exchange, key, body, event_type=None):
    properties = pika.BasicProperties(
        content_type="application/json",
        type=event_type,
        message_id=str(uuid.uuid4()),
        timestamp=int(time.time()),
        delivery_mode=2,
    )
    channel.basic_publish(exchange, key, body.encode(), properties)


def place_order(_channel, method, properties, body):
    command = json.loads(body)
    order = properties.message_id
    total = sum(cents(PRICES.get(line["sku"], "1.00")) * line["quantity"] for line in command["lines"])
    placed_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    channel.basic_ack(method.delivery_tag)
    for status in ("CREATED", "PAID", "SHIPPED"):
        publish(
            "shop.orders",
            f"orders.{command['region']}.{status.lower()}",
            f'{{"id": {json.dumps(order)}, "customer": {{"id": {json.dumps(command["customerId"])}}}, '
            f'"status": "{status}", "total": {amount(total)}, "placedAt": "{placed_at}"}}',
        )
        connection.sleep(given.step)
    publish("shop.shipping", f"shipment.{order}.packed", json.dumps({"id": order, "weight": 1.5}), "shipment.packed")
    connection.sleep(given.step)
    delivered = json.dumps({"id": order, "signedBy": "the neighbour"})
    publish("shop.shipping", f"shipment.{order}.delivered", delivered, "shipment.delivered")


def quote(_channel, method, properties, body):
    request = json.loads(body)
    price = PRICES.get(request["sku"])
    if price is None:
        reply, headers = "null", {"x-error": f"no such article: {request['sku']}", "x-error-code": "UNKNOWN_ARTICLE"}
    else:
        total = amount(cents(price) * request["quantity"])
        reply, headers = f'{{"sku": {json.dumps(request["sku"])}, "price": {total}}}', None
    answer = pika.BasicProperties(
        content_type="application/json", correlation_id=properties.correlation_id, headers=headers
    )
    channel.basic_publish("", properties.reply_to, reply.encode(), answer)
    channel.basic_ack(method.delivery_tag)


channel.basic_consume("shop.place-orders", place_order)
channel.basic_consume("shop.quotes", quote)
print("the shop is open", flush=True)
try:
    channel.start_consuming()
except KeyboardInterrupt:
    connection.close()
