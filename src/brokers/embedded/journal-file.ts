import { randomBytes } from 'node:crypto'
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import type { Message } from '../../core/model/message.ts'

/** An entry of the journal as the file keeps it. Its offset follows from its place. */
export interface StoredEntry {
  readonly mark: boolean
  readonly message: Message
}

export interface StoredJournal {
  readonly epoch: string
  /** The offset of the first entry. */
  readonly first: number
  readonly entries: readonly StoredEntry[]
}

/** The first record of a file. */
interface FileHead {
  readonly epoch: string
  /** The offset of its first entry. */
  readonly first: number
}

/** A record is its length, as four bytes, and a value in the format of `node:v8`. */
const lengthBytes = 4

/**
 * The entries of an embedded journal in a folder, for the next process. A write ends in the memory
 * of the operating system, so entries survive a process that is killed, and not a machine that
 * stops. There are two files of at most half of `maxBytes`; when the newer one is full, the older
 * one is deleted.
 */
export class JournalFile {
  readonly #newer: string
  readonly #older: string
  readonly #maxFileBytes: number
  #descriptor: number | undefined
  #epoch = ''
  #bytes = 0

  constructor(folder: string, { maxBytes }: { maxBytes: number }) {
    mkdirSync(folder, { recursive: true })
    this.#newer = join(folder, 'journal')
    this.#older = join(folder, 'journal.older')
    this.#maxFileBytes = maxBytes / 2
  }

  /**
   * Reads what earlier processes wrote, and opens the file for `append`. If there is nothing to
   * read, a new journal begins. Called once.
   */
  open(): StoredJournal {
    const newer = readRecords(this.#newer)
    if (newer.head === undefined) return this.#begin()
    const { epoch } = newer.head
    this.#epoch = epoch
    this.#descriptor = openSync(this.#newer, 'r+')
    // A process that was killed while it wrote leaves a part of a record, which it never confirmed.
    ftruncateSync(this.#descriptor, newer.bytes)
    this.#bytes = newer.bytes
    const older = readRecords(this.#older)
    const continues = older.head?.epoch === epoch && older.head.first + older.entries.length === newer.head.first
    return continues && older.head
      ? { epoch, first: older.head.first, entries: [...older.entries, ...newer.entries] }
      : { epoch, first: newer.head.first, entries: newer.entries }
  }

  /** Throws the error of the file system. Then nothing was written. */
  append(offset: number, entry: StoredEntry): void {
    if (this.#bytes >= this.#maxFileBytes) this.#beginFile(offset)
    this.#write(entry)
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }

  #begin(): StoredJournal {
    rmSync(this.#newer, { force: true })
    rmSync(this.#older, { force: true })
    this.#epoch = randomBytes(8).toString('hex')
    this.#createFile(0)
    return { epoch: this.#epoch, first: 0, entries: [] }
  }

  #beginFile(first: number): void {
    this.close()
    renameSync(this.#newer, this.#older)
    this.#createFile(first)
  }

  #createFile(first: number): void {
    this.#descriptor = openSync(this.#newer, 'w+')
    this.#bytes = 0
    this.#write({ epoch: this.#epoch, first } satisfies FileHead)
  }

  #write(value: FileHead | StoredEntry): void {
    if (this.#descriptor === undefined) throw new Error('the journal is not open')
    const payload = serialize(value)
    const record = Buffer.allocUnsafe(lengthBytes + payload.length)
    record.writeUInt32BE(payload.length)
    payload.copy(record, lengthBytes)
    try {
      for (let written = 0; written < record.length; )
        written += writeSync(this.#descriptor, record, written, record.length - written, this.#bytes + written)
    } catch (error) {
      ftruncateSync(this.#descriptor, this.#bytes)
      throw error
    }
    this.#bytes += record.length
  }
}

/** The complete records at the beginning of the file. No head: there is no such file, or none. */
function readRecords(path: string): { head: FileHead | undefined; entries: StoredEntry[]; bytes: number } {
  const content = contentOf(path)
  const records: unknown[] = []
  let bytes = 0
  while (bytes + lengthBytes <= content.length) {
    const end = bytes + lengthBytes + content.readUInt32BE(bytes)
    if (end > content.length) break
    records.push(deserialize(content.subarray(bytes + lengthBytes, end)))
    bytes = end
  }
  const [head, ...entries] = records
  return { head: head as FileHead | undefined, entries: entries as StoredEntry[], bytes }
}

function contentOf(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}
