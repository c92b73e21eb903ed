import { expect } from '@jest/globals'
import { importDocument } from '../../../src/events/import/import-document.ts'
import type { ImportOptions } from '../../../src/events/import/import-options.ts'
import { readSdl } from '../sdl/reading.ts'

/** The draft for a document, or for its text. */
export function uncheckedDraftOf(document: unknown, options: ImportOptions = {}): string {
  return importDocument(typeof document === 'string' ? document : JSON.stringify(document), options)
}

/**
 * Drafts that the gateway has accepted: reading one takes a hundred times as long as writing it.
 */
const accepted = new Set<string>()

/** The draft for a document, after a check that the gateway accepts it. */
export function draftOf(document: unknown, options: ImportOptions = {}): string {
  const sdl = uncheckedDraftOf(document, options)
  if (accepted.has(sdl)) return sdl
  const reading = readSdl(sdl)
  expect('mistakes' in reading ? reading.mistakes.map(({ message }) => message) : []).toEqual([])
  accepted.add(sdl)
  return sdl
}

/** The draft without the comments at the top. */
export function imported(document: unknown, options: ImportOptions = {}): string {
  return draftOf(document, options).replace(/^(?:#.*\n)+\n/, '')
}

/** The types of the draft, without `Subscription`. */
export function typesOf(document: unknown, options: ImportOptions = {}): string {
  return imported(document, options).replace(/^type Subscription \{\n(?:.*\n)*?\}\n\n/, '')
}

/** The lines of the event fields, without descriptions. */
export function fieldsOf(document: unknown, options: ImportOptions = {}): string[] {
  const [, fields = ''] = /^type Subscription \{\n((?:.*\n)*?)\}\n/.exec(imported(document, options)) ?? []
  return fields.split('\n').filter((line) => line !== '' && !/^ *"/.test(line))
}

/** The comments at the top of the draft, without those that every draft has. */
export function remarksOf(document: unknown, options: ImportOptions = {}): string[] {
  const [head = ''] = /^(?:#.*\n)+/.exec(draftOf(document, options)) ?? []
  const lines = head.split('\n').map((line) => line.slice(2))
  return lines.filter((line) => line !== '' && !/^(?:A draft from|- A required property|- Without @owner)/.test(line))
}
