import { Fact } from '../../parts/fact.tsx'
import { bytes, count, duration, plural } from '../../parts/format.ts'
import { useStats } from '../../shell/stats.tsx'

/** What the gateways are connected to, and what the journal holds. */
export function Broker() {
  const { broker } = useStats()
  if (!broker) return null
  const { nodes, journal, quarantined } = broker
  return (
    <section className="panel mt" aria-labelledby="broker-title">
      <header>
        <h2 id="broker-title">Broker</h2>
        <span className="more">{nodes.length === 0 ? 'in the gateway process' : nodes[0]?.cluster}</span>
      </header>
      <div className="pad">
        <dl className="kv">
          {nodes.map((node) => (
            <Fact key={node.address} name={node.address}>
              {node.product} {node.version}, {plural(node.connections, 'connection')}
            </Fact>
          ))}
          {journal && (
            <>
              <Fact name="Journal">
                offsets {count(journal.firstOffset)} to {count(journal.lastOffset)}
              </Fact>
              <Fact name="Retention">
                {duration(journal.retention.maxAgeMs)} or {bytes(journal.retention.maxBytes)}
              </Fact>
              <Fact name="Slowest reader">
                {journal.oldestNeeded === null
                  ? 'no client reads the journal'
                  : `offset ${count(journal.oldestNeeded)}, ${plural(journal.entriesLeft ?? 0, 'entry', 'entries')} before it`}
              </Fact>
            </>
          )}
          <Fact name="Quarantine">{quarantined === null ? 'not known' : plural(quarantined, 'message')}</Fact>
        </dl>
      </div>
    </section>
  )
}
