const names: Readonly<Record<number, string>> = {
  320: 'CONNECTION-FORCED',
  403: 'ACCESS-REFUSED',
  404: 'NOT-FOUND',
  405: 'RESOURCE-LOCKED',
  406: 'PRECONDITION-FAILED',
  541: 'INTERNAL-ERROR',
}

/** RabbitMQ closes a channel, or a connection, with this reply. */
export class Refusal {
  readonly code: number
  readonly text: string

  constructor(code: number, text: string) {
    this.code = code
    this.text = text
  }

  /** As amqplib reports it. */
  toError(prefix: string, classId?: number, methodId?: number): Error {
    const name = names[this.code] ?? 'ERROR'
    const text = `${prefix}; ${this.code} (${name}) with message "${name.replaceAll('-', '_')} - ${this.text}"`
    return Object.assign(new Error(text), { code: this.code, classId, methodId })
  }
}

/** An error of the socket. */
export function socketError(code: string): Error {
  return Object.assign(new Error(code), { code })
}
