import { appendFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { errorsManual } from '../../../src/cli/manuals/errors-manual.ts'
import { staleFiles, writeFiles } from '../../../src/cli/manuals/generate.ts'
import { closeReasons } from '../../../src/close-reasons.ts'
import { errorTable } from '../../../src/errors.ts'
import { newFolder } from '../../support/processes/run-folder.ts'

describe('the generated files', () => {
  test('are up to date', () => {
    expect(staleFiles('.')).toEqual([])
  })

  test('are named if they are missing or edited', () => {
    const folder = newFolder()
    expect(staleFiles(folder)).toEqual([
      'schema/schema.graphql',
      'docs/config.md',
      'docs/errors.md',
      'docs/metrics.md',
      'docs/commands.md',
      'examples/shop/page/schema.graphql',
    ])
    writeFiles(folder)
    expect(staleFiles(folder)).toEqual([])
    appendFileSync(join(folder, 'docs/config.md'), 'by hand\n')
    expect(staleFiles(folder)).toEqual(['docs/config.md'])
    rmSync(folder, { recursive: true })
  })

  test('map every error and every close reason', () => {
    const manual = errorsManual()
    for (const [code, { http }] of Object.entries(errorTable)) expect(manual).toContain(`| \`${code}\` | ${http} |`)
    for (const [reason, { graphqlWs, socketCluster }] of Object.entries(closeReasons)) {
      expect(manual).toContain(`| \`${reason}\` | ${graphqlWs} | ${socketCluster} |`)
    }
  })
})
