import { readFileSync } from 'node:fs'
import { blocksOf } from '../../docs/documents.ts'

/** The blocks of code of a page, by the title of their section. */
export const sectionsOf = (path: string) =>
  new Map(
    readFileSync(path, 'utf8')
      .split(/^## /m)
      .map((text) => [text.slice(0, text.indexOf('\n')), blocksOf({ path, text })] as const),
  )
