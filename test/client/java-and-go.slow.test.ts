import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from '@jest/globals'
import { debianPackages, installMissing, locate } from '../support/processes/debian-package.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { type LanguageExample, resumesAsThePageDescribes } from './languages.ts'

const { go, javac } = debianPackages
const folder = newFolder()

// Compiled once: `go run` passes no signal on to the program that it starts.
beforeAll(async () => {
  await installMissing([go, javac])
  const env = { ...process.env, GOCACHE: join(folder, 'cache'), GOFLAGS: '' }
  execFileSync(locate(go), ['build', '-o', join(folder, 'resume'), 'examples/clients/go/resume.go'], { env })
  execFileSync(locate(javac), ['-d', folder, 'examples/clients/java/Resume.java'])
})
afterAll(() => removeFolder(folder))

describe('examples/clients/go', () => {
  resumesAsThePageDescribes({ scheme: 'http', command: () => [join(folder, 'resume')] })
})

describe('examples/clients/java', () => {
  const eventIn: LanguageExample['eventIn'] = (line) => JSON.parse(line).data.channel
  resumesAsThePageDescribes({ scheme: 'http', command: () => ['java', '-cp', folder, 'Resume'], eventIn })
})
