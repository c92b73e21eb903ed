/**
 * Serves the inbox of a client on one of its devices:
 *
 *     node --import tsx examples/inbox/serve.ts <client> <device> <token>
 *
 * PORT sets another port than 8080. The name of the device is that of its position.
 */
import { localGateway, servePage } from '../serve-page.ts'

const [clientId, device, token] = process.argv.slice(2)
if (!clientId || !device || !token) {
  console.error('expected a client, a device and a token: alice phone "$(npx warren token --client alice)"')
  process.exit(2)
}
const settings = { gateway: localGateway, clientId, device, token }
await servePage(new URL('page', import.meta.url), settings, `The inbox of ${clientId} on the ${device}`)
