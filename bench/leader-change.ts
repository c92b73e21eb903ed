/**
 * Whether publishers on this RabbitMQ need care when the leader of a stream changes: RabbitMQ 3.9
 * to 3.13 confirm messages that they drop (docs/guides/publishing.md). Plain amqplib on three
 * nodes. `npm run leader-change -- [--rabbitmq 3|4] [--rounds 3]`: 3 is the installed one, 4 that
 * of Debian 13. Exit status 0 if the run gave an answer, whatever it is; 1 if it did not.
 */
import { parseArgs } from 'node:util'
import amqp from 'amqplib'
import { rabbitCluster } from '../test/support/rabbitmq/broker.ts'
import { rabbitMq4 } from '../test/support/rabbitmq/rabbitmq-4.ts'
import { endings } from './leader-change/endings.ts'
import { leaderRound, type Outcome } from './leader-change/round.ts'
import { table } from './leader-change/table.ts'
import { variants } from './leader-change/variants.ts'
import { verdict } from './leader-change/verdict.ts'

const { values } = parseArgs({
  options: { rabbitmq: { type: 'string', default: '3' }, rounds: { type: 'string', default: '3' } },
})
const rounds = Number(values.rounds)
if (!['3', '4'].includes(values.rabbitmq)) throw new Error(`--rabbitmq: expected 3 or 4, got ${values.rabbitmq}`)
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds: expected a positive integer, got ${values.rounds}`)

const root = values.rabbitmq === '4' ? await rootOf4() : undefined
await using cluster = await rabbitCluster('leader', 3, root)
const version = await versionOf(cluster.nodes[0]?.url() ?? '')
const outcomes: Outcome[] = []
for (let round = 0; round < rounds; round += 1) {
  for (const [index, ending] of endings.entries()) {
    const number = round * endings.length + index
    outcomes.push(...(await leaderRound(cluster, number, ending, variants)))
    console.log(`${ending.name}, round ${round + 1} of ${rounds}: done`)
  }
}
const { foundOut, sentence } = verdict(version, outcomes)
console.log(`\nRabbitMQ ${version}, three nodes, rounds: ${rounds}\n`)
console.log(`${table(variants, endings, outcomes)}\n\n${sentence}`)
process.exitCode = foundOut ? 0 : 1

async function rootOf4(): Promise<string> {
  const found = await rabbitMq4()
  if (found.root === undefined) throw new Error(found.why)
  return found.root
}

async function versionOf(url: string): Promise<string> {
  const connection = await amqp.connect(url)
  const { version: text } = connection.connection.serverProperties
  await connection.close()
  return text
}
