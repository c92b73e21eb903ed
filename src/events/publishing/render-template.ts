import type { GraphQLInputType } from 'graphql'
import { maxShortStringBytes } from '../../core/model/short-string.ts'
import { badInput } from '../../errors.ts'
import type { Arguments, InputSchema } from '../access/authorize-message.ts'
import { claimValuesOf, type EventCaller } from '../access/event-caller.ts'
import { inputTextsAt } from '../access/input-text.ts'
import type { Template } from '../model/event-schema.ts'

/** What placeholders take their texts from. */
export interface TemplateSource {
  readonly schema: InputSchema
  readonly types: ReadonlyMap<string, GraphQLInputType>
  /** With absent `@owner` values filled in. */
  readonly args: Arguments
  readonly caller: EventCaller
  /** The error for a caller without the claim that the template needs. */
  readonly refusal: () => Error
}

/**
 * Renders a routing key. Throws `BAD_USER_INPUT` with the path of the argument if its text is
 * missing, if a word would be empty or get another dot, wildcard or control character, or if the
 * key gets too long.
 */
export function renderRoutingKey(template: Template, source: TemplateSource): string {
  let key = ''
  let first: string | undefined
  for (const [index, part] of template.entries()) {
    if (part.kind === 'text') {
      key += part.text
      continue
    }
    const name = nameOf(part)
    first ??= name
    const text = textOf(part, source)
    if (text === undefined) throw badInput(name, 'expected a value, because the routing key needs it')
    if (/[.*#\p{Cc}]/u.test(text)) {
      throw badInput(
        name,
        `expected no dots, *, # or control characters in a word of the routing key, got ${JSON.stringify(text)}`,
      )
    }
    key += text
    const next = template[index + 1]
    const endsWord = next === undefined || (next.kind === 'text' && next.text.startsWith('.'))
    if (endsWord && (key === '' || key.endsWith('.'))) {
      throw badInput(name, 'expected text, because a word of the routing key may not be empty')
    }
  }
  const bytes = Buffer.byteLength(key)
  if (bytes > maxShortStringBytes) {
    throw badInput(
      first ?? 'routingKey',
      `expected a routing key of at most ${maxShortStringBytes} bytes, got ${bytes}`,
    )
  }
  return key
}

/** Renders a header; undefined if the text of a placeholder is missing. */
export function renderHeader(template: Template, source: TemplateSource): string | undefined {
  let header = ''
  for (const part of template) {
    const text = part.kind === 'text' ? part.text : textOf(part, source)
    if (text === undefined) return undefined
    header += text
  }
  return header
}

type Placeholder = Exclude<Template[number], { kind: 'text' }>

function nameOf(part: Placeholder): string {
  return part.kind === 'argument' ? part.path.join('.') : `{claim:${part.pointer.map((token) => `/${token}`).join('')}}`
}

function textOf(part: Placeholder, { schema, types, args, caller, refusal }: TemplateSource): string | undefined {
  if (part.kind === 'claim') {
    const values = claimValuesOf(caller, { kind: 'claim', pointer: part.pointer })
    const [value] = values ?? []
    if (value === undefined || values?.length !== 1) throw refusal()
    return String(value)
  }
  const [name = '', ...path] = part.path
  const type = types.get(name)
  const texts = type ? inputTextsAt(schema, type, args[name], path) : []
  if (texts.length > 1) throw badInput(nameOf(part), `expected one value, got ${texts.length}`)
  return texts[0]
}
