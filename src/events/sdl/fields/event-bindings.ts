import type { ASTNode } from 'graphql'
import { splitPointer } from '../../../core/json/json-pointer.ts'
import type { EventBinding } from '../../model/event-schema.ts'
import type { SdlContext } from '../context.ts'
import type { DirectiveArguments } from '../directives/arguments.ts'
import { argumentNode, type DirectiveUse } from '../directives/uses.ts'
import type { SdlExchanges } from './exchanges.ts'
import { capturesOf, readKeyPattern } from './key-pattern.ts'
import { placeInArgument, pointerProblem, requirePlace } from './places.ts'

export type EventsUse = DirectiveUse<DirectiveArguments['events']>

/** The `@events` of one field. */
export interface EventBindings {
  readonly bindings: readonly EventBinding[]
  /** False: an `@events` has a mistake, so that it is unknown what it captures. */
  readonly isComplete: boolean
  /** The use of each binding, in the same order. */
  readonly uses: readonly EventsUse[]
  /** What each binding captures, so that conditions can name it. */
  readonly captures: readonly string[]
  /** Captures of some bindings that others lack. */
  readonly partialCaptures: readonly string[]
}

/** Reads all `@events` of a field. Those with a mistake are left out. */
export function readBindings(context: SdlContext, exchanges: SdlExchanges, node: ASTNode): EventBindings {
  const { mistakes } = context
  const uses = context.uses.of(node, 'events')
  const read = uses.flatMap((use) => {
    const binding = readBinding(context, exchanges, use)
    return binding ? [{ binding, use }] : []
  })
  const [first] = uses
  for (const use of uses.slice(1)) {
    for (const name of ['invalid', 'gap', 'history'] as const) {
      if (!first || use.args[name] === first.args[name]) continue
      const { file, line } = mistakes.locationOf(first.node)
      mistakes.error(
        argumentNode(use, name),
        `several @events of a field must agree in ${name}: got ${String(use.args[name])} here and ${String(first.args[name])} in ${file}:${line}`,
      )
    }
  }
  for (const [index, { binding, use }] of read.entries()) {
    const same = read.slice(0, index).some(({ binding: { exchange, pattern } }) => {
      return exchange === binding.exchange && pattern.bindingKey === binding.pattern.bindingKey
    })
    if (same) mistakes.error(use.node, `the same exchange and binding key are there twice: once is allowed`)
  }
  const captures = read.map(({ binding }) => capturesOf(binding.pattern))
  const all = [...new Set(captures.flat())]
  const isEverywhere = (name: string) => captures.every((names) => names.includes(name))
  return {
    bindings: read.map(({ binding }) => binding),
    isComplete: read.length === uses.length && !context.uses.hasMistake(node, 'events'),
    uses: read.map(({ use }) => use),
    captures: all.filter(isEverywhere),
    partialCaptures: all.filter((name) => !isEverywhere(name)),
  }
}

function readBinding(context: SdlContext, exchanges: SdlExchanges, use: EventsUse): EventBinding | undefined {
  const { mistakes } = context
  const { exchangeType, routingKey, typeFrom, declare } = use.args
  const exchange = exchanges.toRead(use)
  const pattern = readKeyPattern(routingKey, exchangeType, (message) =>
    mistakes.error(argumentNode(use, 'routingKey'), message),
  )
  const body = splitPointer(use.args.body)
  if (!body) mistakes.error(argumentNode(use, 'body'), pointerProblem('body of @events', use.args.body))
  const typePlace = typeFrom ? requirePlace(context, placeInArgument(use, 'typeFrom', typeFrom)) : undefined
  if (exchange === undefined || !pattern || !body || (typeFrom && !typePlace)) return undefined
  return {
    exchange,
    exchangeType,
    routingKey,
    pattern,
    body,
    typeFrom: typePlace,
    declare,
    location: mistakes.locationOf(use.node),
  }
}
