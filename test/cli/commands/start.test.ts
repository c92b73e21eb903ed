import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { Inbox } from '../../support/frames/inbox.ts'
import { runWarren, startGateway } from '../../support/gateway/gateway-process.ts'
import { spawnGuarded } from '../../support/processes/guarded-process.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'

describe('warren start', () => {
  test('prints every endpoint, and no token if a secret is set', async () => {
    await using gateway = await startGateway()
    await gateway.printed(/listens\./)
    await gateway.printed(new RegExp(`http://127\\.0\\.0\\.1:${gateway.port}/graphql\\n`))
    await gateway.printed(new RegExp(`ws://127\\.0\\.0\\.1:${gateway.port}/graphql\\n`))
    await gateway.printed(new RegExp(`http://127\\.0\\.0\\.1:${gateway.opsPort}`))
    expect(gateway.output()).not.toMatch(/eyJ/)
  })

  test('prints a valid operator token to paste if the secret was generated, and exits with 0 on SIGINT', async () => {
    const folder = newFolder()
    const env = {
      WARREN_DATA_DIR: join(folder, 'data'),
      WARREN_PORT: '0',
      WARREN_OPS_PORT: '0',
      WARREN_TCP_PORT: 'off',
    }
    const child = spawnGuarded(process.execPath, ['dist/program/main.js', 'start'], { env, output: 'pipe' })
    const ended = once(child, 'close')
    const lines = new Inbox<string>('the lines of the welcome')
    if (!child.stdout) throw new Error('unreachable')
    createInterface(child.stdout).on('line', (line) => lines.push(line))

    const url =
      (await lines.nextMatching((line) => line.includes('http:') && line.endsWith('/graphql')))
        .trim()
        .split(/ +/)
        .at(-1) ?? ''
    const headers = await lines.nextMatching((line) => line.includes('"Authorization"'))
    const { Authorization } = JSON.parse(headers) as { Authorization: string }
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: Authorization },
      body: JSON.stringify({ query: '{ rabbitChannels { id } }' }),
    })
    expect(await response.json()).toMatchObject({ data: { rabbitChannels: expect.any(Array) } })

    child.kill('SIGINT')
    expect(await ended).toEqual([0, null])
    removeFolder(folder)
  })

  test('has the lines of the sources in its stack traces, started with npm', async () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } }
    const [node = '', ...start] = scripts.start.split(' ')
    expect([node, start.pop()]).toEqual(['node', 'start'])
    const printStack = `const { argv } = process
      Object.defineProperty(process, 'argv', { get: () => (console.error(new Error('read').stack), argv) })`
    const preloaded = `data:text/javascript,${encodeURIComponent(printStack)}`
    const { stderr } = await promisify(execFile)(process.execPath, ['--import', preloaded, ...start, '--version'])
    const line =
      1 +
      readFileSync('src/main.ts', 'utf8')
        .split('\n')
        .findIndex((text) => text.includes('process.argv'))
    expect(stderr).toMatch(new RegExp(`^ +at .*/src/main\\.ts:${line}:\\d+\\)?$`, 'm'))
  })

  test('exits with 0 on SIGTERM', async () => {
    await using gateway = await startGateway()
    process.kill(gateway.pid, 'SIGTERM')
    expect(await gateway.exited).toEqual({ code: 0, signal: null })
  })

  test('exits with 1 if a port is taken, with one sentence that names the option', async () => {
    await using gateway = await startGateway()
    const { code, stderr } = await runWarren(['start', '--ops-port', 'off'], gateway.env)
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `WARREN_PORT: port ${gateway.port} of 127.0.0.1 is taken by another program\n`,
    })
  })
})
