import { readFileSync } from 'node:fs'
import type { Channel, MessagePropertyHeaders } from 'amqplib'
import { blocksOf } from '../../docs/documents.ts'

const path = 'docs/guides/publisher-recipes.md'

/** A message as a recipe shows it. `"…"` is any text. */
export interface RecipeMessage {
  readonly exchange: string
  readonly exchangeType?: string
  readonly routingKey: string
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly type?: string
  readonly messageId?: string
  readonly headers?: MessagePropertyHeaders
  readonly body: unknown
}

export interface Recipe {
  readonly title: string
  readonly program: string
  readonly message: RecipeMessage
  /** A mutation that creates a source, or the SDL of typed fields. */
  readonly setUp: string
  /** The data of the result that the client gets. */
  readonly seen: Readonly<Record<string, unknown>>
}

/** The sections of docs/guides/publisher-recipes.md that have a message. */
export const recipes: readonly Recipe[] = readFileSync(path, 'utf8')
  .split(/^## /m)
  .flatMap((text) => {
    const blocks = blocksOf({ path, text })
    const [message, seen] = blocks.filter(({ language }) => language === 'json').map((block) => JSON.parse(block.text))
    if (message === undefined) return []
    const setUp = blocks.find(({ language }) => language === 'graphql')?.text ?? ''
    return [{ title: text.slice(0, text.indexOf('\n')), program: blocks[0]?.text ?? '', message, setUp, seen }]
  })

export function recipe(title: string): Recipe {
  const found = recipes.find((one) => one.title === title)
  if (found === undefined) throw new Error(`${path} has no recipe for ${title}`)
  return found
}

/** Publishes the message as the program of the recipe does. */
export function publishRecipe(channel: Channel, message: RecipeMessage): void {
  const { exchange, exchangeType: _, routingKey, body, ...properties } = message
  channel.publish(exchange, routingKey, Buffer.from(JSON.stringify(body)), properties)
}

/** The operation of a client that sees `seen`: one that selects what it has. */
export function operationFor(seen: Recipe['seen']): string {
  return `subscription ${selection(seen)}`.replace('{ channel', '{ channel(clientId: "alice")')
}

function selection(value: object): string {
  const { __typename: member, ...fields } = value as Record<string, unknown>
  const selected = Object.entries(fields).map(([name, inner]) =>
    typeof inner === 'object' && inner !== null && name !== 'data' ? `${name} ${selection(inner)}` : name,
  )
  const text = selected.join(' ')
  return typeof member === 'string' ? `{ __typename ... on ${member} { ${text} } }` : `{ ${text} }`
}
