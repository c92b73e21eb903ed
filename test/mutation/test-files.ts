/**
 * The tests that run for the mutants of a folder: those without a process of their own, and of
 * these the fast ones. So a mutant that only another test notices counts as a survivor. The first
 * entry that begins the path counts.
 */
const testsOf: readonly (readonly [source: string, tests: readonly string[]])[] = [
  ['src/auth', ['test/auth']],
  ['src/transports/websocket', ['test/transports/websocket']],
  ['src/core/json', ['test/core/json']],
  ['src/core/limits', ['test/core/limits']],
  ['src/core/timing', ['test/core/timing']],
  ['src/core/sessions', ['test/core/sessions']],
  [
    'src/core/delivery',
    [
      'test/core/delivery',
      'test/core/positions',
      ...['replaced-journal', 'rebase'].map((name) => `test/core/state/${name}.test.ts`),
    ],
  ],
  ...['cluster', 'offline', 'positions', 'presence'].map(
    (folder) => [`src/core/${folder}`, [`test/core/${folder}`]] as const,
  ),
  ['src/events/access', ['test/events/access', 'test/events/publishing']],
  ['src/events/publishing', ['test/events/publishing']],
  ['src/events/describing', ['test/events/describing', 'test/events/serving/named-subscriptions.test.ts']],
  ['src/events/federation', ['test/federation/subgraph.test.ts']],
  ['src/events/state', ['test/events/state/field-states.test.ts']],
  [
    'src/events/serving',
    [
      ...[
        'event-fields',
        'named-subscriptions',
        'same-meaning',
        'typed-operations',
        'typed-results',
        'typed-schema',
      ].map((name) => `test/events/serving/${name}.test.ts`),
      'test/events/state/field-states.test.ts',
    ],
  ],
  ['src/events/draft', ['test/events/draft']],
  ['src/events/import', ['test/events/import']],
  [
    'src/events',
    [
      ...[
        'access/authorize.test.ts',
        'describing',
        'differential',
        'filters',
        'import',
        'inference',
        'projection',
        'publishing',
        'scalars',
        'sdl',
        'values',
      ].map((name) => `test/events/${name}`),
      ...['equality', 'event-router', 'field-index', 'key-matcher'].map(
        (name) => `test/events/matching/${name}.test.ts`,
      ),
    ],
  ],
  [
    'src/core',
    [
      ...['accounting', 'body', 'clients', 'model', 'positions', 'publishing', 'quarantine', 'sessions', 'sources'].map(
        (folder) => `test/core/${folder}`,
      ),
      ...['gateway', 'journal-listener', 'lost-marks', 'delivery/replay/catch-up', 'delivery/hub'].map(
        (name) => `test/core/${name}.test.ts`,
      ),
      'test/graphql/traces/message-outcome.test.ts',
    ],
  ],
]

/** The paths to mutate one after another, each with its own tests, for a folder. */
export function foldersIn(path: string): readonly string[] {
  return [...testsOf.map(([source]) => source).filter((source) => source.startsWith(`${path}/`)), path]
}

/**
 * Too slow to run for each mutant, because they start gateways or a code generator; the conformance
 * suite takes minutes.
 * What only they notice is a survivor here.
 */
const tooSlow: ReadonlySet<string> = new Set([
  ...['conformance', 'handshake', 'limits'].map((name) => `test/transports/websocket/${name}.test.ts`),
  'test/events/sdl/generated-types.test.ts',
])

export function testFoldersOf(source: string): readonly string[] {
  const found = testsOf.find(([folder]) => source.startsWith(folder))
  if (!found) throw new Error(`${source}: expected a path in ${testsOf.map(([folder]) => folder).join(', ')}`)
  return found[1]
}

export function isRun(path: string): boolean {
  return path.endsWith('.test.ts') && !path.endsWith('.slow.test.ts') && !tooSlow.has(path)
}
