import rhea, { type Message } from 'rhea'

const { types } = rhea

const uuid = types.wrap_uuid(Buffer.alloc(16, 7))

/**
 * What RabbitMQ 4.0 accepts over AMQP 1.0 and cannot deliver over AMQP 0-9-1: each ends the
 * consumer with 541.
 */
export const unreadableMessages: Readonly<Record<string, Message>> = {
  'not a number': { body: '', application_properties: { p: types.wrap_double(Number.NaN) } },
  infinity: { body: '', application_properties: { p: types.wrap_float(Number.POSITIVE_INFINITY) } },
  'a uuid': { body: '', application_properties: { p: uuid } },
  'a character': { body: '', application_properties: { p: types.wrap_char('x') } },
  'a uuid in an annotation': { body: '', message_annotations: { 'x-opt-of-ours': uuid } },
  'a content type of 300 bytes': { body: '', content_type: 'x'.repeat(300) },
}

export const unreadable = unreadableMessages['not a number'] as Message
