import { describe, expect, test } from '@jest/globals'
import { Heartbeat } from '../../../src/transports/socketcluster/heartbeat.ts'

const options = { pingIntervalMs: 8_000, probeGapMs: 1_000, pingTimeoutMs: 20_000 }
const javaScript = '{"event":"#handshake","data":{"authToken":null},"cid":1}'

/**
 * The pings within so many seconds. `answers`: the second at which the client answers, and its
 * protocol.
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

describe('a client with the handshake of a JavaScript client', () => {
  test('gets both pings until it answers one', () => {
    expect(pings(heartbeatAfter(javaScript), 26)).toEqual([
      '8: #1',
      '9: empty',
      '16: #1',
      '17: empty',
      '24: #1',
      '25: empty',
    ])
  })

  test('gets pings of protocol 1 after it has answered one, and no empty frame', () => {
    expect(pings(heartbeatAfter(javaScript), 26, { 8: 1 })).toEqual(['8: #1', '9: #1', '17: #1', '25: #1'])
  })

  test('gets pings of protocol 2 after it has answered one', () => {
    expect(pings(heartbeatAfter(javaScript), 26, { 9: 2 })).toEqual(['8: #1', '9: empty', '16: empty', '24: empty'])
  })
})

describe('any other client', () => {
  test.each([
    ['Python', '{"cid": 1, "data": {"authToken": null}, "event": "#handshake"}'],
    ['Java', '{"data":{},"event":"#handshake","cid":1}'],
    ['a batch', '[{"event":"#handshake","data":{"authToken":null},"cid":1}]'],
  ])('gets pings of WebSocket only: %s', (_who, handshake) => {
    expect(pings(heartbeatAfter(handshake), 17)).toEqual(['8: control', '16: control'])
  })

  test('gets the pings of the protocol in its URL, whatever its handshake is', () => {
    expect(pings(heartbeatAfter(javaScript, 1), 17)).toEqual(['8: #1', '16: #1'])
    expect(pings(heartbeatAfter('{}', 2), 17)).toEqual(['8: empty', '16: empty'])
  })
})

test('a client is silent when it has sent nothing for the length of the timeout', () => {
  const heartbeat = heartbeatAfter(javaScript)
  expect(heartbeat.isSilent(20_000)).toBe(false)
  expect(heartbeat.isSilent(20_001)).toBe(true)
  heartbeat.received(15_000)
  expect(heartbeat.isSilent(35_000)).toBe(false)
})
