import { expect, test } from '@jest/globals'
import { parse, validate } from 'graphql'
import { schemaOf } from '../events/sdl/reading.ts'
import { blocksOf, pages } from './documents.ts'

const path = 'docs/guides/state.md'
const blocks = pages()
  .filter((page) => page.path === path)
  .flatMap(blocksOf)

/** The operations of a block: it is one, or it is a program with texts that are. */
function operationsOf({ language, text }: (typeof blocks)[number]): string[] {
  if (language === 'graphql') return /^(query|subscription)\b/.test(text) ? [text] : []
  return [...text.matchAll(/[`'](?<operation>(?:query|subscription) \([^`']*)[`']/g)].map(
    ({ groups }) => groups?.['operation'] ?? '',
  )
}

test('the schema of the guide to keyed state is valid, and has all that its operations ask for', () => {
  const sdl = blocks.find(({ language, text }) => language === 'graphql' && text.startsWith('type Subscription'))
  const { schema } = schemaOf(sdl?.text ?? '')
  const operations = blocks.flatMap(operationsOf)
  expect(operations).toHaveLength(3)
  for (const operation of operations) expect(validate(schema.schema, parse(operation))).toEqual([])
})
