import { once } from 'node:events'
import { expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import { callerOf, channelQuery, publish, Refused } from '../e2e/back-end/graphql-caller.ts'
import { connectGraphql } from '../support/frames/graphql-frames.ts'
import { runWarren, startGateway, testSecret, testToken } from '../support/gateway/gateway-process.ts'

const password = 'hunter2-correct-horse'
const wrongPassword = 'swordfish-battery'
const email = 'alice.liddell@wonderland.example'

test.each(['json', 'pretty'])(
  'a run with valid and invalid passwords, tokens and addresses everywhere leaves none of them in its output or its metrics (%s)',
  async (format) => {
    await using gateway = await startGateway({
      env: { WARREN_LOG_LEVEL: 'debug', WARREN_LOG_FORMAT: format, WARREN_MAX_PASSWORD_FAILURES: '2' },
    })
    const operatorToken = await testToken({ scope: 'operator' })
    const expired = await testToken({ sub: 'alice' }, { ttl: '-1h' })
    const forged = await testToken({ sub: 'alice' }, { secret: 'another secret of at least 32 bytes' })
    const good = await testToken({ sub: 'alice' })
    const input = { clientId: 'alice', name: 'Alice', email, password }
    const create = 'mutation Create($input: CreateClientChannelInput!) { createClientChannel(input: $input) { token } }'
    const issued: string[] = []
    const asking = async (token: string, query: string, variables: Record<string, unknown> = {}) => {
      const answer = await callerOf(gateway.graphqlUrl, token)<{ createClientChannel?: { token: string } }>(
        query,
        variables,
      ).catch((error: unknown) => {
        if (!(error instanceof Refused)) throw error
        return undefined
      })
      if (answer?.createClientChannel) issued.push(answer.createClientChannel.token)
    }

    await asking(good, create, { input })
    for (let attempt = 0; attempt < 4; attempt += 1) {
      await asking(good, create, { input: { ...input, password: wrongPassword } })
    }
    // In wrong places: in names, in the text of a document, in published data.
    await asking(good, create, { input: { ...input, clientId: `${email} ${password}` } })
    await asking(good, `{ nope(password: "${password}", email: "${email}") }`)
    await asking(operatorToken, publish, {
      input: { exchange: `nowhere-${email}`, routingKey: '', data: { password } },
    })
    for (const token of [expired, forged, `${good}x`, password]) {
      await asking(token, '{ gateway { version } }')
      await fetch(`${gateway.graphqlUrl}?token=${token}&query={gateway{version}}`, {
        headers: { accept: 'text/event-stream' },
      }).then((response) => response.text())
      for (const params of [{ token }, { Authorization: `Bearer ${token}` }]) {
        const socket = new WebSocket(gateway.graphqlSocketUrl, 'graphql-transport-ws')
        await once(socket, 'open')
        socket.send(JSON.stringify({ type: 'connection_init', payload: params }))
        await once(socket, 'close')
      }
    }
    await using client = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: good } })
    await client.request('mutation Renew($token: String!) { refreshSession(token: $token) { clientId } }', {
      token: forged,
    })
    await client.request(channelQuery, { clientId: email })
    await asking(operatorToken, 'mutation { revoke(clientId: "alice") }')
    await client.closed
    await asking(good, '{ gateway { version } }')

    expect(issued).toHaveLength(1)
    const printed = `${gateway.output()}\n${await gateway.metrics()}`
    await gateway.stop()
    const config = await runWarren(['check-config'], {
      ...gateway.env,
      WARREN_DATABASE_URL: `postgres://a:${password}@h/d`,
    })
    const everything = `${printed}\n${gateway.output()}\n${config.stdout}\n${config.stderr}`
    expect(everything).toContain('a token was refused')
    for (const secret of [
      password,
      wrongPassword,
      email,
      testSecret,
      operatorToken,
      expired,
      forged,
      good,
      ...issued,
    ]) {
      expect(everything.includes(secret)).toBe(false)
      // The claims of a token name its client. They are no secret alone, but no part of a token
      // belongs in a log.
      const claims = secret.split('.')[1]
      if (secret.startsWith('eyJ') && claims) expect(everything.includes(claims)).toBe(false)
    }
  },
)
