import { type GraphQLArgument, type GraphQLField, getNamedType, getNullableType, isInputObjectType } from 'graphql'
import { parseJson } from '../../../core/json/parse-json.ts'
import { maxShortStringBytes } from '../../../core/model/short-string.ts'
import type { InputFieldMapping, MessageTemplate, Template } from '../../model/event-schema.ts'
import type { MessageArguments } from '../directives/arguments.ts'
import { argumentNode, type DirectiveUse } from '../directives/uses.ts'
import { quoted } from '../mistakes.ts'
import type { RootName } from '../type-system/declared-types.ts'
import { ownersOf, readAllow } from './access.ts'
import type { FieldReading } from './event-field.ts'
import { type ArgumentTypes, readTemplate, typeAt } from './templates.ts'

const idempotencyKey = 'idempotencyKey'
const maxHeaderNameBytes = 128

/** What `@publish` and `@request` have in common, and the arguments that clients see. */
export interface ReadTemplate {
  readonly template: MessageTemplate
  /** The name of the built-in argument; undefined if there is none. */
  readonly idempotencyKey: string | undefined
  /** Whether Warren adds it. */
  readonly addsIdempotencyKey: boolean
  /** Declared arguments without the built-in one. */
  readonly declared: readonly GraphQLArgument[]
}

/** The arguments of a field with `@publish` or `@request`, and who may use it. */
interface MessageArgumentsOfField {
  readonly access: MessageTemplate['access']
  readonly args: MessageTemplate['arguments']
  readonly types: ArgumentTypes
  readonly declared: readonly GraphQLArgument[]
  readonly key: GraphQLArgument | undefined
  readonly isBuiltIn: boolean
}

/** Reports the mistakes that do not depend on the directive, which may itself have some. */
export function readMessageArguments(
  reading: FieldReading,
  root: RootName,
  field: GraphQLField<unknown, unknown>,
): MessageArgumentsOfField {
  const { context } = reading
  const { uses } = context
  const key = field.args.find(({ name }) => name === idempotencyKey)
  const isBuiltIn = key !== undefined && String(key.type) === 'String' && !uses.has(key.astNode, 'owner')
  const declared = field.args.filter((argument) => root !== 'Mutation' || argument !== key || !isBuiltIn)
  const types: ArgumentTypes = new Map(declared.map(({ name, type }) => [name, type]))
  const path = `${root}.${field.name}`
  const args = new Map(declared.map((argument) => [argument.name, readArgument(reading, argument, path)]))
  const owned = declared.some(({ astNode, type }) => uses.has(astNode, 'owner') || hasOwner(reading, type))
  const allow = readAllow(context, uses.of(field.astNode, 'allow'), owned, {
    names: [...types.keys()],
    typeOf: (at) => typeAt(types, at),
  })
  return { access: { allow, owned }, args, types, declared, key, isBuiltIn }
}

/** Undefined: a mistake was reported that leaves no message to send. */
export function readMessageTemplate(
  reading: FieldReading,
  root: RootName,
  field: GraphQLField<unknown, unknown>,
  use: DirectiveUse<MessageArguments>,
): ReadTemplate | undefined {
  const { context, exchanges } = reading
  const { mistakes } = context
  const { astNode: node } = field
  const { access, args, types, declared, key, isBuiltIn } = readMessageArguments(reading, root, field)
  const exchange = exchanges.toPublish(use)
  const routingKey = readRoutingKey(reading, use, types)
  const headers = readHeaders(reading, use, types)
  const { type, wrap } = use.args
  if (typeof type === 'string') checkShort(reading, use, 'type', type)
  const hasClaim = [routingKey, ...headers.map(({ value }) => value)].some((template) =>
    template?.some(({ kind }) => kind === 'claim'),
  )
  if (hasClaim && access.allow.some(({ anonymous }) => anonymous)) {
    mistakes.error(
      use.node,
      `{claim:…} beside "anonymous: true" of ${root}.${field.name}: a caller without a token has no claims`,
    )
  }
  const [only] = declared
  const bodyArgument =
    only && declared.length === 1 && isInputObjectType(getNullableType(only.type)) ? only.name : undefined
  const wrapped = typeof wrap === 'string' ? readWrap(reading, use, wrap) : undefined
  if (exchange === undefined || !routingKey || !node) return undefined
  return {
    template: {
      name: field.name,
      location: mistakes.locationOf(node),
      exchange,
      routingKey,
      type: type ?? undefined,
      headers,
      wrap: wrapped,
      access,
      bodyArgument,
      arguments: args,
    },
    idempotencyKey: root === 'Mutation' && (key === undefined || isBuiltIn) ? idempotencyKey : undefined,
    addsIdempotencyKey: root === 'Mutation' && key === undefined,
    declared,
  }
}

function readArgument({ context }: FieldReading, argument: GraphQLArgument, path: string): InputFieldMapping {
  const { memberNames, mistakes, uses } = context
  const { name, type, astNode } = argument
  const where = `${path}(${name}:)`
  for (const use of uses.of(astNode, 'match')) {
    mistakes.error(
      use.node,
      `@match is for arguments of subscription fields: the value of ${where} is part of the message`,
    )
  }
  const owners = ownersOf(context, uses.of(astNode, 'owner'), type, where)
  if (uses.has(astNode, 'owner') && astNode?.defaultValue) {
    mistakes.error(
      astNode.defaultValue,
      `${where} has @owner, so it cannot have a default value: what is absent is filled in from the claim`,
    )
  }
  return { member: memberNames(name), owners }
}

/** Whether `@owner` is on a field in the type, at any depth. */
function hasOwner({ context: { uses } }: FieldReading, type: GraphQLArgument['type']): boolean {
  const seen = new Set<unknown>()
  const open = [getNamedType(type)]
  for (let next = open.pop(); next; next = open.pop()) {
    if (!isInputObjectType(next) || seen.has(next)) continue
    seen.add(next)
    for (const field of Object.values(next.getFields())) {
      if (uses.has(field.astNode, 'owner')) return true
      open.push(getNamedType(field.type))
    }
  }
  return false
}

function readRoutingKey(
  { context: { mistakes } }: FieldReading,
  use: DirectiveUse<MessageArguments>,
  types: ArgumentTypes,
): Template | undefined {
  const { exchange, routingKey } = use.args
  const node = argumentNode(use, 'routingKey')
  let readable = true
  const report = (message: string) => {
    readable = false
    mistakes.error(node, message)
  }
  const template = readTemplate(routingKey, types, report)
  if (exchange === '' && routingKey === '') {
    report('the default exchange delivers to the queue with the name of the routing key: expected one')
  }
  if (exchange === '' && /[{}]/.test(routingKey)) {
    report(
      `the default exchange takes a fixed routing key, because callers must not choose a queue: got ${quoted(routingKey)}`,
    )
  }
  if (routingKey.split('.').some((word) => word === '*' || word === '#')) {
    report(`a message is published with a routing key without wildcards: got ${quoted(routingKey)}`)
  }
  if (/\p{Cc}/u.test(routingKey)) report('expected a routing key without control characters')
  const bytes = Buffer.byteLength(routingKey.replaceAll(/\{[^{}]*\}/g, ''))
  if (bytes > maxShortStringBytes)
    report(`expected a routing key of at most ${maxShortStringBytes} bytes, got ${bytes}`)
  return readable ? template : undefined
}

function readHeaders(
  reading: FieldReading,
  use: DirectiveUse<MessageArguments>,
  types: ArgumentTypes,
): MessageTemplate['headers'] {
  const { mistakes } = reading.context
  const node = argumentNode(use, 'headers')
  const names = new Set<string>()
  return (use.args.headers ?? []).flatMap(({ name, value }) => {
    const problem = headerProblem(name)
    if (problem !== undefined) mistakes.error(node, `${problem}, got ${quoted(name)}`)
    else if (names.has(name)) mistakes.error(node, `the header ${quoted(name)} is there twice: once is allowed`)
    names.add(name)
    const template = readTemplate(value, types, (message) => mistakes.error(node, message))
    return template ? [{ name, value: template }] : []
  })
}

function headerProblem(name: string): string | undefined {
  if (name === '') return 'expected the name of a header'
  if (/^x-warren-/i.test(name))
    return 'expected a header with another name, because only gateways set x-warren- headers'
  if (name === 'CC' || name === 'BCC')
    return 'expected a header with another name, because RabbitMQ reads CC and BCC as more routing keys'
  if (Buffer.byteLength(name) > maxHeaderNameBytes)
    return `expected names of headers of at most ${maxHeaderNameBytes} bytes`
  return undefined
}

function checkShort({ context }: FieldReading, use: DirectiveUse, name: string, text: string): void {
  const bytes = Buffer.byteLength(text)
  if (bytes <= maxShortStringBytes) return
  context.mistakes.error(
    argumentNode(use, name),
    `expected at most ${maxShortStringBytes} bytes in ${name} of @${use.node.name.value}, got ${bytes}`,
  )
}

const bodyPlaceholder = '{body}'

function readWrap({ context: { mistakes } }: FieldReading, use: DirectiveUse, text: string): unknown {
  const node = argumentNode(use, 'wrap')
  try {
    const value = parseJson(text)
    if (!holdsBody(value)) {
      mistakes.error(
        node,
        `expected the string "${bodyPlaceholder}" in wrap, which the arguments replace: without it they are lost`,
      )
    }
    return value
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    mistakes.error(node, `expected JSON in wrap, such as "{\\"data\\": \\"{body}\\"}", got ${quoted(text)}`)
    return undefined
  }
}

/** Not recursive, because JSON can nest deeper than the stack. */
function holdsBody(root: unknown): boolean {
  const open = [root]
  while (open.length > 0) {
    const value = open.pop()
    if (value === bodyPlaceholder) return true
    if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) open.push(inner)
  }
  return false
}
