import { type IncomingHttpHeaders, request } from 'node:http'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/**
 * Sends one request with exactly these headers, because fetch does not send every `Host` and
 * `Origin`. An array sends a header twice.
 */
export function ask(
  url: string,
  options: { method?: string; headers?: Readonly<Record<string, string | string[]>>; body?: string } = {},
): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = options
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
        // An event stream does not end.
        if (response.headers['content-type']?.startsWith('text/event-stream')) {
          outgoing.destroy()
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })
        }
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
    })
    outgoing.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: '' })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** The headers of a WebSocket upgrade (RFC 6455 §1.3). */
export const upgrade = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}
