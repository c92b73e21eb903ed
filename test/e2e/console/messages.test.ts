import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { createRabbitChannel } from '../back-end/graphql-caller.ts'
import { openConsole, subscribed } from './console-page.ts'
import { type Deployment, openDeployment } from './deployment.ts'

const sdl = `
  type Notice { text: String }
  type Subscription { noticed: Notice @events(exchange: "notices", routingKey: "#") @allow(anonymous: true) }
`
const folder = newFolder()
let deployment: Deployment
beforeAll(async () => {
  const file = join(folder, 'notices.graphql')
  writeFileSync(file, sdl)
  deployment = await openDeployment('console-messages', { env: { WARREN_SCHEMA: file } })
})
afterAll(async () => {
  await deployment?.[Symbol.asyncDispose]()
  removeFolder(folder)
})

/** On the replica that the clients are not connected to. */
const publish = (input: Record<string, unknown>) =>
  deployment.operator('mutation ($input: PublishInput!) { publish(input: $input) { cursor } }', { input })

const chips = 'document.querySelector(\'[aria-label^="Outcomes"]\')'

test('a message is followed from publish to its client, and one without a client to its reason', async () => {
  const { browser, replicas, operator } = deployment
  const alice = await deployment.client('alice')
  const chats = { exchange: 'chats', exchangeType: 'FANOUT', routingKey: '', clientId: { bodyPointer: '/to' } }
  const notices = { exchange: 'notices', exchangeType: 'TOPIC', routingKey: '#', clientId: { bodyPointer: '/to' } }
  for (const input of [chats, notices]) await operator(createRabbitChannel, { input })
  const { page, problems, open, shoot, findings } = await openConsole(browser, replicas[0])

  await open('live')
  // The rates, and the messages.
  await subscribed(replicas[0], 2)
  await publish({ clientId: 'alice', messageId: 'ord-17', data: { order: 17, total: 42.5 } })
  await alice.next()
  await publish({ clientId: 'bob', messageId: 'ord-18', data: { order: 18 } })
  await publish({ exchange: 'chats', routingKey: '', data: { to: [], text: 'anyone there?' } })
  const live = page.getByRole('table', { name: 'Messages' })
  await live.getByRole('row', { name: /delivered.*alice/ }).waitFor()
  await live.getByRole('row', { name: /no subscriber.*bob/ }).waitFor()
  await live.getByRole('row', { name: /no client.*chats/ }).waitFor()
  await live.getByRole('row', { name: /alice/ }).click()
  await page.getByRole('complementary', { name: 'The chosen message' }).getByText('"order"').waitFor()
  // The id of a source is a long word, and wraps.
  await live.getByRole('row', { name: /no client.*chats/ }).click()
  await page.getByRole('tab', { name: 'Way' }).click()
  const names = page.getByRole('complementary', { name: 'The chosen message' }).locator('dt')
  await names.nth(2).waitFor()
  const widths = await names.evaluateAll((all) => all.map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth))
  expect(Math.max(...widths)).toBe(0)
  await shoot('live-way')
  await live.getByRole('row', { name: /alice/ }).click()
  // While a row is chosen nothing moves; what comes is counted.
  await publish({ clientId: 'alice', data: { order: 19 } })
  await page.getByRole('button', { name: /1 newer message waits/ }).waitFor()
  expect(await findings()).toEqual([])
  await shoot('live')
  await page.getByRole('button', { name: /1 newer message waits/ }).click()
  await live
    .getByRole('row', { name: /delivered.*alice/ })
    .nth(1)
    .waitFor()

  // A typed field reads it, too, and the chips count it as the row shows it.
  // `waitForFunction` would call `eval` in the page, which its policy forbids.
  await eventually('no counts', () => page.evaluate<boolean>(`!/[1-9]/.test(${chips}.innerText)`))
  await page.evaluate(`globalThis.shown = []; new MutationObserver(() => shown.push(${chips}.innerText))
    .observe(${chips}, { subtree: true, characterData: true, childList: true })`)
  await publish({ exchange: 'notices', routingKey: 'x', data: { to: [], text: 'hello' } })
  await live.getByRole('row', { name: /no client.*notices/ }).waitFor()
  await eventually('the count of a message without a client', () =>
    page.evaluate<boolean>('shown.some((text) => /No client\\s*1/.test(text))'),
  )
  expect(await page.evaluate('shown.filter((text) => /No subscriber\\s*[1-9]/.test(text))')).toEqual([])

  // A replica of a busy machine may answer too late for one page.
  await eventually('a trace with the answers of both replicas', async () => {
    await open('trace?id=ord-17')
    const verdict = page.getByRole('status').getByText(/ alice/)
    await verdict.waitFor()
    return (await verdict.innerText()).includes('It reached 1 of 1 subscription of alice.')
  })
  await page.getByRole('heading', { name: 'In words' }).waitFor()
  await page.getByText('"total"').first().waitFor()
  expect(await findings()).toEqual([])
  await shoot('trace')
  await page.getByRole('tab', { name: 'What it looks like' }).click()
  await page.getByLabel('Text in the body').fill('anyone there')
  await page.getByRole('button', { name: 'Trace', exact: true }).click()
  await page.getByText('No source finds a client').first().waitFor()
  await page.getByText('No client: "/to" is an empty list (chats).').waitFor()
  // The focus is on what was found.
  await page.locator('.verdict:focus').waitFor()
  // A client narrows the search, and does not hide the message that was not for it.
  await page.getByLabel('For this client').fill('alice')
  await page.getByRole('button', { name: 'Trace', exact: true }).click()
  await page.getByText('No client, so not for alice: "/to" is an empty list (chats).').waitFor()

  // The beginning of ids, from anywhere; the whole row chooses one. Until the answer comes, the
  // verdict on the message before is not shown.
  let answer = (): void => undefined
  const mayAnswer = new Promise<void>((resolve) => {
    answer = resolve
  })
  await page.route('**/graphql', async (route) => {
    if (route.request().postData()?.includes('query Trace(')) await mayAnswer
    await route.continue()
  })
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Find' }).fill('ord-1')
  await page.keyboard.press('Enter')
  await page.getByText('so not for alice').waitFor({ state: 'detached' })
  answer()
  const found = page.getByRole('region', { name: 'Found messages' })
  await found.getByRole('row', { name: /no subscriber ord-18 bob/ }).waitFor()
  await page.locator('.found-cases header:focus').waitFor()
  const row = found.getByRole('row', { name: /delivered ord-17 alice.*"order":17/ })
  await row.getByRole('cell').first().click()
  await page.locator('.verdict').getByText('It reached 1 of 1 subscription of alice.').waitFor()
  expect(await row.getAttribute('data-selected')).toBe('true')
  expect(await findings()).toEqual([])
  await shoot('trace-found')

  await open('journal')
  // Its client is on the other replica.
  await page
    .getByRole('row', { name: /client\.alice.*delivered/ })
    .first()
    .waitFor()
  await page.getByRole('row', { name: /client\.bob.*no subscriber/ }).click()
  await page.getByRole('complementary', { name: 'The chosen message' }).getByText('"order"').waitFor()
  expect(await findings()).toEqual([])
  await shoot('journal')

  // Words, from anywhere; the page reports how far it looked.
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Find' }).fill('order 18')
  await page.getByRole('option', { name: /search the journal for these words/ }).click()
  const journal = page.getByRole('region', { name: 'Messages' })
  await page.getByText(/\d+ messages were compared with the filter: the whole journal, offsets 0 to \d+\./).waitFor()
  await journal.getByRole('row', { name: /client\.bob.*no subscriber/ }).waitFor()
  // The header, and the one message with these words.
  expect(await journal.getByRole('row').count()).toBe(2)
  expect(await findings()).toEqual([])
  await shoot('journal-words')
  await page.getByRole('button', { name: 'Remove the filter words' }).click()
  await journal
    .getByRole('row', { name: /client\.alice/ })
    .first()
    .waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('anyone there')
  await page.keyboard.press('Enter')
  await journal.getByRole('row', { name: /chats.*no client/ }).waitFor()
  // The list without words had it, too.
  await eventually('the head and one row', async () => (await journal.getByRole('row').count()) === 2)

  // Delivered on a channel, and in the quarantine for a typed field that it does not fit.
  const subscription = await fetch(replicas[0].graphqlUrl, {
    method: 'POST',
    headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
    body: JSON.stringify({ query: 'subscription { noticed { text } }' }),
  })
  expect(subscription.status).toBe(200)
  await publish({ exchange: 'notices', routingKey: 'x', messageId: 'misfit', data: { to: 'alice', text: { no: 1 } } })
  await eventually('the copy in the quarantine', async () => {
    const { quarantine } = await operator<{ quarantine: { count: number } }>('{ quarantine { count } }')
    return quarantine.count === 1
  })
  // The exact id is the first choice, although Enter is pressed before the gateway has answered.
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Find' }).fill('misfit')
  await page.keyboard.press('Enter')
  await page.waitForURL(/trace\?id=misfit/)
  await page.locator('.verdict').getByText('Delivered, and in the quarantine').waitFor()
  await page.getByText(/^A copy went to the quarantine$/).waitFor()
  expect(await page.getByText(/It does not fit the typed field noticed/).count()).toBeGreaterThan(0)
  expect(await page.getByRole('img', { name: 'The way of the message' }).innerHTML()).toContain('field noticed')
  expect(await findings()).toEqual([])
  await shoot('trace-misfit')
  await page.locator('.verdict').getByRole('link', { name: 'In the quarantine' }).click()
  await page.getByText('1 message does not fit the schema. It came today.').waitFor()
  await page.getByRole('region', { name: 'x', exact: true }).getByText('misfit').waitFor()
  await operator('mutation ($ids: [ID!]!) { drop(ids: $ids) { dropped } }', {
    ids: (
      await operator<{ quarantine: { nodes: { id: string }[] } }>('{ quarantine { nodes { id } } }')
    ).quarantine.nodes.map(({ id }) => id),
  })

  await subscription.body?.cancel()

  await open('live?outcome=REPEATED')
  await page.getByText('Only messages that repeat an earlier one.').first().waitFor()
  await page.getByRole('heading', { name: 'No such message has come yet' }).waitFor()
  expect(await findings()).toEqual([])

  await open('sources')
  await page.getByRole('heading', { name: 'chats: why messages found no client' }).waitFor()
  await page.getByText('"anyone there?"').first().waitFor()
  await page.getByRole('button', { name: 'New source' }).click()
  // The rule is missing, so there is no error, and the messages of the exchange are shown.
  await page.getByText('It is a fanout exchange, which ignores routing keys.').waitFor()
  const form = page.getByRole('form', { name: 'New source' })
  await form.getByText('The last 1 message of chats').waitFor()
  await form.getByText('"anyone there?"').waitFor()
  await form.getByLabel('Where').fill('to')
  await form.getByRole('alert').getByText('A place in the body begins with /, such as /customer/id.').waitFor()
  await form.getByLabel('Where').fill('/text')
  await form.getByText('1 find a client, 1 different one; 0 find none.').waitFor()
  expect(await page.evaluate('document.querySelector(".g-src > form").scrollWidth')).toBe(
    await page.evaluate('document.querySelector(".g-src > form").clientWidth'),
  )
  expect(await findings()).toEqual([])
  await shoot('source-form')
  await page.getByLabel('Exchange', { exact: true }).fill('chat')
  await page.getByText('There is no exchange “chat”').waitFor()
  expect(await findings()).toEqual([])
  await shoot('sources')

  expect(browser.outside()).toEqual([])
  expect(problems).toEqual([])
})

test('a broken body is mended in the quarantine and delivered', async () => {
  const { browser, replicas } = deployment
  const carol = await deployment.client('carol')
  await deployment.publish('warren.events', 'client.carol', '{"order": 9139, "note": "tw')
  const { page, problems, open, shoot, findings } = await openConsole(browser, replicas[0])
  await open('quarantine')
  await page.getByRole('heading', { name: 'client.carol' }).waitFor()
  // No publisher is named, so there is no column for it.
  expect(await page.getByRole('columnheader', { name: 'By' }).count()).toBe(0)
  expect(await findings()).toEqual([])
  await shoot('quarantine')
  await page.getByRole('button', { name: 'Publish edited', disabled: true }).waitFor()
  await page.getByLabel('Edit').fill('{"order": 9139, "note": "two"}')
  await page.getByRole('button', { name: 'Publish edited' }).click()
  expect(await carol.next()).toMatchObject({ data: { order: 9139, note: 'two' } })
  await page.getByText('The quarantine is empty').waitFor()
  expect(problems).toEqual([])
})

test('a message far down the quarantine is shown when it is chosen, also on a phone', async () => {
  const { browser, replicas } = deployment
  // A body is read for a subscription only.
  await deployment.client('dave')
  for (let n = 0; n < 40; n += 1)
    await deployment.publish('warren.events', 'client.dave', '{"order": ', { messageId: `broken-${n}` })
  const newest = await eventually('all copies', async () => {
    const { quarantine } = await deployment.operator<{ quarantine: { count: number; nodes: { messageId: string }[] } }>(
      '{ quarantine(first: 1, order: NEWEST_FIRST) { count nodes { messageId } } }',
    )
    return quarantine.count === 40 && (quarantine.nodes[0]?.messageId ?? false)
  })
  const { page, problems, open } = await openConsole(browser, replicas[0])
  const rows = page.getByRole('region', { name: 'Quarantined messages' }).getByRole('row')
  for (const [width, height] of [
    [1440, 900],
    [390, 844],
  ] as const) {
    await page.setViewportSize({ width, height })
    await open('quarantine')
    // The head, and the messages.
    await eventually('all rows', async () => (await rows.count()) === 41)
    await page.getByText('40 messages cannot be read: broken JSON. All came today.').waitFor()
    // The newest is on top, and shown.
    await page.getByText(newest, { exact: true }).waitFor()
    await rows.nth(38).click()
    const headline = page.locator('header:focus').getByRole('heading', { level: 2 })
    await headline.waitFor()
    const box = await headline.boundingBox()
    expect(box?.y).toBeGreaterThanOrEqual(0)
    expect(box?.y).toBeLessThan(height / 2)
  }
  expect(problems).toEqual([])
})
