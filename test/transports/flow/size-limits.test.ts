import { expect, test } from '@jest/globals'
import { anonymous, anyListener, type Identity, parseScope } from '../../../src/core/model/identity.ts'
import { FrameLimits } from '../../../src/transports/flow/frame-limits.ts'
import { maxBodyBytesOf } from '../../../src/transports/http/answer-request.ts'

const kiB = 1_024
const maxFrameBytes = 64 * kiB
const maxMessageBytes = 16 * kiB * kiB

test.each<[name: string, identity: Identity, frame: number, body: number]>([
  ['no token', anonymous, 16 * kiB, 64 * kiB],
  ['no token where anyone may subscribe', anyListener, 16 * kiB, kiB * kiB],
  ['a client', { ...anonymous, clientId: 'alice' }, maxFrameBytes, kiB * kiB],
  ['a scope of Warren', { ...anonymous, scope: parseScope('observe') }, maxFrameBytes, kiB * kiB],
  ["a scope of the team's own", { ...anonymous, scope: parseScope('orders-read') }, maxFrameBytes, kiB * kiB],
  ['a publisher', { ...anonymous, scope: parseScope('publish') }, maxMessageBytes, maxMessageBytes],
])('%s: the largest frame and the largest body', (_name, identity, frame, body) => {
  const limits = new FrameLimits({ maxFrameBytes, maxMessageBytes })
  expect([limits.of(identity), maxBodyBytesOf(identity, maxMessageBytes)]).toEqual([frame, body])
})
