/**
 * The sample subscriber of the old relay, with the published SocketCluster client: requests a
 * channel of its own over HTTP, subscribes to it, and prints what arrives. For tests and as a
 * starting point, not for production: the password is visible.
 *
 *     node examples/subscriber/subscriber.mjs alice [http://127.0.0.1:4000] [password]
 */
import process from 'node:process'
import socketCluster from 'socketcluster-client'

const [clientId = 'alice', url = 'http://127.0.0.1:4000', password = 'correct horse'] = process.argv.slice(2)

const response = await fetch(`${url}/v1/create-channel-client`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ clientId, name: clientId, email: `${clientId}@example.com`, password }),
})
const { channel, token, error } = await response.json()
if (error) throw new Error(`the gateway refused: ${error.message}`)

const { hostname, port, protocol } = new URL(url)
const socket = socketCluster.create({ hostname, port: Number(port || 80), secure: protocol === 'https:' })

async function each(stream, listener) {
  for await (const item of stream) listener(item)
}

void each(socket.listener('error'), ({ error }) => console.error(error.message))
// When the client reconnects, it sends its token and subscribes again by itself.
await socket.authenticate(token)
const subscription = socket.subscribe(channel)
void each(subscription.listener('subscribe'), () => console.log(`listening to ${channel}`))
void each(subscription.listener('subscribeFail'), ({ error }) => console.error(error.message))
void each(subscription.listener('kickOut'), ({ message }) => console.error(`no longer listening: ${message}`))
for await (const data of subscription) console.log(JSON.stringify(data))
