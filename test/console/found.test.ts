import { describe, expect, test } from '@jest/globals'
import { type FindAnswers, foundFor, noAnswers } from '../../src/console/shell/find/found.ts'

const client = (clientId: string) => ({ clientId, online: true })
const found = (text: string, answers: Partial<FindAnswers> = {}): string[] =>
  foundFor(text, { ...noAnswers, ...answers }).map(({ title, view, hint }) =>
    view === 'clients' && hint.startsWith('client') ? `client ${title}` : `${view || 'overview'}: ${hint}`,
  )

const searches = [
  'trace: trace messages with this id, or these words',
  'trace: trace messages with exactly this text in the body',
  'journal: search the journal for these words',
]

describe('the choices of the palette', () => {
  test('begin with the client, then the messages, of exactly this name, whatever else fits', () => {
    const clients = [client('malice'), client('alice-2'), client('alice')]
    expect(found('Alice', { clients, messages: 2 })).toEqual([
      'client alice',
      'trace: trace the 2 messages with this id',
      'client alice-2',
      ...searches,
      'client malice',
    ])
    expect(found('live', { clients: [client('live')], messages: 1 }).slice(0, 3)).toEqual([
      'client live',
      'trace: trace the message with this id',
      'live: G L',
    ])
  })

  test('have a view that begins so before the searches, and one that contains it behind them', () => {
    expect(found('s', {}).slice(0, 2)).toEqual(['sources: G S', 'schema: G D'])
    expect(found('jour')).toEqual(['journal: G J', ...searches])
    expect(found('ource')).toEqual([...searches, 'sources: G S'])
  })

  test('have the offset or the cursor that the text looks like before the searches', () => {
    expect(found('1,234')).toEqual(['journal: offset in the journal', ...searches])
    expect(found('Ag5eCHAg5eCHAg5eCH9nxE5g')).toEqual([
      'trace: trace this cursor',
      'journal: cursor in the journal',
      ...searches,
    ])
  })

  test('have clients that were cut off, and all views while nothing is typed', () => {
    const session = { clientId: 'tablet-17', reason: 'slow-consumer' } as FindAnswers['ended'][number]
    expect(found('tablet-17', { ended: [session, session] })).toEqual(['client tablet-17', ...searches])
    expect(found('')).toHaveLength(11)
  })
})
