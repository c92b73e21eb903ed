/**
 * The thread of a gateway under test, which `startTestGateway` of `@warren/testing` starts. Its own
 * thread keeps the clock apart from the test's, and the modules out of a test runner's loader.
 */
import { readFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import type { App } from '../app/open.ts'
import type { TestAnswer, TestCall, TestMessage, TestRequest, TestWorkerData } from './requests.ts'
import { TestClock } from './test-clock.ts'

const clock = new TestClock()
clock.install()
const port = parentPort
const { env, secret } = workerData as TestWorkerData

// After the clock is installed.
const { openApp } = await import('../app/open.ts')
const { hmacSigner } = await import('../auth/tokens/jwt.ts')
const { load } = await import('../config/load/load.ts')
const signer = hmacSigner({ secret })

async function open(): Promise<App> {
  return openApp(load({ argv: [], env, readFile: (path) => readFileSync(path, 'utf8') }))
}

async function publish(
  { gateway }: App,
  { clientId, exchange, routingKey, data, ...properties }: TestMessage,
): Promise<void> {
  const key = routingKey ?? (clientId === undefined ? undefined : `client.${clientId}`)
  if (key === undefined) throw new TypeError('publish: expected a clientId or a routingKey')
  const body: string | undefined = JSON.stringify(data)
  if (body === undefined) throw new TypeError('data: expected a value that JSON can express')
  await gateway.publish({
    ...(exchange === undefined ? {} : { exchange }),
    routingKey: key,
    body: Buffer.from(body),
    properties: { contentType: 'application/json', ...properties },
  })
}

async function answerTo(app: App, request: TestRequest): Promise<unknown> {
  switch (request.kind) {
    case 'publish':
      return publish(app, request.message)
    case 'token': {
      const { clientId, scope = [], ttlSeconds = 86_400 } = request.grant
      return (await signer.sign({ clientId, scope, ttlSeconds })).token
    }
    case 'advance':
      return clock.advance(request.ms)
    case 'now':
      return Date.now()
    case 'close':
      await app.close({ drainMs: 0 })
      return undefined
  }
}

const answer = (message: TestAnswer): void => port?.postMessage(message)
const refuse = (id: number, error: unknown): void => {
  const { message = String(error), code } = error as { message?: string; code?: unknown }
  answer({ id, error: message, code: typeof code === 'string' ? code : undefined })
}

try {
  const app = await open()
  port?.on('message', ({ id, request }: TestCall) => {
    answerTo(app, request).then(
      (value) => {
        answer({ id, value })
        if (request.kind === 'close') port.close()
      },
      (error: unknown) => refuse(id, error),
    )
  })
  answer({ id: 0, value: app.endpoints.find(({ url }) => url.startsWith('ws:'))?.url.replace(/^ws/, 'http') })
} catch (error) {
  refuse(0, error)
  port?.close()
}
