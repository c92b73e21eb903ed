import type { SdlMistake } from '../events/model/place.ts'

/** The SDL has mistakes, or its files cannot be read. Nothing is served from it. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError'
  readonly mistakes: readonly SdlMistake[]

  constructor(message: string, mistakes: readonly SdlMistake[] = []) {
    super(message)
    this.mistakes = mistakes
  }
}
