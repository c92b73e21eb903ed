import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { connectGraphql } from '../support/frames/graphql-frames.ts'
import { runWarren, startGateway, testToken } from '../support/gateway/gateway-process.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'

const subscription = 'subscription { channel(clientId: "alice", checkpoints: true) { kind } }'
const refused = { errors: [{ extensions: { code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_SUBSCRIPTIONS' } }] }

test('at SIGHUP a gateway applies its changed options file, and closes no connection', async () => {
  const folder = newFolder()
  const file = join(folder, 'options.env')
  const write = (...lines: string[]) => writeFile(file, `# limits\n${lines.join('\n')}\n`)
  await write('WARREN_MAX_SUBSCRIPTIONS=1')
  await using gateway = await startGateway({ env: { WARREN_OPTIONS_FILE: file, WARREN_LOG_FORMAT: 'json' } })
  const reloaded = async (pattern: RegExp) => {
    process.kill(gateway.pid, 'SIGHUP')
    await gateway.printed(pattern)
  }
  await using client = await connectGraphql(gateway.graphqlSocketUrl, {
    connectionParams: { token: await testToken({ sub: 'alice' }) },
  })
  await client.subscribe(subscription).next()
  expect(await client.subscribe(subscription).next()).toMatchObject(refused)

  await write('WARREN_MAX_SUBSCRIPTIONS=2', 'WARREN_NAMESPACE=other')
  await reloaded(/"changed":\["WARREN_MAX_SUBSCRIPTIONS"\],"needsRestart":\["WARREN_NAMESPACE"\]/)
  // On the same connection that was refused before.
  await client.subscribe(subscription).next()

  await write('WARREN_MAX_SUBSCRIPTIONS=many')
  await reloaded(/WARREN_MAX_SUBSCRIPTIONS: expected a whole number/)
  expect(await client.subscribe(subscription).next()).toMatchObject(refused)

  await write('WARREN_MAX_CONNECTIONS=1', 'WARREN_LOG_LEVEL=debug')
  await reloaded(/"changed":\[.*"WARREN_MAX_CONNECTIONS".*"WARREN_LOG_LEVEL"/)
  const other = connectGraphql(gateway.graphqlSocketUrl, {
    connectionParams: { token: await testToken({ sub: 'bob' }) },
  })
  await expect(other).rejects.toThrow(/1013/)
  expect(client.frames.socket.readyState).toBe(client.frames.socket.OPEN)
  removeFolder(folder)
})

test('the environment overrides the options file, and an invalid value is reported without its text', async () => {
  const folder = newFolder()
  const file = join(folder, 'options.env')
  await writeFile(file, 'WARREN_NAMESPACE=of-the-file\nWARREN_PORT=5000\n')
  const { stdout } = await runWarren(['check-config', '--options-file', file], {
    WARREN_NAMESPACE: 'of-the-environment',
  })
  expect(stdout).toMatch(/^WARREN_NAMESPACE=of-the-environment /m)
  expect(stdout).toMatch(/^WARREN_PORT=5000 /m)

  await writeFile(file, 'WARREN_NAMESPACE=ok\nhunter2\n')
  const wrong = await runWarren(['check-config'], { WARREN_OPTIONS_FILE: file })
  expect({ code: wrong.code, stderr: wrong.stderr }).toEqual({
    code: 2,
    stderr: `${file}, line 2: expected a WARREN_ variable and its value, such as WARREN_LOG_LEVEL=debug\n`,
  })
  const missing = await runWarren(['check-config'], { WARREN_OPTIONS_FILE: join(folder, 'nowhere') })
  expect(missing).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^WARREN_OPTIONS_FILE: expected a readable file/),
  })
  removeFolder(folder)
})
