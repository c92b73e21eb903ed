import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { blocksOf } from '../../docs/documents.ts'
import { checkoutShell } from '../../support/gateway/checkout-shell.ts'
import { freePort } from '../../support/network/ports.ts'
import { openBrowser } from '../../support/processes/chromium.ts'
import { debianPackages, locate } from '../../support/processes/debian-package.ts'
import { testVhost } from '../../support/rabbitmq/broker.ts'

const path = 'examples/delivery-map/README.md'
const [gatewayCommand = '', couriersCommand = '', pageCommand = '', ...others] = blocksOf({
  path,
  text: readFileSync(path, 'utf8'),
}).map(({ text }) => text.trim())

const documentedBroker = 'amqp://guest:guest@localhost:5672'
/** Every program compiles or starts first, which takes long on a busy machine. */
const startMs = 120_000
const steps = 150

test('the delivery map: its commands run as written, and the page shows where each courier is', async () => {
  expect(others).toEqual([])
  locate(debianPackages.pika)
  await using vhost = await testVhost('map')
  await using browser = await openBrowser()
  await using shell = await checkoutShell({ env: { AMQP_URL: vhost.url, PORT: String(await freePort()) } })
  const start = async () => {
    const gateway = shell.start(gatewayCommand.replace(documentedBroker, vhost.url))
    await shell.ready()
    return gateway
  }
  const gateway = await start()
  const [, url = ''] = /^The map: (.*)$/.exec(await shell.lines(pageCommand).next(startMs)) ?? []
  const page = await browser.context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  await page.goto(url)
  await shell.subscribed(3)

  const couriers = shell.lines(`${couriersCommand} --steps ${steps}`)
  expect(await couriers.next(startMs)).toBe('moving')
  expect(await couriers.next(startMs)).toBe(`stopped after ${steps} steps`)
  const at = (courier: string, step: number) => page.locator(`[aria-label="${courier}"][data-step="${step}"]`)
  for (const courier of ['c-1', 'c-2', 'c-3']) await at(courier, steps).waitFor()
  const metrics = await passedOver(shell)
  expect(metrics).toBeGreaterThan(0)

  // A courier that stands still is on a page that opens now.
  await page.reload()
  for (const courier of ['c-1', 'c-2', 'c-3']) await at(courier, steps).waitFor()

  // The gateway is killed; the page fades the couriers, and goes on.
  await gateway.kill()
  await page.locator('[aria-label="c-1"][opacity="0.3"]').waitFor()
  await start()
  const again = shell.lines(`${couriersCommand} --steps ${steps + 1}`)
  expect(await again.next(startMs)).toBe('moving')
  for (const courier of ['c-1', 'c-2', 'c-3']) await at(courier, steps + 1).waitFor({ timeout: startMs })
  expect(browser.outside()).toEqual([])
  expect(errors).toEqual([])
}, 600_000)

/** Positions that the page did not need. */
async function passedOver(shell: { metrics(): Promise<string> }): Promise<number> {
  const [, count = '0'] =
    /^warren_events_passed_over_total\{transport="graphql-ws"\} (\d+)$/m.exec(await shell.metrics()) ?? []
  return Number(count)
}
