import { Icon } from '../../parts/icon.tsx'
import { Link } from '../../shell/router.tsx'
import type { Concern } from './concerns-of.ts'

export function Concerns({ concerns }: { concerns: readonly Concern[] }) {
  return (
    <section className="panel ov-al" aria-labelledby="concerns-title">
      <header>
        <h2 id="concerns-title">Needs a look</h2>
        <span className="more">{concerns.length}</span>
      </header>
      {concerns.length === 0 && (
        <p className="pad muted">Nothing. Replicas are at the journal’s end, and no message lacks a client.</p>
      )}
      <ul className="rows">
        {concerns.map(({ tone, icon, title, text, link, view, params }) => (
          <li key={title}>
            <span className={tone}>
              <Icon name={icon} />
            </span>
            <div className="grow">
              <strong className="strong">{title}</strong>
              <p>{text}</p>
            </div>
            <Link className="act" to={view} params={params}>
              {link}
            </Link>
          </li>
        ))}
      </ul>
    </section>
  )
}
