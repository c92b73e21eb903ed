import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { openSealedKey } from '../../src/auth/sealed-key.ts'
import { ControlSignature } from '../../src/brokers/control-signature.ts'
import { DeploymentKeys } from '../../src/core/clients/deployment-keys.ts'
import { CursorCodec, fingerprintOf } from '../../src/core/model/cursor.ts'
import type { JournalMessage } from '../../src/core/model/message.ts'
import { reviveSource } from '../../src/core/model/source.ts'
import { noteOf } from '../../src/core/ports/journal.ts'
import { openEmbeddedRegistry } from '../../src/registries/embedded-registry.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'

/** What 0.1.0 (commit c3ac5e6) wrote; `record.ts` records it. */
const fixtures = fileURLToPath(new URL('./0.1.0', import.meta.url))
const recorded = JSON.parse(readFileSync(join(fixtures, 'recorded.json'), 'utf8'))
const hour = 60 * 60_000
const message = {
  ...recorded.message,
  body: Buffer.from(recorded.message.body, 'base64'),
  mark: false,
  redelivered: false,
  receivedAt: recorded.recordedAt,
} as JournalMessage

let folder: string
let registry: Awaited<ReturnType<typeof openEmbeddedRegistry>>
let keys: DeploymentKeys

// Control messages and cursors without a key are accepted for a limited time.
beforeAll(async () => {
  folder = newFolder()
  copyFileSync(join(fixtures, 'warren.db'), join(folder, 'warren.db'))
  registry = await openEmbeddedRegistry(folder)
  keys = await DeploymentKeys.open(registry)
  jest.spyOn(Date, 'now').mockReturnValue(recorded.recordedAt)
})

afterAll(async () => {
  jest.restoreAllMocks()
  await registry.close()
  removeFolder(folder)
})

describe('what release 0.1.0 wrote is read by this release', () => {
  test.each(['after', 'before', 'withoutKey'])('a cursor (%s)', (form) => {
    expect(new CursorCodec(keys, hour).parse(recorded.cursors[form])).toMatchObject({
      epoch: recorded.epoch,
      offset: message.offset,
      before: form === 'before',
      fingerprint: fingerprintOf(message),
    })
  })

  test('the sources, bars and key of its registry', async () => {
    expect(await registry.listSources()).toEqual([reviveSource(recorded.source)])
    expect(await registry.findClientBar('carol')).toMatchObject({ clientId: 'carol', banned: true })
    expect(openSealedKey(recorded.sealedKey, recorded.jwtSecret)?.secret).toEqual(keys.current.secret)
  })

  test('the notes of its marks', () => {
    const notes = recorded.marks.map((text: string) => noteOf({ ...message, mark: true, body: Buffer.from(text) }))
    expect(notes).toEqual([
      { kind: 'source-created', source: recorded.source },
      { kind: 'source-deleted', id: recorded.source.id },
    ])
    expect(reviveSource(notes[0].source)).toBeDefined()
  })

  test('its control messages, as signed ones', () => {
    const signature = new ControlSignature(keys)
    for (const { message: sent, wire } of recorded.control) {
      const received = signature.read(wire)
      expect(received?.isSigned).toBe(true)
      expect(JSON.parse(JSON.stringify(received))).toEqual({ isSigned: true, message: sent })
    }
  })
})
