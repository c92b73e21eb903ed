import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { checkoutShell } from '../support/gateway/checkout-shell.ts'
import { debianPackages, locate } from '../support/processes/debian-package.ts'
import { testVhost } from '../support/rabbitmq/broker.ts'
import { repetitions } from '../support/repetitions.ts'
import { blocksOf } from './documents.ts'

const readme = readFileSync('README.md', 'utf8')
const commands = blocksOf({ path: 'README.md', text: readme })
  .filter(({ language }) => language === 'sh')
  .flatMap(({ text }) => text.trim().split('\n'))

/** Where the README has RabbitMQ; what runs here has its own elsewhere. */
const readmeBroker = 'amqp://guest:guest@localhost:5672'

const tail = 'npx warren tail alice'

/** Whether this run starts everything through npm, and compiles first. */
const wholeCommands = repetitions(0, 1) === 1
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
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
  // Not run, because tests have no Docker engine: test/k8s/compose.test.ts checks compose.yaml, and
  // test/k8s/image.test.ts the Dockerfile.
  docker: ['docker compose up --build', 'docker compose logs secret'],
}

test('runs every command of the README', () => {
  expect(new Set(commands)).toEqual(new Set(Object.values(byHand).flat()))
  const submission = readFileSync('.ci/run', 'utf8')
  for (const step of ['npm ci', 'npm test']) expect(submission).toContain(step)
})

/** `npm test` has just compiled: the check after this function finds out whether it compiled the same. */
const withoutCompiling = (start: string) => (wholeCommands ? start : `${start} --ignore-scripts`)

/** npm and npx take several times the CPU time of what they start. */
const withoutNpm = (command: string) =>
  wholeCommands
    ? command
    : command.replace('npm start', scripts['start'] ?? '').replace('npx warren', 'node bin/warren.js')

test('the build before the tests has all parts of the build before npm start', () => {
  expect(scripts['pretest']).toBe('npm run --silent build')
  // Without names, it runs all steps.
  expect(scripts['build']).toBe('node --import tsx build.ts')
  expect(scripts['prestart']).toBe(`${scripts['build']} program console`)
})

test('embedded: starts a gateway, subscribes, publishes', async () => {
  await using shell = await checkoutShell()
  const [start = '', listen = '', publish = ''] = byHand.embedded
  shell.start(withoutCompiling(start.replace(install, '')))
  await shell.ready()
  // One command through npx shows that it finds the program.
  const events = shell.lines(withoutNpm(listen))
  await shell.subscribed()
  await shell.run(publish)
  expect(JSON.parse(await events.next())).toMatchObject({
    kind: 'MESSAGE',
    clientId: 'alice',
    data: { hello: 'world' },
  })
})

test('RabbitMQ: the same, published from Python and from C', async () => {
  await using vhost = await testVhost('readme')
  await using shell = await checkoutShell()
  locate(debianPackages.pika)
  locate(debianPackages.amqpTools)
  const [start = '', python = '', c = ''] = byHand.rabbit
  // In a long run, the test above has compiled.
  const started = withoutNpm(start.replace(readmeBroker, vhost.url))
  shell.start(wholeCommands ? `${started} --ignore-scripts` : started)
  await shell.ready()
  const events = shell.lines(withoutNpm(tail))
  await shell.subscribed()
  await shell.run(`${python} --url ${vhost.url}`)
  await shell.run(c.replace(readmeBroker, vhost.url))
  expect(JSON.parse(await events.next())).toMatchObject({
    type: 'order.created',
    data: { order: 1, total: 12.5 },
  })
  expect(JSON.parse(await events.next())).toMatchObject({ data: { order: 2 } })
})

test('the commands that print tokens print tokens', async () => {
  await using shell = await checkoutShell()
  const inText = [...readme.matchAll(/`(npx warren token [^`]+)`/g)].map(([, command = '']) => command)
  expect(inText).toHaveLength(3)
  const printed = await Promise.all(
    inText.map((command) => shell.run(command.replace('npx warren', 'node bin/warren.js'))),
  )
  for (const token of printed) expect(token).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/)
})
