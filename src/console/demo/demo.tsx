import { useSyncExternalStore } from 'react'
import type { FollowedShop, ShopView } from './follow-shop.ts'
import { Changes, Moments } from './lists.tsx'
import { Picture } from './picture.tsx'
import { sums } from './tally.ts'
import { Way } from './way.tsx'

/** The page of `npm run demo`: two buttons that break things, and a count of what was lost. */
export function Demo({ shop }: { shop: FollowedShop }) {
  const view = useSyncExternalStore(shop.onChange, shop.view)
  return (
    <main className="demo">
      <header>
        <p className="brand">
          <img src="/console/favicon.svg" alt="" width="20" height="20" /> Warren, the demo
        </p>
        <h1>Kill the gateway. Nothing is lost.</h1>
        <p className="lead">
          A shop publishes four changes of Grace’s orders a second, and numbers them. This page is Grace’s browser.
          Break what is between the two, and count.
        </p>
      </header>
      {view.failure !== undefined && (
        <p className="alert" role="alert">
          The subscription ended: {view.failure}. Reload the page.
        </p>
      )}
      <Way view={view} onKill={shop.kill} onCut={shop.cut} />
      <Counters view={view} />
      <Picture view={view} />
      <div className="lists">
        <Moments moments={view.moments} />
        <Changes changes={view.changes} />
      </div>
      <WhatIsReal />
    </main>
  )
}

function Counters({ view: { tally, figures } }: { view: ShopView }) {
  const { published, underWay } = sums(tally, figures?.confirmed ?? 0)
  return (
    <dl className="counters" aria-label="Counters since this page was opened">
      <Counter name="Published" value={published} note="confirmed to the shop" />
      <Counter name="Received" value={tally.received} note="by this page" />
      <Counter name="On the way" value={underWay} note="still in the journal" />
      <Counter name="Doubled" value={tally.doubled} note="received again" promise />
      <Counter name="Lost" value={tally.lost.size} note="skipped numbers" promise />
    </dl>
  )
}

/** `promise`: Warren promises that it stays zero. */
function Counter({ name, value, note, promise }: { name: string; value: number; note: string; promise?: boolean }) {
  const state = promise ? (value === 0 ? 'kept' : 'broken') : ''
  return (
    <div className={state}>
      <dt>{name}</dt>
      <dd>
        <strong data-counter={name}>{value}</strong>
        <span>{note}</span>
      </dd>
    </div>
  )
}

function WhatIsReal() {
  return (
    <details className="real" open>
      <summary>What is real here, and what RabbitMQ does instead</summary>
      <ul>
        <li>
          <b>Kill the gateway</b> sends SIGKILL to its process: no goodbye to clients, no flush. Another process starts
          it again, as Kubernetes or systemd would.
        </li>
        <li>
          <b>Cut the network</b> resets the connection of this page without a close frame, and each new one for five
          seconds. The shop goes on publishing.
        </li>
        <li>
          There is no RabbitMQ here. The gateway writes each message to a file before it confirms and delivers it, so
          the journal survives the process. In production, that journal is a RabbitMQ stream on its own machines.
        </li>
        <li>
          While no gateway runs, the shop keeps its messages and publishes them again until they are confirmed, with an
          idempotency key. So a message that was stored just before the kill is not doubled. With RabbitMQ, the shop
          would publish to it all the time and not notice the kill.
        </li>
        <li>
          The page subscribes with <code>@warren/client</code>. It remembers the cursor of the last message, and after a
          lost connection it continues there. It counts with the shop’s numbers: a skipped number is lost, a repeated
          one is doubled.
        </li>
        <li>The published figure comes from the shop, over a second connection, which the buttons do not touch.</li>
      </ul>
    </details>
  )
}
