import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { hmacVerifier } from '../../../src/auth/tokens/jwt.ts'
import { testSecret } from '../../support/gateway/gateway-process.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { sectionsOf } from './guide-sections.ts'

const programs = sectionsOf('docs/guides/mint-tokens.md')
const clientId = 'o\'neil"\\ü@example.com'

/** Runs a program of the guide to minting tokens. Its token has to be one that a gateway accepts. */
export async function expectTokenOf(section: string, file: string, command: readonly string[]): Promise<void> {
  const folder = newFolder()
  try {
    const path = join(folder, file)
    writeFileSync(path, programs.get(section)?.[0]?.text ?? '')
    const env = {
      ...process.env,
      WARREN_JWT_SECRET: testSecret,
      JAVA_TOOL_OPTIONS: '-Dfile.encoding=UTF-8',
      GOCACHE: join(folder, 'cache'),
      LC_ALL: 'C.UTF-8',
    }
    const [program = '', ...args] = command
    const token = execFileSync(program, [...args, path, clientId], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    expect(await hmacVerifier({ secret: testSecret }).verify(token.trim())).toMatchObject({
      clientId,
      scope: { operator: false, words: [] },
      issuedAt: expect.any(Date),
      expiresAt: expect.any(Date),
    })
  } finally {
    removeFolder(folder)
  }
}
