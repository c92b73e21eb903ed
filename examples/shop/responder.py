#!/usr/bin/env python3
"""The prices of the shop, with plain pika. It does not know Warren.

It answers each request to the queue that the request names in reply_to, with its correlation_id.

    responder.py [--url amqp://guest:guest@localhost:5672/%2F]

The variable AMQP_URL sets another URL.
"""

import argparse
import json
import os

import pika

PRICES = {"tea": 420, "cup": 750}  # in cents

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--url", default=os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F"))
given = options.parse_args()

connection = pika.BlockingConnection(pika.URLParameters(given.url))
channel = connection.channel()
channel.queue_declare("shop.quotes", durable=True)


def quote(_channel, method, properties, body):
    request = json.loads(body)
    price = PRICES.get(request["sku"])
    headers = None
    if price is None:
        # The client gets this text and this code as a GraphQL error.
        headers = {"x-error": f"no such article: {request['sku']}", "x-error-code": "UNKNOWN_ARTICLE"}
        reply = "null"
    else:
        cents = price * request["quantity"]
        total = f"{cents // 100}.{cents % 100:02}"  # as a JSON number with all digits
        reply = f'{{"sku": {json.dumps(request["sku"])}, "price": {total}}}'
    answer = pika.BasicProperties(
        content_type="application/json", correlation_id=properties.correlation_id, headers=headers
    )
    channel.basic_publish("", properties.reply_to, reply.encode(), answer)
    channel.basic_ack(method.delivery_tag)


channel.basic_consume("shop.quotes", quote)
print("waiting for requests", flush=True)
try:
    channel.start_consuming()
except KeyboardInterrupt:
    connection.close()
