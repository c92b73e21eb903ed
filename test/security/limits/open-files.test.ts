import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { startGateway, testToken } from '../../support/gateway/gateway-process.ts'

const openFiles = 400
/** Of 400 files, 200 are kept for all else. */
const most = 200

test('strangers take no file that the gateway needs, and clients get a connection when they have gone', async () => {
  await using gateway = await startGateway({ openFiles })
  const strangers: Socket[] = []
  try {
    for (const port of [gateway.port, gateway.tcpPort]) {
      for (let n = 0; n < most; n += 1) strangers.push(connect(port, gateway.address))
    }
    await Promise.all(strangers.map((stranger) => once(stranger.resume(), 'connect')))
    await eventually('those without a file to be closed', () => open(strangers) <= most)
    expect(open(strangers)).toBe(most)
    // It still has files for its operator.
    expect(await gateway.readiness()).toBe(200)
    await gateway.printed(/new connections are closed at once: the limit of open files leaves no room for them/)
    expect(gateway.output()).toMatch(/openFiles\W+400.*connections\W+200/)
  } finally {
    for (const stranger of strangers) stranger.destroy()
  }
  const token = await testToken({ scope: 'channel:#' })
  await eventually('a client to connect', async () => {
    await using client = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token } })
    return (await client.request('{ gateway { version } }')).data !== undefined
  })
})

function open(sockets: readonly Socket[]): number {
  return sockets.filter(({ closed, readyState }) => !closed && readyState === 'open').length
}
