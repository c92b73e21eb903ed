import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { blocksOf } from '../../docs/documents.ts'
import { checkoutShell } from '../../support/gateway/checkout-shell.ts'
import { freePort } from '../../support/network/ports.ts'
import { openBrowser } from '../../support/processes/chromium.ts'

const path = 'examples/inbox/README.md'
const commands = blocksOf({ path, text: readFileSync(path, 'utf8') }).map(({ text }) => text.trim())
const [
  gatewayCommand = '',
  registerCommand = '',
  phoneCommand = '',
  laptopCommand = '',
  publishCommand = '',
  ...others
] = commands

/** Every program compiles or starts first, which takes long on a busy machine. */
const startMs = 120_000

test('the inbox: its commands run as written, and both devices have every message and one unread count', async () => {
  expect(others).toEqual([])
  await using browser = await openBrowser()
  await using shell = await checkoutShell()
  shell.start(gatewayCommand)
  await shell.ready()
  const registered = await shell.run(registerCommand.replace('localhost:4000', `localhost:${shell.port}`))
  expect(registered).toBe('{"data":{"createClientChannel":{"channel":{"clientId":"alice"}}}}')
  const send = (text: string) => shell.run(publishCommand.replace('Your parcel is on its way', text))

  const errors: string[] = []
  const open = async (url: string): Promise<Page> => {
    const page = await browser.context.newPage()
    page.on('pageerror', (error) => errors.push(error.message))
    await page.goto(url)
    await page.getByLabel('Unread').waitFor()
    return page
  }
  const urlOf = async (command: string): Promise<string> => {
    const line = await shell.lines(command.replace(/PORT=\d+/, `PORT=${await freePort()}`)).next(startMs)
    return /^The inbox of alice on the \w+: (.*)$/.exec(line)?.[1] ?? line
  }
  const [phoneUrl, laptopUrl] = [await urlOf(phoneCommand), await urlOf(laptopCommand)]
  const phone = await open(phoneUrl)
  let laptop = await open(laptopUrl)
  await shell.subscribed(2)

  await send('one')
  await send('two')
  for (const page of [phone, laptop]) {
    await shows(page, ['one', 'two'])
    await unread(page, 2)
  }
  await phone.getByRole('button').click()
  for (const page of [phone, laptop]) await unread(page, 0)

  // The laptop is away, and receives what came meanwhile.
  await laptop.close()
  await shell.subscribed(1)
  await send('three')
  await shows(phone, ['one', 'two', 'three'])
  laptop = await open(laptopUrl)
  await shows(laptop, ['one', 'two', 'three'])
  await unread(laptop, 1)
  await laptop.getByRole('button').click()
  for (const page of [phone, laptop]) await unread(page, 0)

  // A second tab of the phone takes its position, and the first does not take it back.
  const second = await open(phoneUrl)
  await phone.getByRole('alert').getByText('POSITION_TAKEN').waitFor()
  await send('four')
  await shows(second, ['one', 'two', 'three', 'four'])
  await shows(laptop, ['one', 'two', 'three', 'four'])
  expect(await second.getByRole('alert').count()).toBe(0)
  expect(errors).toEqual([])
  expect(browser.outside()).toEqual([])
}, 600_000)

async function shows(page: Page, texts: readonly string[]): Promise<void> {
  const items = page.getByRole('listitem')
  await items.nth(texts.length - 1).waitFor()
  expect(await items.allTextContents()).toEqual(texts)
}

const unread = (page: Page, count: number) =>
  page.getByLabel('Unread').getByText(String(count), { exact: true }).waitFor()
