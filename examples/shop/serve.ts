/**
 * Serves the page of one customer:
 *
 *     node --import tsx examples/shop/serve.ts <customer> <token> [GraphQL endpoint]
 *
 * PORT sets another port than 8080.
 */
import { localGateway, servePage } from '../serve-page.ts'

const [customerId, token, gateway = localGateway] = process.argv.slice(2)
if (!customerId || !token) {
  console.error('expected a customer and a token, such as: alice "$(npx warren token --client alice)"')
  process.exit(2)
}
await servePage(new URL('page', import.meta.url), { gateway, customerId, token }, `The shop of ${customerId}`)
