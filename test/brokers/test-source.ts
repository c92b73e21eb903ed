import { type Source, type SourceDefinition, sourceId } from '../../src/core/model/source.ts'

/** A source for every client, by default on a topic exchange. */
export function sourceOn(exchange: string, change: Partial<Source> = {}): Source {
  const definition: SourceDefinition = {
    exchange,
    exchangeType: change.exchangeType ?? 'TOPIC',
    routingKey: change.routingKey ?? '#',
    clientId: { everyone: true },
  }
  return { ...definition, id: sourceId(definition), createdAt: new Date(), ownsExchange: false, ...change }
}
