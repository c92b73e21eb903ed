import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/**
 * A local socket of jest's main process, for what test files in other processes share. Starts it
 * when a test file first asks, because most runs of one file do not need it.
 *
 * `start` resolves to what the askers get. Its failure is theirs.
 */
export async function openDoor(path: string, start: () => Promise<string>): Promise<{ close(): void }> {
  let started: Promise<string> | undefined
  const answer = async () => {
    try {
      return JSON.stringify({ value: await start() })
    } catch (error) {
      return JSON.stringify({ reason: error instanceof Error ? error.message : String(error) })
    }
  }
  const server = createServer((socket) => {
    socket.on('error', () => {})
    started ??= answer()
    void started.then((text) => socket.end(text))
  })
  server.listen(path)
  await once(server, 'listening')
  server.unref()
  return { close: () => server.close() }
}

export async function askAtDoor(path: string): Promise<string> {
  let answer = ''
  for await (const chunk of connect(path).setEncoding('utf8')) answer += String(chunk)
  if (answer === '') throw new Error('The process that keeps what test files share went away.')
  const { value, reason } = JSON.parse(answer) as { readonly value?: string; readonly reason?: string }
  if (value === undefined) throw new Error(reason)
  return value
}
