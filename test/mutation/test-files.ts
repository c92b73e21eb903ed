/**
 * The tests that run for the mutants of a folder: those without a process of their own. The first
 * entry that begins the path counts.
 */
const testsOf: readonly (readonly [source: string, tests: readonly string[]])[] = [
  ['src/auth', ['test/auth']],
  ['src/transports/websocket', ['test/transports/websocket']],
  ['src/core/json', ['test/core/json', 'test/fuzz/corpus.test.ts']],
  ['src/core/limits', ['test/core/limits']],
  ['src/core/timing', ['test/core/timing']],
  [
    'src/core',
    [
      'test/core',
      'test/fuzz/corpus.test.ts',
      'test/graphql/types/replica-trace.test.ts',
      'test/hostile/values/header-types.test.ts',
    ],
  ],
]

/**
 * Too slow to run for each mutant, because they start gateways; the conformance suite takes minutes.
 * What only they notice is a survivor here.
 */
const tooSlow: ReadonlySet<string> = new Set(
  ['conformance', 'handshake', 'limits'].map((name) => `test/transports/websocket/${name}.test.ts`),
)

export function testFoldersOf(source: string): readonly string[] {
  const found = testsOf.find(([folder]) => source.startsWith(folder))
  if (!found) throw new Error(`${source}: expected a path in ${testsOf.map(([folder]) => folder).join(', ')}`)
  return found[1]
}

export function isRun(path: string): boolean {
  return path.endsWith('.test.ts') && !path.endsWith('.slow.test.ts') && !tooSlow.has(path)
}
