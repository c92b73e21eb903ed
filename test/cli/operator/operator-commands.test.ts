import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { listen } from '../../e2e/back-end/graphql-caller.ts'
import { eventually } from '../../support/eventually.ts'
import { runCommand } from '../../support/gateway/command-in-process.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'

let gateway: InProcessGateway
let folder: string
beforeAll(async () => {
  folder = newFolder()
  gateway = await openGateway()
})
afterAll(async () => {
  await gateway.close()
  removeFolder(folder)
})

/** Runs a command against the gateway with an operator's token. */
const warren = (...args: string[]) =>
  runCommand([...args, '--url', gateway.graphqlUrl, '--token', gateway.operatorToken])

async function json<Data>(...args: string[]): Promise<Data> {
  const { code, stdout, stderr } = await warren(...args, '--json')
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as Data
}

describe('warren sources', () => {
  test('creates, lists and deletes a source, and shows that a typing error made an exchange', async () => {
    expect(await warren('sources', 'create', 'orders', '--key', 'orders.{clientId}.#')).toMatchObject({ code: 0 })
    const typo = await warren('sources', 'create', 'ordres', '--type', 'fanout', '--body-pointer', '/to')
    expect(typo.stdout).toContain('ordres (FANOUT)  #  the body at "/to"')
    expect(typo.stdout).toContain('the exchange ordres did not exist and was made; was orders meant?')
    const listed = await json<{ id: string; exchange: string }[]>('sources', 'list')
    const { id } = listed.find(({ exchange }) => exchange === 'ordres')!
    expect(await json('sources', 'delete', id)).toEqual({ deleted: id })
    const again = await warren('sources', 'delete', id)
    expect([again.code, again.stderr]).toEqual([1, `id: no source has the id ${id}\n`])
    expect((await warren('sources', 'list')).stdout).toContain('word 2 of the key')
  })

  test('applies a file: prints the difference, creates what is missing, and deletes with --prune only', async () => {
    const file = join(folder, 'sources.yaml')
    writeFileSync(
      file,
      'sources:\n  - exchange: chats\n    type: fanout\n    clientId: { bodyPointer: /to }\n  - exchange: couriers\n    key: courier.{clientId}.*\n',
    )
    const diff = {
      created: [expect.stringContaining('chats (FANOUT)'), expect.stringContaining('couriers')],
      unchanged: 0,
    }
    const kept = ['orders orders.{clientId}.#']
    expect(await json('sources', 'apply', '-f', file, '--dry-run')).toEqual({ ...diff, deleted: [], kept })
    expect(await json('sources', 'apply', '-f', file)).toEqual({ ...diff, deleted: [], kept })
    const { stdout } = await warren('sources', 'apply', '-f', file)
    expect(stdout).toBe('! not in the file: orders orders.{clientId}.#\n2 unchanged\n')
    expect(await json('sources', 'apply', '-f', file, '--prune')).toEqual({
      created: [],
      deleted: kept,
      kept: [],
      unchanged: 2,
    })
    const exchanges = (await json<{ exchange: string }[]>('sources', 'list')).map(({ exchange }) => exchange)
    expect(new Set(exchanges)).toEqual(new Set(['warren.events', 'chats', 'couriers']))
  })

  test('names each mistake in a file', async () => {
    const file = join(folder, 'broken.yaml')
    writeFileSync(file, 'sources:\n  - exchange: a\n    type: round\n  - exchange: b\n    kye: x\nextra: 1\n')
    const { code, stderr } = await warren('sources', 'apply', '-f', file)
    expect(code).toBe(2)
    expect(stderr).toContain('sources[0].type: expected direct, fanout, topic, headers')
    expect(stderr).toContain('sources[1].kye: expected only exchange, type, key, clientId, buffered')
    expect(stderr).toContain('extra: expected only sources and prune')
  })
})

describe('the commands for clients and messages', () => {
  test('print who is online, with which sessions, and what the journal holds', async () => {
    await using wendy = await listen(gateway.graphqlSocketUrl, await gateway.clientToken('wendy'), {
      clientId: 'wendy',
    })
    await eventually('the subscription', () => gateway.gateway.hub.countOf('wendy') === 1)
    expect((await warren('publish', '--client', 'wendy', '--message-id', 'cli-1', '{"n": 1.10}')).code).toBe(0)
    const { cursor } = await wendy.next()
    expect((await warren('clients', 'wend')).stdout).toMatch(
      /^online {2}wendy {2}1 session \(graphql-ws\) .*1 delivered/,
    )
    expect(await json('clients', '--only', 'online')).toMatchObject({ nodes: [{ clientId: 'wendy', delivered: 1 }] })
    expect((await warren('sessions', 'wendy')).stdout).toContain('  channel wendy  at offset ')
    expect(await json('sessions', 'wendy')).toMatchObject({ sessions: [{ transport: 'graphql-ws' }] })
    expect((await warren('messages', '--channel', 'wendy')).stdout).toMatch(
      /warren\.events client\.wendy {2}wendy {2}DELIVERED {2}\{"n":1\.10\}\n/,
    )
    for (const at of [cursor, 'cli-1'])
      expect(await json('messages', '--at', at)).toMatchObject({ nodes: [{ messageId: 'cli-1', cursor }] })
    await eventually('wendy online', async () => (await warren('presence', 'wendy')).stdout === 'online  wendy\n')
    expect(await json('presence', 'unknown')).toEqual([{ clientId: 'unknown', online: false, lastSeen: null }])
  })

  test.each([
    ['messages', '--at', '1', '--before', 'x'],
    ['sources', 'create', 'a', '--everyone', '--fixed', 'b'],
    ['sources', 'apply'],
  ])('warren %s %s %s is refused with status 2', async (...args) => {
    const { code, stderr } = await warren(...args)
    expect(code).toBe(2)
    expect(stderr).not.toBe('')
  })
})

test('WARREN_SOURCES is applied at the start, and a mistake in it stops the start', async () => {
  const file = join(folder, 'start.yaml')
  writeFileSync(file, 'sources: [{ exchange: boards, type: fanout, clientId: { everyone: true } }]\n')
  const started = await openGateway({ WARREN_SOURCES: file })
  try {
    await eventually('the source of the file', () => started.gateway.sources.hasExchange('boards'))
  } finally {
    await started.close()
  }
  writeFileSync(file, 'sources: [{ exchange: "" }]\n')
  await expect(openGateway({ WARREN_SOURCES: file })).rejects.toThrow('sources[0].exchange')
})
