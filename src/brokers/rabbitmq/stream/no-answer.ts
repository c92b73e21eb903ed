/** RabbitMQ is connected but does not complete an operation. */
export class NoAnswerInTime extends Error {
  override readonly name = 'NoAnswerInTime'

  constructor(what: string, afterMs: number) {
    super(`${what} within ${afterMs} ms`)
  }
}
