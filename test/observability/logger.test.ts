import { describe, expect, test } from '@jest/globals'
import { createLogger } from '../../src/observability/logger.ts'

function logged(format: 'json' | 'pretty', level: 'debug' | 'info' = 'info') {
  const lines: string[] = []
  return { lines, log: createLogger({ level, format, sink: { write: (line) => lines.push(line) } }).log }
}

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl'

describe('JSON lines', () => {
  test('hold level, time, text and details', () => {
    const { lines, log } = logged('json')
    log('warn', 'the broker is away', { attempt: 3, took: 12n })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/\n$/)
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      msg: 'the broker is away',
      attempt: 3,
      took: '12',
    })
  })

  test('below the level are not written', () => {
    const { lines, log } = logged('json')
    log('debug', 'below the level')
    expect(lines).toEqual([])
  })

  test('never contain a token, a password or an e-mail address', () => {
    const { lines, log } = logged('json')
    log('error', `refused ${jwt} of alice@example.com at amqp://guest:hunter2@rabbit`, {
      error: new Error(`connect amqps://guest:hunter2@rabbit`, { cause: new Error(`Authorization: Bearer ${jwt}`) }),
      input: { name: 'Alice', email: 'alice@example.com', password: 'hunter2', nested: [{ jwtSecret: 'hunter2' }] },
      headers: { authorization: `Bearer ${jwt}`, cookie: 'session=hunter2' },
      url: `/ws?token=${jwt}`,
    })
    expect(lines.join()).not.toMatch(/hunter2|eyJ|alice@/)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      msg: 'refused [token] of [email] at amqp://guest:***@rabbit',
      error: { message: 'connect amqps://guest:***@rabbit', stack: expect.stringContaining('logger.test') },
      input: { name: 'Alice', email: '[redacted]', password: '[redacted]', nested: [{ jwtSecret: '[redacted]' }] },
    })
  })

  test('survive circular and huge details', () => {
    const { lines, log } = logged('json')
    const circle: Record<string, unknown> = { body: Buffer.alloc(1_000_000), text: 'a.'.repeat(1_000_000) }
    circle['self'] = circle
    log('info', 'odd', { circle })
    expect(lines[0]?.length).toBeLessThan(100_000)
  })
})

describe('lines for people', () => {
  test('are one line for each message, followed by its details', () => {
    const { lines, log } = logged('pretty')
    log('info', 'a source was made', { exchange: 'orders', clientId: { header: 'user id' } })
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} info {2}a source was made exchange=orders clientId=\{"header":"user id"\}\n$/,
    )
  })

  test('show the stack of an error below', () => {
    const { lines, log } = logged('pretty')
    log('error', 'it failed', { error: new Error('no such exchange') })
    expect(lines[0]).toMatch(/^[\d:.]+ error it failed error="no such exchange"\n +at /)
  })

  test('cannot be forged by a client', () => {
    const { lines, log } = logged('pretty')
    log('info', 'hello\n09:00:00.000 error all is lost\u001b[2J', { name: '\u001b]0;title\u0007' })
    expect(lines[0]?.split('\n')).toHaveLength(2)
    // oxlint-disable-next-line no-control-regex
    expect(lines[0]).not.toMatch(/\u001b|\u0007/)
  })
})
