/**
 * Serves the map of some couriers:
 *
 *     node --import tsx examples/delivery-map/serve.ts <token> [courier …]
 *
 * PORT sets another port than 8080.
 */
import { localGateway, servePage } from '../serve-page.ts'

const [token, ...given] = process.argv.slice(2)
if (!token) {
  console.error('expected a token, such as: "$(npx warren token --scope map:read)"')
  process.exit(2)
}
const couriers = given.length > 0 ? given : ['c-1', 'c-2', 'c-3']
await servePage(new URL('page', import.meta.url), { gateway: localGateway, token, couriers }, 'The map')
