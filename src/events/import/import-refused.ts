/** The document cannot become SDL. The message is for the person who gave it. */
export class ImportRefused extends Error {
  override readonly name = 'ImportRefused'
}
