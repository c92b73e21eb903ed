/**
 * A page with the other hooks, and a real client. The test bundles this file, and a browser runs it.
 */
import { createClient } from 'graphql-ws'
import { createElement, StrictMode, Suspense, use } from 'react'
import { createRoot } from 'react-dom/client'
import { useChannel, useConnection, useEvent } from '../../src/react/hooks.ts'

const { document, location } = globalThis as unknown as {
  document: { getElementById(id: string): Parameters<typeof createRoot>[0] }
  location: { search: string }
}
const { url, token } = Object.fromEntries(new URLSearchParams(location.search)) as { url: string; token: string }
const client = createClient({ url, connectionParams: { token }, retryAttempts: 0 })
/** Those that are open. */
let subscriptions = 0
const counted = {
  ...client,
  subscribe(...parameters: Parameters<typeof client.subscribe>) {
    subscriptions += 1
    const stop = client.subscribe(...parameters)
    return () => {
      subscriptions -= 1
      stop()
    }
  },
}
const query = `subscription Handle($clientId: ID!, $after: Cursor) {
  channel(clientId: $clientId, after: $after, checkpoints: true) { kind cursor data }
}`

let reveal: (name: string) => void = () => undefined
const ready = new Promise<string>((resolve) => {
  reveal = resolve
})
const handled: unknown[] = []

function Channel() {
  const name = use(ready)
  const { events, connection } = useChannel<{ number: number }>(counted, { clientId: 'alice', keep: 2 })
  const numbers = events.map(({ data }) => data.number).join(' ')
  return createElement('p', null, `${name} ${connection}: ${numbers}`)
}

function Handler({ offset }: { readonly offset: number }) {
  const { connection } = useEvent<{ data: { number: number } }>(
    counted,
    { query, variables: { clientId: 'alice' } },
    ({ data }) => handled.push(data.number + offset),
  )
  return createElement('output', null, `handler ${connection}`)
}

function Page({ offset }: { readonly offset: number }) {
  return createElement(
    'main',
    null,
    createElement('h1', null, useConnection(client)),
    createElement(Suspense, { fallback: createElement('p', null, 'suspended') }, createElement(Channel)),
    createElement(Handler, { offset }),
  )
}

const root = createRoot(document.getElementById('root'))
const render = (offset: number) => root.render(createElement(StrictMode, null, createElement(Page, { offset })))
render(0)

export const channelControls = {
  handled: () => handled,
  subscriptions: () => subscriptions,
  reveal: () => reveal('inbox'),
  render,
  unmount: () => root.unmount(),
}
Object.assign(globalThis, { channelControls })
