import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { debianPackages, locate } from '../../support/processes/debian-package.ts'

/** The properties with the names of pika. */
export interface PikaProperties {
  readonly content_type?: string
  readonly content_encoding?: string
  readonly type?: string
  readonly message_id?: string
  /** In seconds since the epoch. */
  readonly timestamp?: number
  readonly correlation_id?: string
  readonly reply_to?: string
  readonly app_id?: string
  readonly user_id?: string
  /** In milliseconds, as a string. */
  readonly expiration?: string
  readonly priority?: number
  readonly headers?: Readonly<Record<string, unknown>>
}

export interface BackEnd extends AsyncDisposable {
  /**
   * Calls a method of pika's channel by name, with named arguments. Resolves when RabbitMQ has
   * answered.
   */
  call(method: string, given: Record<string, unknown>): Promise<void>
  /**
   * Resolves when RabbitMQ has confirmed and routed the message. Calls are sent in order. The body
   * is JSON by default.
   */
  publish(exchange: string, routingKey: string, body: unknown, properties?: PikaProperties): Promise<void>
}

/**
 * Starts a back end in Python that knows nothing of Warren, with one connection and one channel.
 */
export async function startBackEnd(url: string): Promise<BackEnd> {
  locate(debianPackages.pika)
  // Debian's own interpreter, because another one earlier in PATH lacks its packages.
  const child = spawn('/usr/bin/python3', [join('test', 'e2e', 'back-end', 'back-end.py'), url], { stdio: 'pipe' })
  const exited = once(child, 'close')
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = []
  createInterface(child.stdout).on('line', () => waiting.shift()?.resolve())
  void exited.then(() => {
    for (const { reject } of waiting.splice(0)) reject(new Error(`the back end has ended: ${errors}`))
  })
  child.stdin.on('error', () => {})
  const call: BackEnd['call'] = (method, given) =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject })
      child.stdin.write(`${JSON.stringify({ call: method, with: given })}\n`)
    })
  return {
    call,
    publish: (exchange, routingKey, body, properties = { content_type: 'application/json' }) =>
      call('basic_publish', {
        exchange,
        routing_key: routingKey,
        body: (Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))).toString('base64'),
        properties,
        mandatory: true,
      }),
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await exited
    },
  }
}
