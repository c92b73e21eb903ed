import { once } from 'node:events'
import { createInterface } from 'node:readline'

/**
 * Asks on the terminal, on standard error. Resolves with false after any answer but "y" and "yes",
 * and if standard input ends.
 */
export async function isConfirmed(question: string): Promise<boolean> {
  process.stderr.write(`${question} [y/N] `)
  const answers = createInterface({ input: process.stdin, terminal: false })
  try {
    const [answer]: unknown[] = await Promise.race([once(answers, 'line'), once(answers, 'close')])
    return typeof answer === 'string' && /^y(es)?$/i.test(answer.trim())
  } finally {
    answers.close()
  }
}
