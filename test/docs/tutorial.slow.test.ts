import { cpSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from '@jest/globals'
import { checkoutShell } from '../support/gateway/checkout-shell.ts'
import { freePort } from '../support/network/ports.ts'
import { openBrowser } from '../support/processes/chromium.ts'
import { debianPackages, locate } from '../support/processes/debian-package.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { testVhost } from '../support/rabbitmq/broker.ts'
import { blocksOf } from './documents.ts'

/** Where the tutorial has RabbitMQ; the test has its own elsewhere. */
const documentedBroker = 'amqp://guest:guest@localhost:5672'
/** `npm start` and Vite compile first, which takes long on a busy machine. */
const startMs = 60_000

const partOf = (name: string) => {
  const path = `docs/tutorial/${name}.md`
  const blocks = blocksOf({ path, text: readFileSync(path, 'utf8') })
  const commands = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text.trim())
  return { blocks, commands }
}

test('the excerpts of parts 2 and 3 are in the files of the example', () => {
  for (const [part, file] of [
    ['2-subscribe', 'live'],
    ['3-resume', 'resume'],
  ]) {
    const source = readFileSync(`examples/tutorial/${file}.tsx`, 'utf8')
    const excerpts = partOf(part ?? '').blocks.filter(({ language }) => language === 'tsx')
    expect(excerpts).toHaveLength(2)
    for (const { text } of excerpts) expect(source).toContain(text)
  }
})

test('parts 1 to 3: each command as written, and the page misses nothing', async () => {
  locate(debianPackages.pika)
  await using vhost = await testVhost('tutorial')
  await using browser = await openBrowser()
  await using shell = await checkoutShell()
  const publish = (command: string) => shell.run(`${command} --url ${vhost.url}`)
  const startGateway = async (command: string) => {
    const gateway = shell.start(command.replace(documentedBroker, vhost.url))
    await shell.ready()
    return gateway
  }
  const [start = '', source = '', tail = '', paid = '', other = '', ...restOfOne] = partOf('1-publish').commands
  expect(restOfOne).toEqual([])
  const [vite = '', live = '', shipped = '', whileAway = '', ...restOfTwo] = partOf('2-subscribe').commands
  expect(restOfTwo).toEqual([])
  const [complete = '', twoMore = '', restart = '', ...restOfThree] = partOf('3-resume').commands
  expect(restOfThree).toEqual([])

  const gateway = await startGateway(start)
  await shell.run(source)
  const events = shell.lines(tail)
  await shell.subscribed()
  await publish(other)
  await publish(paid)
  const shown = partOf('1-publish').blocks.find(({ language }) => language === 'json')?.text ?? ''
  expect(JSON.parse(await events.next(startMs))).toMatchObject(JSON.parse(shown) as object)

  const port = await freePort()
  const served = shell.lines(`${vite} --port ${port} --strictPort`)
  await served.nextMatching((line) => line.includes(`:${port}/`), startMs)
  /** The page with the address that the command prints, on the ports of the test. */
  const open = async (command: string) => {
    const address = (await shell.run(command)).trim().replace(':5173', `:${port}`)
    const page = await browser.context.newPage()
    await page.goto(`${address}&gateway=ws://localhost:${shell.port}/graphql`)
    return { page, orders: () => page.getByRole('listitem').allTextContents() }
  }
  const livePage = await open(live)
  await shell.subscribed(2)
  await publish(shipped)
  await livePage.page.getByText('order 17: SHIPPED').waitFor()
  await livePage.page.close()

  const page = await open(complete)
  await page.page.getByRole('status').getByText('live').waitFor()
  await shell.subscribed(2)
  await page.page.waitForFunction(() => (globalThis as { localStorage?: Storage }).localStorage?.getItem('orders'))
  await gateway.kill()
  // Part 2 loses this one. Here it arrives, and the gateway starts once less.
  await publish(whileAway)
  for (const command of twoMore.split('\n')) await publish(command)
  await startGateway(restart)
  await page.page.getByText('order 20: PAID').waitFor()
  expect(await page.orders()).toEqual(['order 18: PAID', 'order 19: PAID', 'order 20: PAID'])
  await page.page.goto('about:blank')
  await publish(shipped)
  await page.page.goBack()
  await page.page.getByText('order 17: SHIPPED').waitFor()
  expect((await page.orders()).slice(1)).toEqual(['order 19: PAID', 'order 20: PAID', 'order 17: SHIPPED'])
}, 600_000)

interface Storage {
  getItem(name: string): string | null
}

test('part 4: each command as written', async () => {
  await using vhost = await testVhost('tutorial-production')
  const folder = newFolder()
  // `npm start` builds: its outputs and their stamps are those of the folder.
  const linked = readdirSync('.').filter((name) => !['data', 'dist', '.cache'].includes(name))
  for (const name of linked) symlinkSync(resolve(name), join(folder, name))
  cpSync('dist', join(folder, 'dist'), { recursive: true })
  try {
    await using shell = await checkoutShell({ folder })
    const [secret = '', options = '', check = '', start = '', look = '', ...others] = partOf('4-production').commands
    expect(others).toEqual([])
    const withOptions = (command: string) => `${options.replace(documentedBroker, vhost.url)}\n${command}`
    await shell.run(secret)
    const [configuration = '', doctor = ''] = check.split('\n')
    const printed = await shell.run(withOptions(configuration))
    expect(printed).toContain('WARREN_REGISTRATION')
    expect(printed).not.toContain(readFileSync(join(folder, 'jwt-secret'), 'utf8').trim())
    expect(await shell.run(withOptions(doctor))).toContain('broker')
    shell.start(withOptions(start))
    await shell.ready()
    const [ready = '', metrics = '', sources = ''] = look.split('\n')
    const here = (command: string) => command.replace('127.0.0.1:4002', '127.0.0.1:$WARREN_OPS_PORT')
    await shell.run(here(ready))
    expect(await shell.run(here(metrics))).toContain('warren_connections{')
    expect(await shell.run(withOptions(sources))).toContain('orders.{clientId}.#')
  } finally {
    removeFolder(folder)
  }
}, 600_000)
