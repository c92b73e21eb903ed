import { run } from '../../../src/cli/program.ts'
import { cleanEnvironment } from './gateway-process.ts'

/**
 * The same as `runWarren` without a process, which takes a second of CPU to start: for further runs
 * of a command that one test of its file starts as users do. Not for commands that end on a signal.
 * One at a time.
 */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const before = { ...process.env }
  const printed = { stdout: '', stderr: '' }
  const writes = (['stdout', 'stderr'] as const).map((name) => {
    const stream = process[name]
    // oxlint-disable-next-line typescript/unbound-method -- put back below
    const { write } = stream
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
      printed[name] += String(chunk)
      const done = rest.find((one) => typeof one === 'function') as (() => void) | undefined
      done?.()
      return true
    }
    return () => {
      stream.write = write
    }
  })
  replaceEnvironment(cleanEnvironment(env))
  try {
    return { code: await run(args), ...printed }
  } finally {
    replaceEnvironment(before)
    for (const putBack of writes) putBack()
  }
}

function replaceEnvironment(variables: Readonly<Record<string, string | undefined>>): void {
  for (const name of Object.keys(process.env)) if (!(name in variables)) delete process.env[name]
  Object.assign(process.env, variables)
}
