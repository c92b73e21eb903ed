import { reservedSubscriptions, reservedTypes, UniqueNames } from '../draft/names.ts'
import { inComment, literal, printSketch, type SubscriptionSketch, withoutAccess } from '../draft/sketch.ts'
import { channelsOf } from './async-api.ts'
import { ChannelImport } from './channel-import.ts'
import { type ImportOptions, ImportRefused } from './import-options.ts'
import { type DocumentObject, References, textAt } from './references.ts'
import { SchemaTypes } from './schema-types.ts'

/** Writes SDL for the channels of an AsyncAPI document that are exchanges of RabbitMQ. */
export function importChannels(document: DocumentObject, options: ImportOptions): string {
  const version = String(document['asyncapi'])
  // Of YAML, `asyncapi: 3.0` is the number 3.
  if (!/^[23](?:\.|$)/.test(version)) throw new ImportRefused(`asyncapi: expected version 2 or 3, got "${version}"`)
  const references = new References(document)
  const { channels, leftOut } = channelsOf(document, references, options.exchange)
  if (channels.length === 0) {
    const reasons = leftOut.length === 0 ? 'it has no channels' : leftOut.slice(0, 10).join(' ')
    throw new ImportRefused(`the document names no exchange of RabbitMQ to read events from: ${reasons}`)
  }
  const names = new UniqueNames(reservedTypes)
  const fields = new UniqueNames(reservedSubscriptions)
  const { examples = true } = options
  const schemas = new SchemaTypes({ base: [], names, references, examples })
  const subscriptions: SubscriptionSketch[] = []
  const remarks = [...leftOut]
  for (const channel of channels) {
    const made = new ChannelImport(channel, schemas, names)
    if (made.problem !== undefined) {
      remarks.push(made.problem)
      continue
    }
    subscriptions.push(made.subscription(fields))
  }
  if (subscriptions.length === 0) throw new ImportRefused(`no channel can be an event field: ${remarks.join(' ')}`)
  const title = textAt(document['info'], 'title')
  return printSketch({
    remarks: [
      `A draft from ${title === undefined ? 'an AsyncAPI document' : inComment(literal(title))}. Review it before you serve it:`,
      '- A required property is non-null; a message without it will be quarantined.',
      `- ${withoutAccess}`,
      ...remarks.map(inComment),
    ],
    subscriptions,
    types: schemas.types(),
  })
}
