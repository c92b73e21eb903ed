import { expect, jest, test } from '@jest/globals'
import { ClientBans } from '../../../src/core/clients/client-bans.ts'
import { Revocations } from '../../../src/core/clients/revocations.ts'
import type { ClientBar, ClientRegistry } from '../../../src/core/ports/client-registry.ts'

const parts = {
  control: { send: async () => {}, listen: () => {}, close: async () => {} },
  sessions: [],
  barredUntil: () => undefined,
  logError: () => {},
}

test('a revocation of this replica does not replace a later one that arrives while it is stored', async () => {
  jest.useFakeTimers({ now: 10_000 })
  try {
    let stored: () => void = () => {}
    const addRevocation = () => new Promise<void>((resolve) => (stored = resolve))
    const revocations = new Revocations({ ...parts, registry: { addRevocation } as unknown as ClientRegistry })
    const revoking = revocations.revoke('alice')
    const storeOwn = stored
    void revocations.applyRemote({ clientId: 'alice', at: new Date(20_000) })
    storeOwn()
    await revoking
    expect(revocations.of('alice')).toEqual(new Date(20_000))
  } finally {
    jest.useRealTimers()
  }
})

test('of two changes of a bar the later one counts, in whatever order the registry answers', async () => {
  const answers: ((bar: ClientBar) => void)[] = []
  const changeClientBar = () => new Promise<ClientBar>((resolve) => void answers.push(resolve))
  const bans = new ClientBans({ ...parts, registry: { changeClientBar } as unknown as ClientRegistry })
  const bar = (banned: boolean, changedAt: Date): ClientBar => ({
    clientId: 'alice',
    loginLocked: banned,
    banned,
    deletedAt: undefined,
    origin: undefined,
    changedAt,
  })
  const changes = [bans.lockLogin('alice'), bans.ban('alice')]
  answers[1]?.(bar(true, new Date(2_000)))
  await changes[1]
  answers[0]?.(bar(false, new Date(1_000)))
  await changes[0]
  const identity = { clientId: 'alice' } as Parameters<ClientBans['check']>[0]
  expect(() => bans.check(identity)).toThrow('not valid')
})
