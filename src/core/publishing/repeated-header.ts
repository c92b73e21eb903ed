/**
 * True on a message that a gateway publishes again under the same message id, because RabbitMQ may
 * not have stored it. Replicas that find both copies in the journal deliver the first. Clients
 * never receive this header.
 */
export const repeatedHeader = 'x-warren-repeated'
