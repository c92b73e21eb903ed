import { beforeEach, describe, expect, test } from '@jest/globals'
import type { ClientBans } from '../../../src/core/clients/client-bans.ts'
import { ClientChannels, type NewClient, type Passwords } from '../../../src/core/clients/client-channels.ts'
import type { RegistrationMode } from '../../../src/core/clients/registration.ts'
import { LoginThrottle } from '../../../src/core/limits/login-throttle.ts'
import type { Cursor } from '../../../src/core/model/cursor.ts'
import { anonymous, type Identity, noScope, parseScope } from '../../../src/core/model/identity.ts'
import { MemoryRegistry } from '../memory-registry.ts'

const alice: NewClient = { clientId: 'alice', name: 'Alice', email: 'alice@example.com', password: 'secret' }
const here = { offset: 9 } as Cursor
const expiresAt = new Date(1)

let registry: MemoryRegistry
let events: unknown[]
let mode: RegistrationMode
let prefix: string | undefined
let caller: Identity
/** Runs before a token is issued. */
let meanwhile: () => unknown
let verify: Passwords['verify']
let failures: LoginThrottle

beforeEach(() => {
  registry = new MemoryRegistry()
  events = []
  mode = 'open'
  prefix = undefined
  caller = anonymous
  meanwhile = () => {}
  failures = new LoginThrottle(2)
  verify = async (hash, password, sender) => {
    sender?.onTurn?.()
    return hash === `hash of ${password}`
  }
})

function channels(): ClientChannels {
  return new ClientChannels({
    registry,
    passwords: {
      hash: async (password, sender) => {
        events.push(['hash', sender?.network, sender?.client])
        return `hash of ${password}`
      },
      verify: (...args) => verify(...args),
    },
    failures,
    issueToken: async (clientId, issuedAfter) => {
      await meanwhile()
      events.push(['issue', clientId, issuedAfter])
      return { token: `token of ${clientId}`, expiresAt }
    },
    policy: {
      get mode() {
        return mode
      },
      get prefix() {
        return prefix
      },
    },
    bans: {
      begin: async (clientId: string, from: Cursor) => events.push(['begin', clientId, from.offset]),
      deleted: async (clientId: string, from: Cursor) => {
        events.push(['deleted', clientId, from.offset, registry.clients.has(clientId)])
        await registry.changeClientBar(clientId, { deletedAt: new Date(5_000) })
      },
    } as unknown as ClientBans,
    position: async () => here,
  })
}

const create = (given: Partial<NewClient> = {}, on = channels(), field = '') =>
  on.create({ ...alice, ...given }, { address: '192.0.2.1', caller: async () => caller, prefix: field })

describe('a channel', () => {
  test('is created once; with the same password a client gets a token again', async () => {
    const on = channels()
    const first = await create({}, on)
    expect(first).toMatchObject({ created: true, token: 'token of alice', expiresAt })
    expect(first.client).toMatchObject({ clientId: 'alice', name: 'Alice', passwordHash: 'hash of secret' })
    expect(events).toEqual([
      ['hash', '192.0.2.1', 'alice'],
      ['issue', 'alice', undefined],
    ])
    const again = await create({ name: 'Other' }, on)
    expect(again).toMatchObject({ created: false, client: { name: 'Alice' } })
  })

  test('is new: its password is hashed and not checked', async () => {
    verify = () => Promise.reject(new Error('not needed'))
    expect((await create()).created).toBe(true)
  })

  test('is taken for any other password, and after too many of those no more are checked', async () => {
    await create()
    for (let attempt = 0; attempt < 2; attempt += 1)
      await expect(create({ password: 'wrong' })).rejects.toMatchObject({ code: 'CLIENT_ID_TAKEN' })
    await expect(create()).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' })
  })

  test('a check that fails for another reason is no wrong password', async () => {
    await create()
    verify = async (_hash, _password, sender) => {
      sender?.onTurn?.()
      throw new Error('no memory')
    }
    for (let attempt = 0; attempt < 3; attempt += 1) await expect(create()).rejects.toThrow('no memory')
    expect(failures.hasFailed('alice', '192.0.2.1')).toBe(false)
  })

  test('the check knows of earlier failures of the client and of its network', async () => {
    await create()
    const seen: unknown[] = []
    verify = async (hash, _password, sender) => {
      seen.push([hash, sender?.network, sender?.client, sender?.suspect, sender?.slowed?.()])
      sender?.onTurn?.()
      return false
    }
    await expect(create()).rejects.toThrow('taken')
    for (let number = 0; number < 20; number += 1) failures.begin(`c${number}`, '192.0.2.1').settle(false)
    await expect(create()).rejects.toThrow('taken')
    expect(seen).toEqual([
      ['hash of secret', '192.0.2.1', 'alice', false, false],
      ['hash of secret', '192.0.2.1', 'alice', true, true],
    ])
  })

  test('equal requests at the same time share one result', async () => {
    const on = channels()
    const [first, second, other] = await Promise.all([create({}, on), create({}, on), create({ name: 'B' }, on)])
    expect([first.created, second.created, other.created]).toEqual([true, false, false])
    expect(events.filter((event) => (event as unknown[])[0] === 'issue')).toHaveLength(2)
    expect((await create({}, on)).created).toBe(false)
  })

  test('cannot be had while its log-in is locked, also if that happens during the request', async () => {
    await registry.changeClientBar('alice', { loginLocked: true })
    await expect(create()).rejects.toMatchObject({ code: 'FORBIDDEN' })
    expect(events).toEqual([])
    await registry.changeClientBar('alice', { loginLocked: false })
    meanwhile = () => registry.changeClientBar('alice', { loginLocked: true })
    await expect(create()).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  test('after its deletion begins at the present end of the journal, with tokens dated later', async () => {
    await registry.changeClientBar('alice', { deletedAt: expiresAt })
    await create()
    expect(events.slice(1)).toEqual([
      ['begin', 'alice', 9],
      ['issue', 'alice', expiresAt],
    ])
  })

  test.each<[string, () => unknown]>([
    ['deleted', () => registry.clients.delete('alice')],
    ['given to another owner', () => registry.clients.set('alice', { passwordHash: 'other' } as never)],
    ['deleted and registered again', () => registry.changeClientBar('alice', { deletedAt: new Date(7) })],
  ])('that is %s during the request yields no token', async (_what, change) => {
    meanwhile = change
    await expect(create()).rejects.toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
  })
})

describe('the input is checked:', () => {
  test.each<[Partial<NewClient>, string, string]>([
    [{ clientId: '' }, 'clientId', 'non-empty'],
    [{ name: ' ' }, 'name', 'non-empty'],
    [{ name: 5 as unknown as string }, 'name', 'non-empty'],
    [{ name: 'n'.repeat(201) }, 'name', 'at most 200 bytes, got 201'],
    [{ name: 'a\nb' }, 'name', 'control characters'],
    [{ email: 'e' }, 'email', 'such as name@example.com'],
    [{ email: 'x a@b' }, 'email', 'such as'],
    [{ email: 'a@b x' }, 'email', 'such as'],
    [{ email: '@b' }, 'email', 'such as'],
    [{ email: 'a@' }, 'email', 'such as'],
    [{ email: `${'e'.repeat(250)}@b.cd` }, 'email', 'at most 254'],
    [{ password: 'p'.repeat(1_025) }, 'password', 'at most 1024'],
    [{ password: '\ud800' }, 'password', 'surrogate'],
    [{ clientId: 'a\u200bb' }, 'clientId', 'U+200B'],
    [{ name: 'a\u202eb' }, 'name', 'U+202E'],
    [{ email: 'a\u00ad@b' }, 'email', 'U+00AD'],
  ])('%j', async (given, field, text) => {
    await expect(create(given, channels(), 'input.')).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      field: `input.${field}`,
    })
    await expect(create(given)).rejects.toThrow(text)
    expect(registry.clients.size).toBe(0)
  })

  test('up to the limits', async () => {
    const email = `${'e'.repeat(252)}@b`
    expect((await create({ name: 'n'.repeat(200), email, password: 'p'.repeat(1_024) })).created).toBe(true)
  })
})

describe('who may register', () => {
  test('no client if passwords are off, not even one that exists', async () => {
    await create()
    mode = 'off'
    await expect(create()).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  test('only a token with the scope `register`; a registered client needs none', async () => {
    mode = 'token'
    await expect(create()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    caller = { ...anonymous, clientId: 'bob' }
    await expect(create()).rejects.toMatchObject({ code: 'FORBIDDEN' })
    caller = { ...anonymous, scope: parseScope('register') }
    expect((await create()).created).toBe(true)
    caller = anonymous
    expect((await create()).created).toBe(false)
  })

  test('only ids with the prefix', async () => {
    prefix = 'web-'
    await expect(create()).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field: 'clientId' })
    expect((await create({ clientId: 'web-alice' })).created).toBe(true)
  })
})

describe('a search', () => {
  const ids = (found: readonly string[]) => {
    for (const id of found) registry.clients.set(id, {} as never)
  }
  const search = (text: string, who: Identity) => channels().search(text, who)
  const operator: Identity = { ...anonymous, scope: { ...noScope, operator: true } }
  const with100 = Array.from({ length: 100 }, (_, number) => `c${1_000 + number}`)

  test('finds the own channel of a client, and asks the registry only if it may match', async () => {
    ids(['alice', 'alina'])
    const own = { ...anonymous, clientId: 'Alice' }
    expect([await search('LIC', own), registry.calls.length]).toEqual([[], 1])
    expect(await search('LIC', { ...own, clientId: 'alice' })).toEqual(['alice'])
    registry.calls.length = 0
    for (const who of [anonymous, { ...own, disowned: true }]) expect(await search('lic', who)).toEqual([])
    expect([await search('bob', own), registry.calls]).toEqual([[], []])
  })

  test('finds what the scope of the caller names', async () => {
    ids(['alice', 'team.one', 'team.two'])
    const member: Identity = { ...anonymous, clientId: 'alice', scope: { ...noScope, channels: ['team.*'] } }
    expect(await search('', member)).toEqual(['alice', 'team.one', 'team.two'])
    expect(await search('tW', member)).toEqual(['team.two'])
    expect(await search('', operator)).toHaveLength(3)
  })

  test('yields at most 100 names, and ends after 20 pages of 500 ids', async () => {
    ids([...with100, 'd'])
    expect(await search('', operator)).toEqual(with100)
    const many = Array.from({ length: 10_500 }, (_, number) => `x${100_000 + number}`)
    registry.clients.clear()
    ids([...many, 'y'])
    registry.calls.length = 0
    const narrow: Identity = {
      ...anonymous,
      scope: { ...noScope, channels: ['y', many[9_999] ?? '', many[600] ?? ''] },
    }
    expect(await search('', narrow)).toEqual([many[600], many[9_999]])
    expect(registry.calls).toHaveLength(20)
    registry.calls.length = 0
    expect([(await search('', operator)).length, registry.calls.length]).toEqual([100, 1])
  })
})

describe('deleting a channel', () => {
  test('invalidates its tokens before others can take the id', async () => {
    const on = channels()
    await create({}, on)
    events.length = 0
    expect(await on.remove('alice')).toBe(true)
    expect(events).toEqual([['deleted', 'alice', 9, true]])
    expect([await on.find('alice'), await on.remove('alice'), events.length]).toEqual([undefined, false, 1])
  })
})
