import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { flagOf, variableOf } from '../../../src/config/options/option.ts'
import { optionNames, options } from '../../../src/config/options/options.ts'
import { testSecret } from '../../support/gateway/gateway-process.ts'
import { openTwoReplicas, type TwoReplicas } from './two-replicas.ts'

const providerSecret = 'Pr0viderCredential'

let replicas: TwoReplicas
beforeAll(async () => {
  replicas = await openTwoReplicas(
    'configuration',
    { WARREN_MAX_CONNECTIONS: '700', WARREN_DRAIN: '0s' },
    {
      WARREN_MAX_SUBSCRIPTIONS: '7',
      WARREN_JWKS_URL: `http://warren:${providerSecret}@127.0.0.1:9/keys?sig=${providerSecret}`,
    },
  )
})
afterAll(async () => {
  await replicas?.[Symbol.asyncDispose]()
})

interface Option {
  readonly name: string
  readonly value: string | null
  readonly origin: string
  readonly differs: boolean
  readonly needsRestart: boolean
  readonly replicas: readonly { readonly replica: string; readonly value: string | null; readonly origin: string }[]
}

interface Answer {
  readonly configuration: {
    readonly options: readonly Option[]
    readonly replicas: readonly string[]
    readonly unanswered: readonly string[]
  }
}

const query = `{ configuration { replicas unanswered options {
  name flag fileVariable group value origin givenAs file default unset help expected secret reload needsRestart differs mayDiffer
  replicas { replica value origin needsRestart }
} } }`

const optionIn = ({ configuration }: Answer, name: string): Option | undefined =>
  configuration.options.find((option) => option.name === name)

test('every option has its effective value, its origin and its line of documentation', async () => {
  const { observer, a, b } = replicas
  const answer = await observer<Answer>(query)
  expect(answer.configuration.options).toHaveLength(optionNames.length)
  for (const name of optionNames) {
    const { group, help, kind, secret, reload } = options[name]
    expect(optionIn(answer, variableOf(name))).toMatchObject({
      flag: flagOf(name),
      group,
      help,
      expected: kind.expected,
      secret,
      reload,
    })
  }
  expect(answer.configuration.replicas).toEqual([a.gateway.replica, b.gateway.replica])
  expect(answer.configuration.unanswered).toEqual([])
  expect(optionIn(answer, 'WARREN_MAX_CONNECTIONS')).toMatchObject({
    value: '700',
    origin: 'ENVIRONMENT',
    givenAs: 'WARREN_MAX_CONNECTIONS',
    default: '20000',
    differs: false,
  })
  expect(optionIn(answer, 'WARREN_MAX_CONNECTIONS_PER_ADDRESS')).toMatchObject({ value: '70', origin: 'DERIVED' })
  expect(optionIn(answer, 'WARREN_RETENTION')).toMatchObject({ value: '24h,1GiB', origin: 'DEFAULT' })
  expect(optionIn(answer, 'WARREN_SOURCES')).toMatchObject({
    value: null,
    origin: 'DEFAULT',
    unset: 'the sources of the registry',
  })
})

test('replicas that differ are named with their values, and no part of a secret leaves', async () => {
  const { onA, onB, a, b, vhost } = replicas
  for (const call of [onA, onB]) {
    const answer = await call<Answer>(query)
    expect(optionIn(answer, 'WARREN_MAX_SUBSCRIPTIONS')?.differs).toBe(true)
    expect(optionIn(answer, 'WARREN_MAX_SUBSCRIPTIONS')?.replicas).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ replica: a.gateway.replica, value: '100', origin: 'DEFAULT' }),
        expect.objectContaining({ replica: b.gateway.replica, value: '7', origin: 'ENVIRONMENT' }),
      ]),
    )
    expect(optionIn(answer, 'WARREN_JWT_SECRET')).toMatchObject({ value: '***', differs: false })
    expect(optionIn(answer, 'WARREN_JWKS_URL')).toMatchObject({ differs: true, mayDiffer: false })
    expect(optionIn(answer, 'WARREN_PORT')).toMatchObject({ differs: true, mayDiffer: true })
    const text = JSON.stringify(answer)
    expect(text).toContain('http://warren:***@127.0.0.1:9/keys?sig=***')
    const password = decodeURIComponent(new URL(vhost.url).password)
    const shown = [testSecret, providerSecret].filter((secret) => text.includes(secret.slice(0, 8)))
    expect(shown).toEqual([])
    expect(text).not.toContain(`:${password}@`)
  }
})

test('a new value that needs a restart is marked, and others apply', async () => {
  const { onA, a } = replicas
  a.reload({ WARREN_MAX_CONNECTIONS: '800', WARREN_RETENTION: '2h' })
  const answer = await onA<Answer>(query)
  expect(optionIn(answer, 'WARREN_MAX_CONNECTIONS')).toMatchObject({ value: '800', needsRestart: false, differs: true })
  expect(optionIn(answer, 'WARREN_MAX_CONNECTIONS_PER_ADDRESS')).toMatchObject({ value: '80', differs: true })
  expect(optionIn(answer, 'WARREN_RETENTION')).toMatchObject({
    value: '24h,1GiB',
    origin: 'DEFAULT',
    needsRestart: true,
    differs: false,
  })
})
