import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { BarredTokens } from '../../../src/core/clients/barred-tokens.ts'
import { ClientBans } from '../../../src/core/clients/client-bans.ts'
import { issuedUpTo } from '../../../src/core/clients/issued-up-to.ts'
import { latest } from '../../../src/core/clients/latest-date.ts'
import { Revocations } from '../../../src/core/clients/revocations.ts'
import { anonymous, type Identity } from '../../../src/core/model/identity.ts'
import type { ControlBus, ControlMessage } from '../../../src/core/ports/control-bus.ts'
import type { Session } from '../../../src/core/sessions/session.ts'
import { MemoryRegistry } from '../memory-registry.ts'

const now = Date.UTC(2026, 0, 1)
const at = (ms: number) => new Date(now + ms)
const alice = (issuedMs: number | undefined, more: Partial<Identity> = {}): Identity => ({
  ...anonymous,
  clientId: 'alice',
  issuedAt: issuedMs === undefined ? undefined : at(issuedMs),
  ...more,
})
const origin = { epoch: '0123456789abcdef', offset: 7, fingerprint: 1, before: false }

/** Records which identities a session would lose. */
class FakeSession {
  readonly revoked: ((identity: Identity) => boolean)[] = []
  readonly disowned: [string, (identity: Identity) => boolean][] = []
  revoke(bans: (identity: Identity) => boolean): void {
    this.revoked.push(bans)
  }
  disown(channel: string, isInvalidated: (identity: Identity) => boolean): void {
    this.disowned.push([channel, isInvalidated])
  }
}

let registry: MemoryRegistry
let sent: ControlMessage[]
let sending: () => Promise<void>
let session: FakeSession
let errors: unknown[]
let barred: Date | undefined
let parts: ConstructorParameters<typeof ClientBans>[0]

beforeEach(() => {
  jest.useFakeTimers({ now })
  registry = new MemoryRegistry()
  sent = []
  errors = []
  barred = undefined
  sending = async () => {}
  session = new FakeSession()
  const control = {
    send: (message: ControlMessage) => {
      sent.push(message)
      return sending()
    },
  } as unknown as ControlBus
  parts = {
    registry,
    control,
    sessions: [session as unknown as Session],
    barredUntil: () => barred,
    logError: (error) => errors.push(error),
  }
})
afterEach(() => void jest.useRealTimers())

function refusal(check: () => void): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    expect(error).toMatchObject({ code: 'UNAUTHENTICATED', message: 'The token is not valid, or no longer valid.' })
    return ((error as Error).cause as Error).message
  }
}

test('a token counts by the whole second in which it was issued; without a time it is old', () => {
  const ages: [number | undefined, number, boolean][] = [
    [1_999, 1_000, true],
    [1_000, 1_999, true],
    [2_000, 1_999, false],
    [999, 1_000, true],
    [undefined, 0, true],
  ]
  for (const [issued, bar, expected] of ages) expect(issuedUpTo(alice(issued), at(bar))).toBe(expected)
})

test('the later of two dates', () => {
  const [early, late] = [at(1), at(2)]
  expect([latest(early, late), latest(late, early)]).toEqual([late, late])
  expect([latest(early, undefined), latest(undefined, early), latest(undefined, undefined)]).toEqual([
    early,
    early,
    undefined,
  ])
})

describe('a revocation', () => {
  const make = () => new Revocations(parts)

  test('is in force here, in the registry and for open sessions, and other replicas are informed', async () => {
    const revocations = make()
    await revocations.revoke('alice')
    const revocation = { clientId: 'alice', at: at(0) }
    expect([...registry.revocations.values()]).toEqual([revocation])
    expect(sent).toEqual([{ kind: 'client-revoked', clientId: 'alice', at: at(0).toISOString() }])
    expect(revocations.of('alice')).toEqual(at(0))
    const [bans] = session.revoked
    const identities = [alice(-5_000), alice(500), alice(1_000), alice(undefined), { ...alice(0), clientId: 'bob' }]
    expect(identities.map((identity) => bans?.(identity))).toEqual([true, true, false, true, false])
    expect(bans?.(anonymous)).toBe(false)
    expect(refusal(() => revocations.check(alice(0)))).toBe(
      'revoked: the client was revoked after the token was issued',
    )
    expect(refusal(() => revocations.check(alice(1_000)))).toBeUndefined()
  })

  test('comes a second after an earlier bar, so that tokens dated after that bar are barred too', async () => {
    barred = at(5_000)
    const revocations = make()
    await revocations.revoke('alice')
    expect(revocations.of('alice')).toEqual(at(6_000))
  })

  test('that the registry refuses is not in force', async () => {
    registry.failing = new Error('away')
    const revocations = make()
    await expect(revocations.revoke('alice')).rejects.toThrow('away')
    expect([revocations.of('alice'), session.revoked, sent]).toEqual([undefined, [], []])
  })

  test('by another replica is applied and stored once; an older one changes nothing', async () => {
    const revocations = make()
    await revocations.applyRemote({ clientId: 'alice', at: at(2_000) })
    await revocations.applyRemote({ clientId: 'alice', at: at(2_000) })
    await revocations.applyRemote({ clientId: 'alice', at: at(1_000) })
    expect([revocations.of('alice'), session.revoked.length, registry.calls.length]).toEqual([at(2_000), 1, 1])
    await revocations.applyRemote({ clientId: 'alice', at: at(3_000) })
    expect([revocations.of('alice'), session.revoked.length]).toEqual([at(3_000), 2])
  })

  test('is read from the registry: at the start, on request, and every few seconds', async () => {
    const revocations = make()
    registry.revocations.set('alice', { clientId: 'alice', at: at(0) })
    await revocations.open()
    expect(revocations.of('alice')).toEqual(at(0))
    registry.revocations.set('bob', { clientId: 'bob', at: at(0) })
    revocations.refresh()
    await jest.advanceTimersByTimeAsync(0)
    expect([revocations.of('bob'), session.revoked.length]).toEqual([at(0), 2])
    registry.failing = new Error('away')
    await jest.advanceTimersByTimeAsync(2_000)
    expect(errors).toEqual([registry.failing])
    revocations.close()
    await jest.advanceTimersByTimeAsync(10_000)
    expect(errors).toHaveLength(1)
  })
})

describe('a ban', () => {
  const make = () => new ClientBans(parts)

  test('refuses every token of the client, ends its sessions, and can be lifted', async () => {
    const bans = make()
    await bans.ban('alice')
    expect(registry.bars.get('alice')).toMatchObject({ loginLocked: true, banned: true, deletedAt: undefined })
    expect(sent).toEqual([{ kind: 'client-barred', clientId: 'alice' }])
    expect(refusal(() => bans.check(alice(9e9, { fromProvider: true })))).toBe('banned: the client is banned')
    for (const identity of [{ ...alice(0), clientId: 'bob' }, anonymous])
      expect(refusal(() => bans.check(identity))).toBeUndefined()
    expect(session.revoked.map((isBanned) => [isBanned(alice(0)), isBanned(anonymous)])).toEqual([[true, false]])
    expect(session.disowned).toEqual([])

    expect([await bans.lift('alice'), await bans.lift('alice'), await bans.lift('bob')]).toEqual([true, false, false])
    expect(registry.bars.get('alice')).toMatchObject({ loginLocked: false, banned: false })
    expect(refusal(() => bans.check(alice(0)))).toBeUndefined()
    expect(session.revoked).toHaveLength(1)
  })

  test('a locked log-in bars no token, and can be lifted', async () => {
    const bans = make()
    await bans.lockLogin('alice')
    expect(registry.bars.get('alice')).toMatchObject({ loginLocked: true, banned: false })
    expect([refusal(() => bans.check(alice(0))), session.revoked]).toEqual([undefined, []])
    expect(await bans.lift('alice')).toBe(true)
    registry.bars.set('eve', { ...(await registry.changeClientBar('eve', { banned: true })) })
    expect(await bans.lift('eve')).toBe(true)
  })

  test('is in force although other replicas cannot be informed', async () => {
    sending = () => Promise.reject(new Error('away'))
    const bans = make()
    await bans.ban('alice')
    expect(refusal(() => bans.check(alice(0)))).toMatch('banned')
  })
})

describe('a deleted channel', () => {
  const make = () => new ClientBans(parts)

  test('invalidates tokens that Warren issued until then, and hides the past from the next owner', async () => {
    const bans = make()
    expect([bans.originOf('alice'), bans.deletionOf('alice')]).toEqual([undefined, undefined])
    await bans.deleted('alice', origin)
    expect([bans.originOf('alice'), bans.deletionOf('alice')]).toEqual([origin, at(0)])
    expect(refusal(() => bans.check(alice(500)))).toBe('deleted: the channel was deleted after the token was issued')
    for (const identity of [alice(1_000), alice(0, { fromProvider: true }), { ...alice(0), clientId: undefined }])
      expect(refusal(() => bans.check(identity))).toBeUndefined()
    const [disowned] = session.disowned
    expect([disowned?.[0], disowned?.[1](alice(0)), disowned?.[1](alice(1_000))]).toEqual(['alice', true, false])
    expect(session.revoked).toEqual([])

    await bans.begin('alice', { ...origin, offset: 9 })
    expect([bans.originOf('alice')?.offset, bans.deletionOf('alice')]).toEqual([9, at(0)])
  })

  test.each([
    ['as the registry knows it', 5_000, 2_000],
    ['as this replica knows it', 2_000, 5_000],
  ])('is dated a second after an earlier bar, %s', async (_what, storedMs, knownMs) => {
    const bans = make()
    await registry.changeClientBar('alice', { deletedAt: at(storedMs) })
    barred = at(knownMs)
    await bans.deleted('alice', origin)
    expect(bans.deletionOf('alice')).toEqual(at(6_000))
  })

  test('is read from the registry, but not from an older answer', async () => {
    const bans = make()
    const old = await registry.changeClientBar('alice', { banned: true })
    await bans.open()
    expect(refusal(() => bans.check(alice(0)))).toMatch('banned')
    await bans.lift('alice')
    registry.bars.set('alice', old)
    bans.refresh()
    await jest.advanceTimersByTimeAsync(0)
    expect(refusal(() => bans.check(alice(0)))).toBeUndefined()
    await registry.changeClientBar('alice', { banned: true })
    registry.bars.set('alice', { ...old, changedAt: at(60_000) })
    await jest.advanceTimersByTimeAsync(2_000)
    expect(refusal(() => bans.check(alice(0)))).toMatch('banned')
    registry.failing = new Error('away')
    await jest.advanceTimersByTimeAsync(2_000)
    expect(errors).toEqual([registry.failing])
    bans.close()
    await jest.advanceTimersByTimeAsync(10_000)
    expect(errors).toHaveLength(1)
  })
})

describe('the tokens of a client', () => {
  test('are barred until its last revocation or deletion, whichever is later', async () => {
    const what: string[] = []
    const tokens = new BarredTokens({ ...parts, logError: (error) => what.push(error) })
    await tokens.open()
    expect(tokens.until('alice')).toBeUndefined()
    expect(refusal(() => tokens.check(alice(0)))).toBeUndefined()
    await tokens.revocations.revoke('alice')
    expect(tokens.until('alice')).toEqual(at(0))
    expect(refusal(() => tokens.check(alice(0)))).toContain('revoked')
    await tokens.bans.deleted('alice', origin)
    expect(tokens.until('alice')).toEqual(at(1_000))
    await tokens.bans.ban('alice')
    expect(refusal(() => tokens.check(alice(9_000)))).toContain('banned')
    registry.failing = new Error('away')
    tokens.refresh()
    await jest.advanceTimersByTimeAsync(0)
    expect(what.toSorted()).toEqual(['reading bans and deletions', 'reading revocations'])
    tokens.close()
    expect(jest.getTimerCount()).toBe(0)
  })
})
