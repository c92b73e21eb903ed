/**
 * A publisher of the old relay, with the published SocketCluster client: publishes one message, and
 * prints a line when RabbitMQ has it.
 *
 *     node examples/publisher/publisher.mjs alice '{"hello": "world"}' [token] [http://127.0.0.1:4000]
 *
 * The token has the scope `publish` (`npx warren token --scope publish`). Without one, the program
 * requests it at /jwt, which gives it with WARREN_LEGACY_ACCESS=open.
 */
import process from 'node:process'
import socketCluster from 'socketcluster-client'

const [channel = 'alice', text = '{"hello": "world"}', given, url = 'http://127.0.0.1:4000'] = process.argv.slice(2)

const { hostname, port, protocol } = new URL(url)
const socket = socketCluster.create({ hostname, port: Number(port || 80), secure: protocol === 'https:' })
try {
  await socket.authenticate(given || (await (await fetch(`${url}/jwt`)).json()).token)
  await socket.invokePublish(channel, JSON.parse(text))
  console.log(`published to ${channel}`)
} finally {
  socket.disconnect()
}
