/**
 * Records what another release writes, as fixtures for `last-release.test.ts`:
 *
 *   git worktree add ../last c3ac5e6 && ln -s "$PWD/node_modules" ../last/node_modules
 *   node --import tsx test/compatibility/record.ts ../last test/compatibility/0.1.0
 *
 * It runs the code of that checkout: its registry, cursors, sealed key, control messages.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const [, , checkout = '', output = ''] = process.argv
const load = (path: string) => import(pathToFileURL(resolve(checkout, path)).href)

const { openEmbeddedRegistry } = await load('src/registries/embedded-registry.ts')
const { DeploymentKeys } = await load('src/core/deployment-keys.ts')
const { CursorCodec, cursorBefore, cursorOf, printCursor, printOldCursor } = await load('src/core/cursor.ts')
const { sealKey } = await load('src/auth/sealed-key.ts')
const { ControlSignature } = await load('src/distributor/control-signature.ts')
const { sourceId } = await load('src/core/source.ts')

const hour = 60 * 60_000
const jwtSecret = 'a secret that is only used by this test'
const epoch = '00112233445566ff'
const message = {
  offset: 4_294_967_297,
  exchange: 'warren.events',
  routingKey: 'client.alice',
  body: Buffer.from('{"price":1.10}'),
  properties: { messageId: 'm-1', timestamp: 1_764_000_000, contentType: 'application/json' },
}

await mkdir(output, { recursive: true })
const registry = await openEmbeddedRegistry(output)
const keys = await DeploymentKeys.open(registry)
const codec = new CursorCodec(keys, hour)
const signature = new ControlSignature(keys)
const definition = { exchange: 'orders', exchangeType: 'TOPIC', routingKey: 'order.{clientId}', clientId: undefined }
const source = { ...definition, id: sourceId(definition), createdAt: new Date(), ownsExchange: true }
await registry.addSource(source)
await registry.changeClientBar('carol', { banned: true })
const position = cursorOf(codec, epoch, message)
const control = [
  { kind: 'sources-wanted' },
  { kind: 'source-known', source },
  { kind: 'client-deleted', clientId: 'alice', by: 'replica-1' },
  { kind: 'client-revoked', clientId: 'alice', at: new Date().toISOString() },
  { kind: 'client-barred', clientId: 'alice' },
  { kind: 'trace-wanted', question: 'q-1', messageId: 'm-1' },
]
const recorded = {
  recordedAt: Date.now(),
  jwtSecret,
  sealedKey: sealKey(keys.current, jwtSecret),
  epoch,
  message: { ...message, body: message.body.toString('base64') },
  cursors: {
    after: printCursor(position),
    before: printCursor(cursorBefore(codec, epoch, message)),
    withoutKey: printOldCursor(position),
  },
  source,
  marks: [
    { kind: 'source-created', source },
    { kind: 'source-deleted', id: source.id },
  ].map((note) => JSON.stringify(note)),
  control: control.map((one) => ({ message: one, wire: signature.write(one) })),
}
await registry.close()
await writeFile(`${output}/recorded.json`, `${JSON.stringify(recorded, undefined, 2)}\n`)
