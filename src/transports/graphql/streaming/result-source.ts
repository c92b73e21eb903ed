import type { ExecutionArgs, ExecutionResult } from 'graphql'
import { latin1Of } from '../../../core/body/latin1.ts'
import type { ChannelSubscription } from '../../../core/delivery/channel-subscription.ts'
import { printJson } from '../../../core/json/print-json.ts'
import type { ChannelEvent, GapEvent } from '../../../core/model/channel-event.ts'
import type { FanOutGroup } from '../fan-out.ts'
import type { StreamForm } from './stream-form.ts'

/** The source of a response's chunks. */
export interface ResultSource {
  /** Called when there is room for more, and again only when there is room after a write. */
  pull(response: ChunkWriter): Promise<void> | void
  cancel(): Promise<unknown>
}

export interface ChunkWriter {
  readonly hasRoom: boolean
  write(chunk: Uint8Array): void
  /**
   * Writes the final chunk. A source that fails writes its error first, so that the response is not
   * broken.
   */
  end(): void
}

export interface MaskErrors {
  /** A result with errors that are fit to show to the client. */
  readonly ofResult: (result: ExecutionResult) => ExecutionResult
  /** A list with one error, as JSON. */
  readonly list: (error: unknown) => string
}

/** The chunk of the event that was written last: all responses to an operation share its bytes. */
export class LastChunk {
  #form: StreamForm | undefined
  #event: ChannelEvent | undefined
  #json = ''
  #chunk: Uint8Array = new Uint8Array()

  of(form: StreamForm, event: ChannelEvent, json: string): Uint8Array {
    if (this.#event !== event || this.#form !== form || this.#json !== json) {
      this.#form = form
      this.#event = event
      this.#json = json
      this.#chunk = bytesOf(form.result(json, event.cursor))
    }
    return this.#chunk
  }
}

export function bytesOf(latin1: string): Uint8Array {
  return Buffer.from(latin1, 'latin1')
}

/**
 * Results that are executed and encoded once for all subscriptions with the same operation
 * (`FanOut`). They are pushed, because they are shared only while the hub delivers the event.
 */
export function sharedResults(
  form: StreamForm,
  {
    subscription,
    group,
    operation,
    mask,
    lastChunk,
  }: {
    readonly subscription: ChannelSubscription
    readonly group: FanOutGroup
    readonly operation: ExecutionArgs
    readonly mask: MaskErrors
    readonly lastChunk: LastChunk
  },
): ResultSource {
  const fieldArguments = group.argumentsOf(operation.variableValues)
  let piped = false
  let gap: GapEvent | undefined
  return {
    pull(response) {
      if (piped) {
        subscription.flush()
        return
      }
      piped = true
      subscription.pipe({
        take(event) {
          if (!response.hasRoom) return false
          if (event.kind === 'GAP' && group.holdsGaps) {
            gap = event
            return true
          }
          const json = group.answer(event, subscription.channel, fieldArguments, operation, mask.ofResult, gap)
          gap = undefined
          if (json !== undefined) response.write(lastChunk.of(form, event, json))
          return true
        },
        end(failure) {
          if (failure) response.write(bytesOf(form.failure(mask.list(failure))))
          response.end()
        },
      })
    },
    cancel: () => subscription.return(),
  }
}

/** Results that only this subscription receives. */
export function separateResults(
  form: StreamForm,
  {
    results,
    subscription,
    mask,
    extend,
  }: {
    readonly results: AsyncIterator<ExecutionResult>
    readonly subscription: ChannelSubscription | undefined
    readonly mask: MaskErrors
    /** Adds what every result of the event has. */
    readonly extend: (event: ChannelEvent | undefined, result: ExecutionResult) => ExecutionResult
  },
): ResultSource {
  return {
    async pull(response) {
      try {
        const { done, value } = await results.next()
        if (done) return response.end()
        // A result is made from the event that was taken last, because the next one is taken only
        // after this one is written.
        const event = subscription?.lastPulled
        const json = latin1Of(printJson(extend(event, value)) ?? 'null')
        response.write(bytesOf(form.result(json, event?.cursor)))
      } catch (error) {
        response.write(bytesOf(form.failure(mask.list(error))))
        response.end()
      }
    },
    cancel: async () => results.return?.(),
  }
}
