import { describe, expect, test } from '@jest/globals'
import { Heartbeat } from '../../src/transports/socketcluster/heartbeat.ts'

const options = { pingIntervalMs: 8_000, probeGapMs: 1_000, pingTimeoutMs: 20_000 }
const javaScript = '{"event":"#handshake","data":{"authToken":null},"cid":1}'

/**
 * What is sent within so many seconds, looked at each second; `answers`: when the client answers,
 * and in which protocol.
 */
function pings(heartbeat: Heartbeat, seconds: number, answers: Record<number, 1 | 2> = {}): string[] {
  const sent: string[] = []
  for (let second = 1; second <= seconds; second += 1) {
    const ping = heartbeat.due(second * 1_000)
    if (ping !== undefined) sent.push(`${second}: ${ping === '' ? 'empty' : ping}`)
    const answer = answers[second]
    if (answer) heartbeat.answered(answer)
  }
  return sent
}

function heartbeatAfter(handshake: string, protocol?: 1 | 2): Heartbeat {
  const heartbeat = new Heartbeat(options, protocol, 0)
  heartbeat.handshakeReceived(handshake)
  return heartbeat
}

describe('a client that shakes hands as JavaScript does', () => {
  test('is sent both pings until it answers one', () => {
    expect(pings(heartbeatAfter(javaScript), 26)).toEqual([
      '8: #1',
      '9: empty',
      '16: #1',
      '17: empty',
      '24: #1',
      '25: empty',
    ])
  })

  test('is pinged in protocol 1 from its answer on, and never sent an empty frame', () => {
    expect(pings(heartbeatAfter(javaScript), 26, { 8: 1 })).toEqual(['8: #1', '9: #1', '17: #1', '25: #1'])
  })

  test('is pinged in protocol 2 from its answer on', () => {
    expect(pings(heartbeatAfter(javaScript), 26, { 9: 2 })).toEqual(['8: #1', '9: empty', '16: empty', '24: empty'])
  })
})

describe('any other client', () => {
  test.each([
    ['Python', '{"cid": 1, "data": {"authToken": null}, "event": "#handshake"}'],
    ['Java', '{"data":{},"event":"#handshake","cid":1}'],
    ['a batch', '[{"event":"#handshake","data":{"authToken":null},"cid":1}]'],
  ])('is sent pings of WebSocket alone: %s', (_who, handshake) => {
    expect(pings(heartbeatAfter(handshake), 17)).toEqual(['8: control', '16: control'])
  })

  test('is pinged as it says in its URL, whatever its handshake looks like', () => {
    expect(pings(heartbeatAfter(javaScript, 1), 17)).toEqual(['8: #1', '16: #1'])
    expect(pings(heartbeatAfter('{}', 2), 17)).toEqual(['8: empty', '16: empty'])
  })
})

test('a client that says nothing for the length of the time-out is gone; any sign of life counts', () => {
  const heartbeat = heartbeatAfter(javaScript)
  expect(heartbeat.isSilent(20_000)).toBe(false)
  expect(heartbeat.isSilent(20_001)).toBe(true)
  heartbeat.received(15_000)
  expect(heartbeat.isSilent(35_000)).toBe(false)
})
