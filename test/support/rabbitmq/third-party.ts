import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { debianPackages, locate } from '../processes/debian-package.ts'

/** A message of a back end that knows nothing of Warren. */
export interface ForeignMessage {
  readonly exchange: string
  readonly routingKey: string
  readonly body: string | Buffer
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Publishes with `amqp-publish` (rabbitmq-c, in C), which cannot set a type, message id or
 * timestamp, and does not wait for a confirm.
 */
export async function amqpPublish(
  url: string,
  { exchange, routingKey, body, contentType, contentEncoding, headers = {} }: ForeignMessage,
): Promise<void> {
  const program = locate(debianPackages.amqpTools)
  const optional = [
    ...(contentType === undefined ? [] : ['--content-type', contentType]),
    ...(contentEncoding === undefined ? [] : ['--content-encoding', contentEncoding]),
    ...Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]),
  ]
  await run(program, ['--url', url, '--exchange', exchange, '--routing-key', routingKey, ...optional], body)
}

export interface PikaMessage extends ForeignMessage {
  readonly type?: string
  readonly messageId?: string
}

/**
 * Publishes with the example back end in Python, on python3-pika. Rejects unless RabbitMQ has
 * confirmed and routed the message.
 */
export async function pikaPublish(url: string, message: PikaMessage): Promise<void> {
  locate(debianPackages.pika)
  const { exchange, routingKey, body, contentType, contentEncoding, type, messageId, headers = {} } = message
  const named = { type, 'message-id': messageId, 'content-type': contentType, 'content-encoding': contentEncoding }
  const optional = Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]))
  const repeated = Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}=${value}`])
  const script = join('examples', 'publisher', 'publish.py')
  // Debian's own interpreter, because another one earlier in PATH lacks its packages.
  await run(
    '/usr/bin/python3',
    [script, '--url', url, '--exchange', exchange, '--key', routingKey, ...optional, ...repeated],
    body,
  )
}

/** Runs a program with this standard input; if it fails, rejects with its output. */
function run(program: string, args: readonly string[], input: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed += text
      })
    }
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`${program} ended with ${code}: ${printed.trim()}`))
    })
    // A program that fails early does not read its input; its exit status shows the failure.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}
