import { anonymous, type Identity, noScope } from '../../../src/core/model/identity.ts'
import { GatewayError } from '../../../src/errors.ts'
import { bodyOf, propertiesOf } from '../oracle/ground-truth.ts'
import type { Letter } from './back-end.ts'
import { defaultExchange } from './replica.ts'
import type { Action } from './script.ts'
import type { World } from './world.ts'

/** How long a publisher waits for a gateway's answer, in milliseconds. */
const answerMs = 15_000
/** Of each channel. */
const stateKeys = 5

const publisher: Identity = { ...anonymous, clientId: 'publisher', scope: { ...noScope, publish: true } }

/** Publishes the messages of one action, each at its time. */
export function publish(world: World, action: Extract<Action, { kind: 'publish' }>): void {
  for (let index = 0; index < action.count; index += 1)
    world.at(index * action.everyMs, () => publishOne(world, action))
}

function publishOne(world: World, action: Extract<Action, { kind: 'publish' }>): void {
  if (world.isOver || world.isViolated) return
  const channel = `channel-${action.channel}`
  const source = world.sources[action.via]
  const viaSource = source?.state === 'there'
  const exchange = viaSource ? source.exchange : defaultExchange
  const routingKey = viaSource ? `of.${channel}` : `client.${channel}`
  const isBuffered = viaSource && source.buffered
  const hasId = !(isBuffered && action.noId && action.by < 0)
  const number = world.truth.intents.length
  const isKeyed = world.script.settings.statePageEvents !== undefined
  const isRemoval = isKeyed && mixed(number + 1) % 4 === 0
  const intent = world.truth.intend({
    channel,
    key: action.keyed && hasId ? `key-${number}` : undefined,
    isOptional: viaSource && source.mayBeDeleted,
    isBuffered,
    hasId,
    isPoison: action.poison,
    isTyped: exchange === defaultExchange,
    // To remove a key, a message needs nothing else of the type.
    isMisfit: world.hasTypedClients && number % 5 === 0 && !isRemoval,
    stateKey: isKeyed ? `${channel} ${mixed(number) % stateKeys}` : undefined,
    isRemoval,
  })
  const backEnd = isBuffered ? world.bufferingBackEnd : world.backEnd
  if (action.by < 0) void backEnd.publish({ exchange, routingKey, intent, bytes: action.bytes })
  else void publishThrough(world, action.by, { exchange, routingKey, intent, bytes: action.bytes })
}

/** Numbers without a pattern, and the same in each run. */
function mixed(number: number): number {
  return (Math.imul(number + 1, 0x9e3779b1) >>> 0) >>> 16
}

/** The mutation `publish` on a replica, and with a key again on any replica until it resolves. */
async function publishThrough(world: World, index: number, letter: Letter): Promise<void> {
  const { intent } = letter
  for (let replica = world.replicas[index]; ; replica = world.pickReplica()) {
    const { gateway, owner = 0 } = replica ?? {}
    const isStored = gateway
      ? await new Promise<boolean>((resolve) => {
          const timer = world.at(answerMs, () => resolve(false))
          world.at(
            world.latency(),
            () => {
              const { exchange, routingKey } = letter
              const body = bodyOf(intent, letter.bytes)
              const publication = { exchange, routingKey, body, properties: propertiesOf(intent) }
              gateway.publishAs(publisher, publication).then(
                (entry) => {
                  world.clock.clear(timer)
                  const offset = entry?.offset
                  const stored = world.truth.lives.some((life) => offset !== undefined && life.at(offset) === intent)
                  // Its buffer's queue has it, or it has no source any more.
                  const mayBeElsewhere = offset === undefined && (intent.isBuffered || intent.isOptional)
                  if (!stored && !mayBeElsewhere)
                    world.violated('publish resolves when it is stored', `${intent.number} at ${offset}`)
                  resolve(true)
                },
                (error: unknown) => {
                  world.clock.clear(timer)
                  if (!(error instanceof GatewayError)) world.violated('a known error', String(error))
                  else if (error.code === 'FORBIDDEN' && !intent.isOptional)
                    world.violated('publish to a source is not forbidden', error.message)
                  resolve(false)
                },
              )
            },
            owner,
          )
        })
      : false
    if (isStored) intent.isConfirmed = true
    if (isStored || intent.key === undefined || world.isOver) return
    await world.wait(500)
  }
}
