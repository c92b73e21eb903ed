import { execFile } from 'node:child_process'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import Database from 'libsql'
import { openRegistry } from '../../src/registries/open-registry.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { positionSuite } from './position-suite.ts'
import { newClient, newSource, registrySuite } from './registry-suite.ts'

const run = promisify(execFile)

const newPlace = () => {
  const folder = newFolder()
  return Promise.resolve({
    open: () => openRegistry({ dataDir: join(folder, 'data') }),
    remove: () => Promise.resolve(removeFolder(folder)),
  })
}
registrySuite('SQLite', newPlace)
positionSuite('SQLite', newPlace)

async function inFolder(check: (folder: string) => Promise<void>): Promise<void> {
  const folder = newFolder()
  try {
    await check(folder)
  } finally {
    removeFolder(folder)
  }
}

describe('the embedded registry', () => {
  test('makes its directory and its files readable for their owner only', () =>
    inFolder(async (folder) => {
      const dataDir = join(folder, 'deep', 'data')
      const registry = await openRegistry({ dataDir })
      await registry.addClient(newClient('alice'))
      const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)
      expect(await modeOf(dataDir)).toBe('700')
      expect(await modeOf(join(dataDir, 'warren.db'))).toBe('600')
      expect(await modeOf(join(dataDir, 'warren.db-wal'))).toBe('600')
      await registry.close()
    }))

  test('names the directory if it cannot be written', () =>
    inFolder(async (folder) => {
      await writeFile(join(folder, 'file'), '')
      for (const dataDir of [join(folder, 'file'), join(folder, 'file', 'data')]) {
        const sentence = `the registry cannot be kept in the data directory ${dataDir}: `
        await expect(openRegistry({ dataDir })).rejects.toThrow(sentence)
      }
    }))

  test('names the file if it is not a database', () =>
    inFolder(async (folder) => {
      const dataDir = join(folder, 'data')
      await mkdir(dataDir)
      await writeFile(join(dataDir, 'warren.db'), 'not a database, but long enough to be looked at'.repeat(100))
      await expect(openRegistry({ dataDir })).rejects.toThrow(
        `the registry in ${join(dataDir, 'warren.db')} cannot be opened: file is not a database`,
      )
    }))

  test("has committed what it acknowledges, even if it had to wait for another's lock", () =>
    inFolder(async (folder) => {
      const registry = await openRegistry({ dataDir: folder })
      const other = new Database(join(folder, 'warren.db'))
      other.exec('begin immediate')
      const added = registry.addClient(newClient('alice'))
      expect(await registry.findClient('alice')).toBeUndefined()
      other.exec('commit')
      await added
      await registry.addClient(newClient('bob'))
      expect(other.prepare('select client_id from warren_clients order by 1').all([])).toMatchObject([
        { client_id: 'alice' },
        { client_id: 'bob' },
      ])
      other.close()
      await registry.close()
    }))

  test('gives up if a row cannot be stored and cannot be read', () =>
    inFolder(async (folder) => {
      const registry = await openRegistry({ dataDir: folder })
      const other = new Database(join(folder, 'warren.db'))
      const source = newSource()
      await registry.addSource(source)
      // Text that is later than every date, and no date.
      other.exec("update warren_sources set created_at = 'zzz'")
      await expect(registry.renewSource(source)).rejects.toThrow(
        `the registry could not store source ${source.id}: its row is invalid, or is added and removed elsewhere`,
      )
      for (const table of ['warren_clients', 'warren_sources'])
        other.exec(`create trigger ignore_${table} before insert on ${table} begin select raise(ignore); end`)
      other.exec('delete from warren_sources')
      await expect(registry.addClient(newClient('alice'))).rejects.toThrow('could not store client "alice"')
      await expect(registry.addSource(source)).rejects.toThrow(`could not store source ${source.id}`)
      other.close()
      await registry.close()
    }))

  test('opens in processes that start at the same moment without a file, and they share it', () =>
    inFolder(async (folder) => {
      const dataDir = join(folder, 'data')
      const program = `
        import Database from 'libsql'
import { openRegistry } from ${JSON.stringify(import.meta.resolve('../../src/registries/open-registry.ts'))}
        const registry = await openRegistry({ dataDir: ${JSON.stringify(dataDir)} })
        for (let n = 0; n < 50; n++) {
          const createdAt = new Date()
          const { created } = await registry.addClient({ clientId: 'c' + n, name: '', email: '', passwordHash: '', createdAt })
          console.log(created)
        }
        await registry.close()`
      const outputs = await Promise.all(
        Array.from({ length: 3 }, () =>
          run(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program]),
        ),
      )
      const created = outputs.flatMap(({ stdout }) => stdout.trim().split('\n'))
      expect(created).toHaveLength(150)
      expect(created.filter((one) => one === 'true')).toHaveLength(50)
    }))
})
