import { expect } from '@jest/globals'
import type { ChannelSubscription } from '../../../src/core/delivery/channel-subscription.ts'
import type { ChannelEvent } from '../../../src/core/model/channel-event.ts'
import { type Cursor, printCursor } from '../../../src/core/model/cursor.ts'
import { resultOf } from '../../../src/events/serving/typed-results.ts'
import type { Change, StateWorld } from './state-world.ts'

/** What everything up to the offset makes of the keys of an owner; all keys without one. */
export function foldOf(log: readonly Change[], owner: string | undefined, upTo: number): Map<string, number> {
  const state = new Map<string, number>()
  for (const change of log) {
    if (change.offset > upTo || (owner !== undefined && change.owner !== owner)) continue
    if (change.value === undefined) state.delete(change.id)
    else state.set(change.id, change.value)
  }
  return state
}

/**
 * A client that does what docs/guides/state.md tells: it keeps a map, empties it where the state
 * begins, and resumes after its last cursor. It checks the map against all that was published.
 */
export class StateClient {
  readonly owner: string | undefined
  readonly every: string | undefined
  readonly map = new Map<string, number>()
  /** Of its events. */
  readonly phases = new Set<string>()
  gaps = 0
  failure: unknown
  readonly #world: StateWorld
  #cursor: Cursor | undefined
  #subscription: ChannelSubscription
  #isPulling = false
  /** Whether the map is the whole state, so that it can be compared. */
  #isWhole = false
  #liveUpTo = -1
  readonly #wholes: { readonly offset: number; readonly map: Map<string, number> }[] = []
  readonly #disorder: number[] = []

  /** `begin`: what it has read by queries. Undefined: it begins with the state. */
  constructor(
    world: StateWorld,
    owner: string | undefined,
    every?: string,
    begin?: { readonly map: ReadonlyMap<string, number>; readonly cursor: Cursor },
  ) {
    this.#world = world
    this.owner = owner
    this.every = every
    this.#cursor = begin?.cursor
    for (const [id, value] of begin?.map ?? []) this.map.set(id, value)
    this.#subscription = world.subscribe(owner, begin && printCursor(begin.cursor), every)
  }

  /** Takes up to `count` events that are there, and leaves no call open. */
  async take(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 1) {
      if (this.#isPulling) return
      this.#isPulling = true
      const subscription = this.#subscription
      void subscription.next().then(
        (taken) => {
          if (subscription !== this.#subscription) return
          this.#isPulling = false
          if (!taken.done) this.#apply(taken.value)
        },
        (error: unknown) => {
          if (subscription !== this.#subscription) return
          this.#isPulling = false
          this.failure = error
        },
      )
      for (let turn = 0; turn < 3; turn += 1) await Promise.resolve()
    }
  }

  /** Loses its connection. */
  leave(): void {
    void this.#subscription.return()
    this.#isPulling = false
    this.#isWhole = false
    this.failure = undefined
  }

  /** Loses its connection, and comes back after the last event that it has received. */
  cut(): void {
    this.leave()
    this.#subscription = this.#world.subscribe(this.owner, this.#cursor && printCursor(this.#cursor), this.every)
  }

  /** Compares what it had at each event with what was published up to there. */
  verify(): void {
    expect(this.#disorder).toEqual([])
    for (const { offset, map } of this.#wholes) expect(map).toEqual(foldOf(this.#world.log, this.owner, offset))
  }

  end(): void {
    void this.#subscription.return()
  }

  #apply(event: ChannelEvent): void {
    const { fields, field } = this.#world
    this.#cursor = event.cursor
    if (event.kind === 'GAP') {
      this.gaps += 1
      return
    }
    const { state } = event
    const phase = state?.phase ?? 'LIVE'
    this.phases.add(phase)
    if (state?.reset) this.map.clear()
    if (event.kind === 'MESSAGE') {
      const result = resultOf(fields, field, event)
      const { id, value } = JSON.parse(event.message.body.toString()) as { id: string; value: number }
      if (result?.warren.removed === undefined) this.map.set(id, value)
      else this.map.delete(result.warren.removed)
    }
    const { offset } = event.cursor
    if (phase === 'LIVE') {
      // In journal order, each once.
      if (offset <= this.#liveUpTo) this.#disorder.push(offset)
      this.#liveUpTo = offset
    }
    if (phase === 'SNAPSHOT_END') this.#liveUpTo = Math.max(this.#liveUpTo, offset)
    // With a pace, an older change of another key may still wait for its time.
    this.#isWhole = phase === 'SNAPSHOT_END' || (phase === 'LIVE' && this.#isWhole && this.every === undefined)
    if (this.#isWhole) this.#wholes.push({ offset, map: new Map(this.map) })
  }
}
