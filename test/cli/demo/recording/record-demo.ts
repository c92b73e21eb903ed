/** Records docs/demo.gif: `npm run demo:record`, after `npm run build`. */
import { writeFileSync } from 'node:fs'
import { startGateway } from '../../../support/gateway/gateway-process.ts'
import { launchBrowser } from '../../../support/processes/chromium.ts'
import { writeGif } from './gif-writer.ts'
import { readPng } from './png-pixels.ts'

const path = 'docs/demo.gif'
const maxBytes = 1_500_000
const size = { width: 1000, height: 640 }
/** The time between two pictures, in milliseconds. */
const pictureMs = 250
/** Longer waits, such as for a slow start of the gateway, are shortened to this. */
const maxDelay = 40
/** How long the last picture is shown, in hundredths of a second. */
const lastDelay = 300

await using gateway = await startGateway({ env: { WARREN_DEMO: 'on' } })
const [, url = ''] = await gateway.printed(/the shop +(http:\S+)/)
await using browser = await launchBrowser()
const page = await browser.context.newPage()
await page.setViewportSize(size)
await page.goto(url)
await page.getByText('is connected').waitFor()

const pictures: { png: Buffer; delay: number }[] = []
async function record(forMs: number): Promise<void> {
  const until = performance.now() + forMs
  while (performance.now() < until) {
    const begun = performance.now()
    const png = await page.screenshot()
    await page.waitForTimeout(Math.max(0, pictureMs - (performance.now() - begun)))
    pictures.push({ png, delay: Math.min(maxDelay, Math.round((performance.now() - begun) / 10)) })
  }
}

await record(4_000)
await page.getByRole('button', { name: 'Kill the gateway' }).click()
while ((await page.getByText('is connected').count()) === 0) await record(pictureMs)
await record(3_000)
await page.getByRole('button', { name: 'Cut the network' }).click()
await record(1_000)
while ((await page.getByText('is connected').count()) === 0) await record(pictureMs)
await record(4_000)

const gif = writeGif(function* frames() {
  for (const [index, { png, delay }] of pictures.entries())
    yield { pixels: readPng(png), delay: index === pictures.length - 1 ? lastDelay : delay }
})
if (gif.length > maxBytes) throw new Error(`expected at most ${maxBytes} bytes, got ${gif.length}`)
writeFileSync(path, gif)
process.stdout.write(`${path}: ${pictures.length} pictures, ${gif.length} bytes\n`)
