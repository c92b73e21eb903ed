import { endWhenSilent } from '@warren/client'
import { useLatest } from '@warren/react'
import { type Client, createClient } from 'graphql-ws'
import { createRoot } from 'react-dom/client'

interface CourierMoved {
  readonly x: number
  readonly y: number
  readonly step: number
}

/**
 * `last: 1` begins with the newest position, also of a courier that stands still. `every` sends at
 * most five a second of the fifty that a courier reports, always the newest.
 */
const courierMoved = `subscription CourierMoved($courierId: ID!, $after: Cursor, $last: Int) {
  courierMoved(courierId: $courierId, after: $after, last: $last, every: "200ms", checkpoints: true) { x y step }
}`

/** One subscription a courier; all share the socket of the client. */
function Courier({ client, id }: { readonly client: Client; readonly id: string }) {
  const variables = { courierId: id, last: 1 }
  const { value, connection } = useLatest<CourierMoved>(client, { query: courierMoved, variables })
  if (!value) return null
  return (
    <g role="img" aria-label={id} data-step={value.step} opacity={connection === 'live' ? 1 : 0.3}>
      <circle cx={value.x} cy={value.y} r="2" />
      <text x={value.x + 3} y={value.y + 1} fontSize="4">
        {id}
      </text>
    </g>
  )
}

const settings = document.querySelector('#settings')?.textContent ?? '{}'
const { gateway, token, couriers } = JSON.parse(settings) as { gateway: string; token: string; couriers: string[] }
const client = createClient({
  url: gateway.replace(/^http/, 'ws'),
  connectionParams: { token },
  retryAttempts: 0, // The hooks resume.
  keepAlive: 10_000,
})
endWhenSilent(client)
const root = document.querySelector('#root')
if (!root) throw new Error('expected an element #root')
createRoot(root).render(
  <svg viewBox="0 0 100 100" width="600" height="600" style={{ border: '1px solid' }}>
    <title>Couriers</title>
    {couriers.map((id) => (
      <Courier key={id} client={client} id={id} />
    ))}
  </svg>,
)
