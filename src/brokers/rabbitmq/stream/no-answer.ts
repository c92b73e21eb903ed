/** RabbitMQ is connected and does not do what it was asked for. */
export class NoAnswerInTime extends Error {
  override readonly name = 'NoAnswerInTime'

  constructor(what: string, afterMs: number) {
    super(`${what} within ${afterMs} ms`)
  }
}
