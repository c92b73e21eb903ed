import type { Patch } from './build.ts'

export interface Mutant {
  readonly name: string
  readonly patches: readonly Patch[]
}

const catchUp = 'src/core/delivery/replay/catch-up.ts'
const subscription = 'src/core/delivery/channel-subscription.ts'
const eventQueue = 'src/core/delivery/event-queue.ts'
const lastEvents = 'src/core/delivery/replay/last-events.ts'
const listener = 'src/core/journal-listener.ts'
const session = 'src/core/sessions/session.ts'
const subscriptionsOfSession = 'src/core/sessions/session-subscriptions.ts'
const stream = 'src/brokers/rabbitmq/stream'
const stateFolder = 'src/core/state/state-folder.ts'
const statePages = 'src/core/state/state-pages.ts'

/** Bugs that a reviewer may miss. The simulation has to find each of them. */
export const mutants: readonly Mutant[] = [
  mutant(
    'resume at the cursor instead of after it',
    'src/core/model/cursor.ts',
    'return before ? offset : offset + 1',
    'return offset',
  ),
  {
    name: 'a gap is judged while the broker is away',
    patches: [
      {
        file: 'src/core/gateway-wiring.ts',
        from: '(this.listener.up ? this.listener.epoch : undefined)',
        to: 'this.listener.epoch',
      },
      {
        file: catchUp,
        from: 'for (const subscription of subscriptions)\n        if (this.#endWait(subscription, subscriptions)) this.resume(subscription)\n      return',
        to: '',
      },
    ],
  },
  mutant(
    'the epoch of a cursor is not compared',
    'src/core/delivery/replay/resume-position.ts',
    'return position.epoch !== epoch || position.offset > last',
    'return position.offset > last',
  ),
  mutant(
    'a cursor ahead of the tail is judged before the mark is back',
    catchUp,
    'await journal.mark()',
    'await undefined',
  ),
  mutant(
    'a join to live misses one entry',
    'src/core/delivery/replay/window-replay.ts',
    'hotWindow.visit(batch.lastOffset, (entry)',
    'hotWindow.visit(batch.lastOffset + 1, (entry)',
  ),
  mutant(
    'the first entry of a replay is skipped',
    'src/core/delivery/replay/replay-batch.ts',
    'if (offset >= (this.#starts.get(subscription) ?? Number.POSITIVE_INFINITY))',
    'if (offset > (this.#starts.get(subscription) ?? Number.POSITIVE_INFINITY))',
  ),
  mutant(
    'checkpoints continue while a subscription catches up',
    catchUp,
    'this.#context.checkpoints.remove(subscription)',
    '',
  ),
  mutant(
    'a subscription without room stays in live delivery',
    subscription,
    'this.#counter.fellBehind += 1\n    this.#replayer.stop(this)',
    'this.#counter.fellBehind += 1',
  ),
  mutant(
    'the bound of what waits for a client is not applied',
    eventQueue,
    'this.#events.length < maxQueuedEvents && this.#allowance.used + bytesOf(event) <= this.#allowance.maxBytes',
    'this.#events.length < maxQueuedEvents',
  ),
  mutant(
    'an overflow counts one message too few',
    eventQueue,
    'notice.add(oldest)',
    'if (this.#events.length % 2 === 0) notice.add(oldest)',
  ),
  mutant(
    'the bound of the hot window is not applied',
    'src/hot-window/hot-window.ts',
    'this.#bytes <= this.#maxBytes && first',
    'first',
  ),
  mutant(
    'the hot window keeps what is before a truncation',
    listener,
    'this.#readUpTo\n    this.#parts.hotWindow.clear()',
    'this.#readUpTo',
  ),
  mutant(
    'a replaced journal is not reported to live subscriptions',
    listener,
    "this.#gapAhead = 'JOURNAL_REPLACED'",
    '',
  ),
  mutant('a truncation is not reported to live subscriptions', listener, "this.#gapAhead = 'RETENTION'", ''),
  mutant(
    'the deduplication window is too short',
    'src/core/delivery/deduplicator.ts',
    'const generationMs = 5 * 60 * 1000',
    'const generationMs = 200',
  ),
  mutant(
    'a repeat is found but not remembered',
    'src/core/delivery/deduplicator.ts',
    'this.#repeats.add(entry.offset)\n    return true',
    'return true',
  ),
  mutant(
    'a hole of a few offsets is not checked',
    `${stream}/stream-consumer.ts`,
    'entry.offset > last.offset + 1',
    'entry.offset > last.offset + 8',
  ),
  mutant(
    'a hole is taken for a truncation',
    `${stream}/stream-consumer.ts`,
    'if (!intact) await visitor.onTruncated()',
    'await visitor.onTruncated()',
  ),
  mutant(
    'messages of a checked hole are delivered without a check of later holes',
    `${stream}/stream-consumer.ts`,
    'if (intact && open && !deferred) deliver',
    'if (open && !deferred) deliver',
  ),
  mutant(
    'after an outage the tail does not compare the entry at its position',
    `${stream}/stream-journal.ts`,
    'return intact ? undefined : this.#deliverTruncated(entry, session.signal)',
    'return undefined',
  ),
  mutant(
    'a journal that was deleted keeps its epoch',
    `${stream}/declare-journal.ts`,
    'const exists = await queueExists(connection, name)',
    'const exists = (await queueExists(connection, name)) || logged.epoch !== undefined',
  ),
  mutant(
    'an unreadable message is skipped without a report',
    `${stream}/message-by-message-reader.ts`,
    'visitor.onUnreadable(certain.map(unreadableAt))',
    '',
  ),
  mutant(
    'a message that is published again is not marked',
    'src/brokers/rabbitmq/publish/publishing-channel.ts',
    'pending.attempts += 1\n      pending.repeated = true',
    'pending.attempts += 1',
  ),
  mutant(
    'a grant is not checked again when the token is renewed',
    subscriptionsOfSession,
    'if (mayContinue(identity, subscription.topic)) continue',
    'continue',
  ),
  mutant(
    'an expired token keeps its session',
    session,
    "if (isExpired(this.identity, now)) return this.close('TOKEN_EXPIRED')",
    '',
  ),
  mutant(
    'a revocation does not end open sessions',
    'src/core/clients/revocations.ts',
    'for (const session of this.#sessions) session.revoke((identity) => this.#bans(identity))',
    '',
  ),
  mutant(
    'a new source is not announced in the journal',
    'src/core/sources/source-sync.ts',
    "await this.#parts.appendMark({ kind: 'source-created', source })",
    '',
  ),
  mutant(
    'a deleted source stays on the other replicas',
    'src/core/gateway-wiring.ts',
    "if (note?.kind === 'source-deleted')",
    'if (note === null)',
  ),
  mutant(
    'a lost binding is not made again',
    'src/brokers/rabbitmq/topology/source-bindings.ts',
    'await this.#operations.inOrder(() => this.#maintainBinding(source, session, reusable))',
    '',
  ),
  mutant(
    'a buffered message is acknowledged before the journal has it',
    'src/brokers/rabbitmq/buffer/buffer-mover.ts',
    'moveOne(next, options)\n            .then(() => acknowledge(channel, next))',
    ';(acknowledge(channel, next), moveOne(next, options))',
  ),
  mutant(
    'a buffered message that may have been moved before is not marked',
    'src/core/publishing/buffered-message.ts',
    '...(redelivered ? { [redeliveredHeader]: true } : {}),',
    '',
  ),
  mutant(
    'a copy that came through a buffered source is only recognised around an outage',
    'src/core/delivery/deduplicator.ts',
    'entry.buffered === true || entry.redelivered ||',
    '',
  ),
  mutant(
    'a ban does not end open sessions',
    'src/core/clients/client-bans.ts',
    'if (bar.banned) session.revoke((identity) => this.#isBanned(identity))',
    '',
  ),
  mutant(
    "a resume ignores where the channel's present owner begins",
    catchUp,
    "if (!origin || typeof position !== 'object' || !isOlder(position, origin)) return",
    'if (origin || !origin) return',
  ),
  mutant(
    'every replica copies poison to the quarantine',
    'src/core/quarantine/quarantine.ts',
    'if (claim === this.#replica) void this.#publishCopy(poison)\n    else this.#dequeue(offset)',
    'void this.#publishCopy(poison)',
  ),
  mutant(
    'a typed field delivers messages that do not fit it',
    'src/events/serving/event-fields.ts',
    "return kind === 'valid' ||",
    "return kind !== 'filtered' ||",
  ),
  mutant(
    'a typed field keeps its subscription after the token lost its grant',
    subscriptionsOfSession,
    'if (error instanceof GatewayError) subscription.end(error)\n        else subscription.fail(error)',
    'if (!(error instanceof GatewayError)) subscription.fail(error)',
  ),
  mutant(
    'a message for typed fields alone is passed over in a replay',
    'src/core/delivery/topic-index.ts',
    'return eventKeys.some((key) => this.#events.has(key))',
    'return false',
  ),
  mutant(
    'a gap of the journal reaches channels only',
    'src/core/delivery/topic-index.ts',
    'for (const subscribers of this.#events.values()) yield* subscribers',
    '',
  ),
  mutant(
    'conditions of a typed field leave the index while another subscription has them',
    'src/events/matching/field-index.ts',
    'if (target.count > 0) return',
    '',
  ),
  mutant(
    'a search for the last events ends where the hot window begins',
    lastEvents,
    "else this.#before = isOldest ? 'removed' : 'unread'",
    "else this.#before = isOldest ? 'removed' : 'nothing'",
  ),
  mutant(
    'a search for the last events that begins again counts what it counted before',
    lastEvents,
    'this.#positions = []\n    this.#begin = begin',
    'this.#begin = begin',
  ),
  mutant(
    'a subscription begins after the first of the last events',
    lastEvents,
    'first && { ...first, before: true }',
    'first',
  ),
  mutant(
    'a checkpoint overtakes the message that a pace holds back',
    subscription,
    "if (event.kind === 'CHECKPOINT' && !isState) return true\n      this.#enqueueHeld(",
    "if (event.kind === 'CHECKPOINT') return false\n      this.#enqueueHeld(",
  ),
  mutant(
    'a pace keeps only the newest message of a state, not that of each key',
    subscription,
    "pace.hold(event, topic.kind === 'event' ? topic.state?.keyOf(event) : undefined)",
    'pace.hold(event)',
  ),
  mutant(
    'a newer message of a key is delivered in the place of the older one',
    'src/core/delivery/pace.ts',
    'this.#byKey.delete(key)\n      this.#byKey.set(key, event)',
    'this.#byKey.set(key, event)',
  ),
  mutant(
    'what a pace holds back stays there while the client is slow',
    subscription,
    'if (this.#pace?.newest && this.#pace.isReady) this.releaseHeld()',
    '',
  ),
  mutant(
    'an older subscription of a position continues on the same replica',
    'src/core/positions/held-positions.ts',
    "known.lose('taken')",
    '',
  ),
  mutant(
    'a subscription does not ask for acks that are not stored',
    'src/core/positions/hand-over.ts',
    'if (heldBefore === undefined) {',
    'if (stored || heldBefore === undefined) {',
  ),
  mutant(
    'a subscription begins at the live end instead of its position',
    'src/core/positions/position-hold.ts',
    'subscription.begin(after === undefined ? place : undefined)',
    'subscription.begin(undefined)',
  ),
  {
    name: 'a position moves when its event is queued, not when it is delivered',
    patches: [
      {
        file: subscription,
        from: 'this.lastTaken = passed\n    this.#onTaken?.(event)',
        to: 'this.lastTaken = passed',
      },
      {
        file: subscription,
        from: "this.#last = event\n    if (event.kind === 'MESSAGE') {",
        to: "this.#last = event\n    this.#onTaken?.(event)\n    if (event.kind === 'MESSAGE') {",
      },
    ],
  },
  mutant(
    'a fold is written although another replica has the lease',
    'test/core/memory-states.ts',
    'return state?.fence === fence ? state : undefined',
    'return state',
  ),
  mutant(
    'a snapshot reads its place after its rows',
    statePages,
    'const { head, rows } = page ?? {}',
    'const { rows } = page ?? {}\n    const head = page && (await this.#context.store.head(id))',
  ),
  mutant(
    'a difference does not name the keys that were removed',
    statePages,
    'if (row.removed && offset <= (wish.since ?? -1)) continue',
    'if (row.removed) continue',
  ),
  mutant(
    'a difference is given although messages were not folded',
    statePages,
    'wish.after < head.forgottenUpTo',
    'wish.after < head.forgottenUpTo - 1_000_000',
  ),
  mutant(
    'a difference begins one entry late',
    'src/core/state/state-replay.ts',
    'const after = position.before ? position.offset - 1 : position.offset',
    'const after = position.before ? position.offset : position.offset + 1',
  ),
  mutant(
    'a difference may end before the oldest entry of the journal',
    statePages,
    "if (place.offset < wish.atLeast) return 'later'",
    '',
  ),
  mutant(
    'what a fold has read is dropped when its write fails, and its place is kept',
    stateFolder,
    'this.#folds = await this.#claim(definitions, epoch)',
    'const kept = this.#folds.filter(({ end }) => end === undefined)\n    this.#folds = kept.length > 0 ? kept : await this.#claim(definitions, epoch)',
  ),
  mutant(
    'a live subscription of keyed state continues behind what retention deleted',
    subscription,
    'this.#replayer.stop(this)\n    if (isKept || !this.#replayer.restart?.(this)) this.#replayer.resume(this)',
    '',
  ),
]

function mutant(name: string, file: string, from: string, to: string): Mutant {
  return { name, patches: [{ file, from, to }] }
}
