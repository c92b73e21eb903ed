import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { plainConnection } from '../brokers/rabbitmq/connections.ts'
import { startGateway, testToken } from '../support/gateway/gateway-process.ts'
import { freePort } from '../support/network/ports.ts'
import { debianPackages, locate } from '../support/processes/debian-package.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { rabbit, type TestVhost, testVhost } from '../support/rabbitmq/broker.ts'
import { callerOf, listen, publish } from './back-end/graphql-caller.ts'

const folder = newFolder()
const certificate = join(folder, 'certificate.pem')
const key = join(folder, 'key.pem')
let vhost: TestVhost
/** By TLS. A client without the CA file does not trust the certificate. */
let url: string
/** The same, for clients with a certificate that the CA has signed. */
let mutualUrl: string
const clientCertificate = join(folder, 'client.pem')
const clientKey = join(folder, 'client-key.pem')

beforeAll(async () => {
  vhost = await testVhost('tls')
  const openssl = `req -x509 -newkey rsa:2048 -noenc -keyout ${key} -out ${certificate} -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1`
  await promisify(execFile)(locate(debianPackages.openssl), openssl.split(' '))
  const client = `req -x509 -newkey rsa:2048 -noenc -keyout ${clientKey} -out ${clientCertificate} -days 1 -subj /CN=warren -CA ${certificate} -CAkey ${key}`
  await promisify(execFile)(locate(debianPackages.openssl), client.split(' '))
  const own = `{certfile, ${JSON.stringify(certificate)}}, {keyfile, ${JSON.stringify(key)}}`
  const mutual = `${own}, {cacertfile, ${JSON.stringify(certificate)}}, {verify, verify_peer}, {fail_if_no_peer_cert, true}`
  url = await listenWithTls(`[${own}]`)
  mutualUrl = await listenWithTls(`[${mutual}]`)
})
afterAll(async () => {
  await vhost?.close()
  removeFolder(folder)
})

test('over amqps: every connection is encrypted, and messages of all sizes arrive byte for byte, once, in order', async () => {
  await using gateway = await startGateway({ env: { WARREN_BROKER_URL: url, NODE_EXTRA_CA_CERTS: certificate } })
  const encrypted = await connections()
  expect(encrypted.length).toBeGreaterThan(1)
  expect(encrypted).not.toContain(false)

  await using alice = await listen(gateway.graphqlSocketUrl, await testToken({ sub: 'alice' }), { clientId: 'alice' })
  const call = callerOf(gateway.graphqlUrl, await testToken({ scope: 'operator' }))
  await call(publish, { input: { clientId: 'alice', data: 'through the gateway' } })
  expect((await alice.next()).data).toBe('through the gateway')

  await using backEnd = await plainConnection(vhost.url)
  const channel = await backEnd.createConfirmChannel()
  // Around the 16 KiB of a TLS record and the 128 KiB of an AMQP frame.
  const sizes = [0, 1, 100, 16_300, 16_384, 16_500, 65_536, 130_900, 131_072, 131_200, 300_000]
  const texts = Array.from({ length: 330 }, (_, index) => textOf(index, sizes[index % sizes.length] ?? 0))
  for (const text of texts)
    channel.publish('warren.events', 'client.alice', Buffer.from(text), { contentType: 'text/plain' })
  await channel.waitForConfirms()
  for (const text of texts) expect(digestOf((await alice.next()).data)).toBe(digestOf(text))
})

test('an untrusted certificate is refused, and reported in the log and to probes', async () => {
  await using gateway = await startGateway({ env: { WARREN_BROKER_URL: url, WARREN_LOG_FORMAT: 'json' }, ready: false })
  await gateway.printed(/TLS with 127\.0\.0\.1:\d+ failed: DEPTH_ZERO_SELF_SIGNED_CERT/)
  const response = await fetch(`http://127.0.0.1:${gateway.opsPort}/readyz`)
  expect(response.status).toBe(503)
  expect(await response.text()).toContain('DEPTH_ZERO_SELF_SIGNED_CERT')
})

test('a RabbitMQ that requires client certificates accepts the configured one', async () => {
  const trust = { WARREN_BROKER_CA: certificate, WARREN_BROKER_SERVER_NAME: 'localhost' }
  await using gateway = await startGateway({
    env: {
      WARREN_BROKER_URL: mutualUrl,
      ...trust,
      WARREN_BROKER_CERT: clientCertificate,
      WARREN_BROKER_KEY: clientKey,
      WARREN_NAMESPACE: 'mutual',
    },
  })
  expect(await gateway.readiness()).toBe(200)
  await using without = await startGateway({
    env: { WARREN_BROKER_URL: mutualUrl, ...trust, WARREN_NAMESPACE: 'mutual', WARREN_LOG_FORMAT: 'json' },
    ready: false,
  })
  await without.printed(/certificate required|CERTIFICATE_REQUIRED/i)
  expect(await without.readiness()).toBe(503)
})

async function listenWithTls(options: string): Promise<string> {
  const port = await freePort()
  await rabbit.ctl(
    'eval',
    `rabbit_networking:ensure_ssl(), ok = rabbit_networking:start_ssl_listener({"127.0.0.1", ${port}, inet}, ${options}, 2)`,
  )
  return `amqps://guest:guest@127.0.0.1:${port}/${encodeURIComponent(vhost.name)}`
}

/** The connections to the virtual host: true if encrypted. */
async function connections(): Promise<boolean[]> {
  const name = `<<${JSON.stringify(vhost.name)}>>`
  const printed = await rabbit.ctl(
    'eval',
    `[Encrypted || [{ssl, Encrypted}, {vhost, ${name}}] <- rabbit_networking:connection_info_all([ssl, vhost])]`,
  )
  return [...printed.matchAll(/true|false/g)].map(([word]) => word === 'true')
}

/** A text without repeated parts. */
function textOf(seed: number, length: number): string {
  let text = ''
  for (let part = 0; text.length < length; part += 1) text += digestOf(`${seed}/${part}`)
  return text.slice(0, length)
}

function digestOf(text: unknown): string {
  return createHash('sha256').update(String(text)).digest('hex')
}
