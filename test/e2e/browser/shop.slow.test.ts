import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { plainConnection } from '../../brokers/rabbitmq/connections.ts'
import { blocksOf } from '../../docs/documents.ts'
import { checkoutShell } from '../../support/gateway/checkout-shell.ts'
import { freePort } from '../../support/network/ports.ts'
import { openBrowser } from '../../support/processes/chromium.ts'
import { debianPackages, locate } from '../../support/processes/debian-package.ts'
import { testVhost } from '../../support/rabbitmq/broker.ts'

const path = 'examples/shop/README.md'
const commands = blocksOf({ path, text: readFileSync(path, 'utf8') }).map(({ text }) => text.trim())
const [gatewayCommand = '', publisherCommand = '', responderCommand = '', pageCommand = ''] = commands
const [publishCommand = '', publishWrongCommand = '', quarantineCommand = ''] = commands.slice(4)
const [printCommand = '', codegenCommand = '', ...others] = commands.slice(7)

/** Where the page has RabbitMQ; the test has its own elsewhere. */
const documentedBroker = 'amqp://guest:guest@localhost:5672'
/** `npm start` compiles first, which takes long on a busy machine. */
const startMs = 150_000

test('the shop: its commands run as written, and the page shows each change once and in order', async () => {
  locate(debianPackages.pika)
  await using vhost = await testVhost('shop')
  await using browser = await openBrowser()
  const env = { AMQP_URL: vhost.url, PORT: String(await freePort()) }
  await using shell = await checkoutShell({ env })
  const startGateway = async (command = gatewayCommand) => {
    const gateway = shell.start(command.replace(documentedBroker, vhost.url))
    await shell.ready()
    return gateway
  }
  /** As an order of another program, by its number. */
  const publish = (order: number, command = publishCommand) =>
    shell.run(`${command.replace(/"o-\d"/, `"o-${order}"`)} --url ${vhost.url}`)

  const gateway = await startGateway()
  const [publisher, responder] = [shell.start(publisherCommand), shell.start(responderCommand)]
  expect(await publisher.lines.next(startMs)).toBe('waiting for orders')
  expect(await responder.lines.next(startMs)).toBe('waiting for requests')
  const [, url = ''] = /^The shop of alice: (.*)$/.exec(await shell.lines(pageCommand).next(startMs)) ?? []
  const errors: string[] = []
  const page = await browser.context.newPage()
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text())
  })
  await page.goto(url)
  await isConnected(page)

  // Requests: a price with every digit, and an error of the responder.
  const price = page.getByLabel('Price')
  await price.getByText('4.20', { exact: true }).waitFor()
  await page.getByLabel('Article').selectOption('hat')
  await price.getByText('no such article: hat').waitFor()
  await page.getByLabel('Article').selectOption('tea')
  await page.getByLabel('Quantity').fill('3')
  await price.getByText('12.60', { exact: true }).waitFor()

  // A mutation that publishes, and the events that follow from it.
  await page.getByRole('button', { name: 'Order', exact: true }).click()
  const [, placed = ''] = /^Placed: (.+)$/.exec((await page.getByText(/^Placed: /).textContent()) ?? '') ?? []
  await page
    .getByRole('region', { name: 'Orders' })
    .getByText(`${placed}: SHIPPED, 12.60 delivered to the neighbour`)
    .waitFor()
  const expected = ['CREATED', 'PAID', 'SHIPPED'].map((status) => `${placed} ${status} 12.60`)
  expect(await changesOf(page)).toEqual(expected)

  // The gateway is killed, and starts again. Meanwhile a back end publishes.
  await gateway.kill()
  await page.getByRole('status').getByText('connecting').waitFor()
  await publish(1)
  await publish(2)
  // The first start has compiled.
  await startGateway(`${gatewayCommand} --ignore-scripts`)
  expected.push('o-1 PAID 12.50', 'o-2 PAID 12.50')
  await lastChange(page, expected)
  expect(await changesOf(page)).toEqual(expected)

  // The page is left, and comes back; it is loaded again while nothing happens.
  await page.goto('about:blank')
  await publish(3)
  await page.goto(url)
  expected.push('o-3 PAID 12.50')
  await lastChange(page, expected)
  await page.reload()
  await isConnected(page)
  expect(await changesOf(page)).toEqual(expected)

  // A message of the wrong type is in the quarantine, and the page goes on.
  await publish(4, publishWrongCommand)
  await publish(5)
  expected.push('o-5 PAID 12.50')
  await lastChange(page, expected)
  expect(await changesOf(page)).toEqual(expected)
  const quarantined = await shell.run(quarantineCommand.replace(documentedBroker, vhost.url))
  expect(quarantined).toMatch(
    /^\w+ {2}schema {2}orderChanged at "\/total" {2}shop.orders orders.eu.paid .*\n.*"o-4".*\n1 of 1/,
  )

  // The journal is lost with what it had. The page shows that, and goes on.
  await using connection = await plainConnection(vhost.url)
  const channel = await connection.createChannel()
  await channel.deleteQueue('warren.journal')
  await page.getByRole('alert').getByText('Some changes are missing.').waitFor()
  await publish(6)
  expected.push('o-6 PAID 12.50')
  await lastChange(page, expected)
  expect(await changesOf(page)).toEqual(expected)
  await page.getByRole('button', { name: 'Read the orders again' }).click()
  await page.getByRole('alert').waitFor({ state: 'detached' })
  await isConnected(page)
  expect(await changesOf(page)).toEqual(['o-6 PAID 12.50'])

  // A request that no responder answers.
  await responder.kill()
  await page.getByLabel('Quantity').fill('4')
  await price.getByText('no reply within 2000 ms').waitFor()

  expect(browser.outside()).toEqual([])
  // The browser itself logs each failed connection.
  expect(errors.filter((text) => !/WebSocket connection to .* failed/.test(text))).toEqual([])
}, 600_000)

test('the commands that write the types write what the example contains', async () => {
  expect(others).toEqual([])
  await using shell = await checkoutShell()
  const [print = '', file = ''] = printCommand.split(' > ')
  expect(await shell.run(print)).toBe(readFileSync(file, 'utf8'))
  await shell.run(`${codegenCommand} --check`)
})

const isConnected = (page: Page) => page.getByRole('status').getByText('connected', { exact: true }).waitFor()

const changes = (page: Page) => page.getByRole('region', { name: 'Changes' }).getByRole('listitem')

const changesOf = (page: Page) => changes(page).allTextContents()

/** Waits until the last of these changes is on the page. */
const lastChange = (page: Page, expected: readonly string[]) =>
  changes(page)
    .getByText(expected.at(-1) ?? '', { exact: true })
    .waitFor()
