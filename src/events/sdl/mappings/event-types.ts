import type { GraphQLObjectType, GraphQLOutputType } from 'graphql'
import { argumentNode, type DirectiveUse } from '../directives/uses.ts'
import type { FieldReading } from '../fields/event-field.ts'
import { listed, quoted } from '../mistakes.ts'

/**
 * Checks that the members of each union and interface in the type differ in their event
 * types. A sole member needs none: it takes every message.
 */
export function checkEventTypes(
  { context: { mistakes, uses }, known, reach }: FieldReading,
  type: GraphQLOutputType,
): void {
  for (const abstract of reach.from(type).abstractTypes) {
    const members = reach.membersOf(abstract).filter((member) => member !== known.eventGap)
    if (members.length === 0) {
      mistakes.error(
        abstract.astNode ?? {},
        `${abstract.name} has no object type that an event could be: expected at least one`,
      )
    }
    if (members.length < 2) continue
    const owners = new Map<string, GraphQLObjectType>()
    for (const member of members) {
      const own = [member.astNode, ...member.extensionASTNodes].flatMap((node) => uses.of(node, 'eventType'))
      if (own.length === 0) {
        const others = listed(members.filter((other) => other !== member).map(({ name }) => name))
        mistakes.error(
          member.astNode?.name ?? {},
          `${member.name} has no source in ${abstract.name}, where events of ${others} are too: expected @eventType(name: "…") with the event types that it stands for, or "*" for every other`,
        )
      }
      for (const use of own) checkUnique(mistakes, use, member, owners, abstract.name)
    }
  }
}

function checkUnique(
  mistakes: FieldReading['context']['mistakes'],
  use: DirectiveUse<{ name: string }>,
  member: GraphQLObjectType,
  owners: Map<string, GraphQLObjectType>,
  abstractName: string,
): void {
  const { name } = use.args
  const owner = owners.get(name)
  if (owner && owner !== member) {
    mistakes.error(
      argumentNode(use, 'name'),
      `${owner.name} and ${member.name} both stand for the event type ${quoted(name)} in ${abstractName}: one of them can`,
    )
  }
  owners.set(name, owner ?? member)
}
