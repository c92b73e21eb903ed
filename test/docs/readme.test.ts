import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from '@jest/globals'
import { eventually } from '../support/eventually.ts'
import { Inbox } from '../support/frames/inbox.ts'
import { freePort } from '../support/network/ports.ts'
import { debianPackages, locate } from '../support/processes/debian-package.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { testVhost } from '../support/rabbitmq/broker.ts'
import { blocksOf } from './documents.ts'

const readme = readFileSync('README.md', 'utf8')
const commands = blocksOf({ path: 'README.md', text: readme })
  .filter(({ language }) => language === 'sh')
  .flatMap(({ text }) => text.trim().split('\n'))

/** Where the README has RabbitMQ; what runs here has its own elsewhere. */
const readmeBroker = 'amqp://guest:guest@localhost:5672'

const tail = 'npx warren tail alice'
const install = 'npm ci && '
const byHand = {
  embedded: [`${install}npm start`, tail, `npx warren publish --client alice '{"hello": "world"}'`],
  rabbit: [
    `WARREN_BROKER_URL=${readmeBroker} npm start`,
    `/usr/bin/python3 examples/publisher/publish.py --key client.alice --type order.created '{"order": 1, "total": 12.5}'`,
    `amqp-publish --url=${readmeBroker} --exchange=warren.events --routing-key=client.alice --content-type=application/json --body='{"order": 2}'`,
  ],
  // A clean install and all tests: what every submission goes through.
  submission: [`${install}npm test`],
}

test('runs every command of the README', () => {
  expect(new Set(commands)).toEqual(new Set(Object.values(byHand).flat()))
  const submission = readFileSync('.ci/run', 'utf8')
  for (const step of ['npm ci', 'npm test']) expect(submission).toContain(step)
})

test('embedded: starts a gateway, subscribes, publishes', async () => {
  await using shell = await newShell()
  const [start = '', listen = '', publish = ''] = byHand.embedded
  shell.start(start.replace(install, ''))
  await shell.ready()
  const events = shell.lines(listen)
  await shell.subscribed()
  await shell.run(publish)
  expect(JSON.parse(await events.next(20_000))).toMatchObject({
    kind: 'MESSAGE',
    clientId: 'alice',
    data: { hello: 'world' },
  })
})

test('RabbitMQ: the same, published from Python and from C', async () => {
  await using vhost = await testVhost('readme')
  await using shell = await newShell()
  locate(debianPackages.pika)
  locate(debianPackages.amqpTools)
  const [start = '', python = '', c = ''] = byHand.rabbit
  shell.start(start.replace(readmeBroker, vhost.url))
  await shell.ready()
  const events = shell.lines(tail)
  await shell.subscribed()
  await shell.run(`${python} --url ${vhost.url}`)
  await shell.run(c.replace(readmeBroker, vhost.url))
  expect(JSON.parse(await events.next(20_000))).toMatchObject({
    type: 'order.created',
    data: { order: 1, total: 12.5 },
  })
  expect(JSON.parse(await events.next(20_000))).toMatchObject({ data: { order: 2 } })
})

test('the commands that print tokens print tokens', async () => {
  await using shell = await newShell()
  const inText = [...readme.matchAll(/`(npx warren token [^`]+)`/g)].map(([, command = '']) => command)
  expect(inText).toHaveLength(3)
  // npx is in the other tests, and takes longer than the command.
  const printed = await Promise.all(
    inText.map((command) => shell.run(command.replace('npx warren', 'node bin/warren.js'))),
  )
  for (const token of printed) expect(token).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/)
})

interface Shell extends AsyncDisposable {
  /** Something that goes on until it is asked to end. */
  start(command: string): void
  /** What it prints from then on, line by line. */
  lines(command: string): Inbox<string>
  /** Resolves to what it printed; rejects where it failed. */
  run(command: string): Promise<string>
  ready(): Promise<void>
  /** Resolves when a client has subscribed over graphql-transport-ws. */
  subscribed(): Promise<void>
}

// Asked to end and not killed when this process is gone: npm hands that on to what it started.
const guard = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'TERM'] : []

/** A shell in a checkout, with free ports and a separate data folder. */
async function newShell(): Promise<Shell> {
  const folder = newFolder()
  const opsPort = await freePort()
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? folder,
    WARREN_PORT: String(await freePort()),
    WARREN_OPS_PORT: String(opsPort),
    WARREN_TCP_PORT: 'off',
    WARREN_DRAIN: '0s',
    WARREN_DATA_DIR: join(folder, 'data'),
  }
  const running: { readonly child: ChildProcess; readonly ended: Promise<unknown> }[] = []
  const spawned = (command: string): ChildProcess => {
    const [program, ...args] = [...guard, 'bash', '-c', command]
    // A group of their own, so that what they start ends with them.
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    running.push({ child, ended: once(child, 'close') })
    return child
  }
  const ops = (path: string) => fetch(`http://127.0.0.1:${opsPort}${path}`).catch(() => undefined)
  return {
    start(command) {
      const child = spawned(command)
      child.stdout?.resume()
      child.stderr?.resume()
    },
    lines(command) {
      const inbox = new Inbox<string>(`the lines of ${command}`)
      const child = spawned(command)
      child.stderr?.resume()
      if (child.stdout) createInterface(child.stdout).on('line', (line) => inbox.push(line))
      return inbox
    },
    async run(command) {
      const child = spawned(command)
      let [printed, complained] = ['', '']
      child.stdout?.setEncoding('utf8').on('data', (text: string) => (printed += text))
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (complained += text))
      const [code] = (await once(child, 'close')) as [number | null]
      if (code !== 0) throw new Error(`${command}: exit status ${code}\n${complained}`)
      return printed
    },
    async ready() {
      await eventually('the gateway to be ready', async () => (await ops('/readyz'))?.status === 200, {
        withinMs: 60_000,
        everyMs: 200,
      })
    },
    async subscribed() {
      const heard = async () =>
        (await (await ops('/metrics'))?.text())?.includes('warren_subscriptions{transport="graphql-ws"} 1\n')
      await eventually('a subscription', heard, { withinMs: 30_000, everyMs: 200 })
    },
    async [Symbol.asyncDispose]() {
      for (const { child } of running) {
        if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
      }
      await Promise.all(running.map(({ ended }) => ended))
      removeFolder(folder)
    },
  }
}
