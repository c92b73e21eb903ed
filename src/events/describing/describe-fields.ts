import type { GraphQLArgument, GraphQLField } from 'graphql'
import { astFromValue, print } from 'graphql'
import type {
  ArgumentDefinition,
  FieldBinding,
  FieldDefinition,
  FieldStateDefinition,
} from '../../core/inspection/definitions/field-definition.ts'
import { printPointer } from '../../core/json/json-pointer.ts'
import { schemaSource } from '../../core/model/source.ts'
import type {
  BuiltInArguments,
  ClaimPath,
  EventBinding,
  EventField,
  EventSchema,
  KeyedState,
} from '../model/event-schema.ts'
import type { Place } from '../model/place.ts'

/** The typed fields of a schema in plain words, for operators. */
export function describeFields({ schema, events }: EventSchema): FieldDefinition[] {
  const served = schema.getSubscriptionType()?.getFields() ?? {}
  return [...events.values()].flatMap((field) => {
    const definition = served[field.name]
    return definition ? [describeField(field, definition)] : []
  })
}

function describeField(field: EventField, definition: GraphQLField<unknown, unknown>): FieldDefinition {
  return {
    name: field.name,
    type: String(definition.type),
    description: definition.description ?? null,
    arguments: definition.args.map((argument) => describeArgument(field, argument)),
    bindings: field.bindings.map(describeBinding),
    access: accessOf(field),
    conditions: field.only.map(({ place, in: values }) => `${placeText(place)} is ${listed(values)}`),
    invalid: field.invalid,
    gap: gapText(field),
    history: field.history,
    state: field.state ? describeState(field.state) : null,
    file: field.location.file,
    line: field.location.line,
  }
}

function describeState({ key, deleteOn, keepMs }: KeyedState): FieldStateDefinition {
  return { key: placeText(key), deleteOn, keepMs: keepMs ?? null }
}

function describeArgument(field: EventField, argument: GraphQLArgument): ArgumentDefinition {
  const { name, type, description, defaultValue } = argument
  const shown = defaultValue === undefined ? undefined : astFromValue(defaultValue, type)
  return {
    name,
    type: String(type),
    description: description ?? null,
    defaultValue: shown ? print(shown) : null,
    meaning: meaningOf(field, name),
  }
}

const builtInMeanings: Readonly<Record<keyof BuiltInArguments, string>> = {
  after: 'continues behind this cursor',
  last: 'begins with the last events',
  position: 'continues at a position that the gateway keeps',
  autoAck: 'when the position moves without an ack',
  every: 'the least time between two events',
  overflow: 'what happens while the client is slow',
  checkpoints: 'sends positions while nothing else is sent',
  filter: 'conditions on the fields of the event',
}

function meaningOf({ conditions, builtIn }: EventField, name: string): string {
  const condition = conditions.find((one) => one.name === name)
  if (condition) {
    const owners = condition.owners.map((owner) => `, and the caller's ${claimText(owner)}`).join('')
    return `${condition.list ? 'one of them is' : 'is'} ${placeText(condition.place)}${owners}`
  }
  const roles = Object.keys(builtInMeanings) as (keyof BuiltInArguments)[]
  const role = roles.find((one) => builtIn[one] === name)
  return role === undefined ? '' : builtInMeanings[role]
}

function describeBinding({ exchange, exchangeType, routingKey, pattern, body, declare }: EventBinding): FieldBinding {
  const { bindingKey } = pattern
  const source = schemaSource({ exchange, exchangeType, bindingKey, declare }).id
  return { exchange, exchangeType, routingKey, bindingKey, source, body: printPointer(body) }
}

/** One sentence for each way in, as `authorize` decides. */
function accessOf({ name, access, ownerPlaces, conditions }: EventField): string[] {
  const owned = [
    ...ownerPlaces.map(({ claim, place }) => `their ${claimText(claim)} is ${placeText(place)}`),
    ...conditions.flatMap(({ name: argument, owners }) =>
      owners.map((owner) => `their ${claimText(owner)} is the argument ${argument}`),
    ),
  ]
  const condition = owned.length === 0 ? '' : `, for events where ${listed(owned, 'and')}`
  const allowed = access.allow.map(({ scopes, anonymous }) => {
    if (anonymous) return 'every caller, also without a token'
    return scopes.length === 0 ? 'every caller with a valid token' : `tokens with the scope ${listed(scopes, 'and')}`
  })
  const others = allowed.length === 0 && access.owned ? ['every caller with a valid token'] : allowed
  return [`operators, and tokens with the scope event:${name}`, ...others.map((who) => `${who}${condition}`)]
}

function gapText({ gapForm }: EventField): string {
  switch (gapForm.kind) {
    case 'member':
      return 'a member EventGap of the union'
    case 'field':
      return `the field ${gapForm.field} of the event`
    case 'null':
      return 'null without an error'
    case 'error':
      return 'an error with the code GAP'
    case 'next':
      return 'in the extensions of the next event'
  }
}

function claimText(claim: ClaimPath): string {
  return claim.kind === 'clientId' ? 'client id' : `claim ${printPointer(claim.pointer)}`
}

function placeText(place: Place): string {
  switch (place.kind) {
    case 'body':
      return place.pointer.length === 0 ? 'the payload' : `"${printPointer(place.pointer)}" of the payload`
    case 'envelope':
      return place.pointer.length === 0 ? 'the body' : `"${printPointer(place.pointer)}" of the body`
    case 'header':
      return `the header "${place.name}"`
    case 'word':
      return `{${place.name}} of the routing key`
    case 'property':
      return `the property ${place.property}`
  }
}

function listed(words: readonly string[], last = 'or'): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`
}
