import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { SignJWT } from 'jose'
import { publish } from '../../events/serving/event-client.ts'
import { openGateway } from '../../support/gateway/gateway-in-process.ts'
import { testSecret } from '../../support/gateway/gateway-process.ts'
import { freePort } from '../../support/network/ports.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { transports } from '../every-transport.ts'
import { sdl, type Under } from './adapter.ts'
import { router } from './callback.ts'

/** The claims of each caller's token. */
const callers = {
  'no token': undefined,
  alice: { sub: 'alice' },
  'alice with a scope': { sub: 'alice', scope: 'shop:read' },
  bob: { sub: 'bob', scope: 'channel:#', rooms: ['bob'] },
  'a scope alone': { scope: 'shop:read' },
  'a room': { sub: 'carol', scope: 'room:alice', rooms: ['lobby', 'alice'] },
  operator: { scope: 'operator' },
  observe: { scope: 'observe' },
  'event:item': { scope: 'event:item' },
  'event:*': { scope: 'event:*' },
  'event:other': { scope: 'event:other' },
}

/**
 * What each caller gets when it asks for the events of `alice`, in the order of `callers`: `+` her
 * events, U `UNAUTHENTICATED`, F `FORBIDDEN`. Written from docs/guides/typed-events.md, "Who may".
 */
const fields: readonly [directives: string, verdicts: string][] = [
  ['', /*                                                       */ 'U F F F F F + + + + F'],
  ['@owner', /*                                                 */ 'U + + F F F + + + + F'],
  ['@owner(claim: "/rooms")', /*                                */ 'U F F F F + + + + + F'],
  ['| @allow', /*                                               */ 'U + + + + + + + + + +'],
  ['| @allow(anonymous: true)', /*                              */ '+ + + + + + + + + + +'],
  ['| @allow(scopes: ["shop:read"])', /*                        */ 'U F + F + F + + + + F'],
  ['| @allow(scopes: ["room:{clientId}"])', /*                  */ 'U F F F F + + + + + F'],
  ['| @allow(scopes: ["shop:read"]) @allow(scopes: ["room:{clientId}"])', 'U F + F + + + + + + F'],
  ['@owner | @allow(scopes: ["shop:read"])', /*                 */ 'U F + F F F + + + + F'],
]

const folder = newFolder()
const closings: (() => Promise<void>)[] = []
const tokens = new Map<string, string | undefined>()

beforeAll(async () => {
  await router.open()
  const key = Buffer.from(testSecret)
  for (const [name, claims] of Object.entries(callers)) {
    const signed =
      claims && new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setIssuedAt().setExpirationTime('1h')
    tokens.set(name, await signed?.sign(key))
  }
})
afterAll(async () => {
  for (const close of closings) await close()
  router.close()
  removeFolder(folder)
})

async function open(directives: string): Promise<Under> {
  const [ofArgument = '', ofField = ''] = directives.split('|')
  const file = join(folder, `${closings.length}.graphql`)
  writeFileSync(file, sdl.replace('@owner)', `${ofArgument})`).replace('@events(', `${ofField} @events(`))
  const tcpPort = await freePort()
  const gateway = await openGateway({
    WARREN_SCHEMA: file,
    WARREN_TCP_PORT: String(tcpPort),
    // A busy machine takes half a second for a request, and a connection is cut after this long.
    WARREN_AUTH_TIMEOUT: '1500ms',
    WARREN_CALLBACK_URLS: router.url,
  })
  closings.push(() => gateway.close())
  return { gateway, tcpPort }
}

const words = { '+': 'delivered', U: 'UNAUTHENTICATED', F: 'FORBIDDEN' }

describe.each(fields)('a field with %j delivers the events of alice', (directives, verdicts) => {
  let under: Under
  let after: string
  beforeAll(async () => {
    under = await open(directives)
    const send = (channel: string, data: string) =>
      publish(under.gateway, { exchange: 'items', routingKey: 'x', data, headers: { 'x-client': channel } })
    after = await send('alice', 'before')
    await send('bob', 'of bob')
    await send('alice', 'of alice')
  })

  test.each(transports.map((transport) => [transport.name, transport] as const))(
    'over %s to those who may',
    async (_name, transport) => {
      const outcomes = await Promise.all(
        Object.keys(callers).map(async (caller) => {
          const requested = { channel: 'alice', typed: true, token: tokens.get(caller), after }
          await using listening = await transport.listen(under, requested)
          return await listening.events.next().then(
            ({ data }) => (data === 'of alice' ? 'delivered' : data),
            (refused: { code?: string }) => refused.code,
          )
        }),
      )
      const expected = verdicts.split(' ').map((letter) => words[letter as keyof typeof words])
      expect(Object.fromEntries(Object.keys(callers).map((name, n) => [name, outcomes[n]]))).toEqual(
        Object.fromEntries(Object.keys(callers).map((name, n) => [name, expected[n]])),
      )
    },
  )
})
