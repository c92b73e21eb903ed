import { Copy } from '../../parts/copy.tsx'
import { CloseButton, Drawer } from '../../parts/dialog.tsx'
import { Fact } from '../../parts/fact.tsx'
import { none } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { Banner } from '../../parts/states.tsx'
import type { ShownOption } from './option-filter.ts'
import { originText } from './option-origin.ts'

/** An option: what it means, what is allowed, and its value on each replica. */
export function OptionDetail({ option, onClose }: { option: ShownOption; onClose: () => void }) {
  const { name, value, replicas, mayDiffer } = option
  const differs = option.differs && !mayDiffer
  return (
    <Drawer title={`Option ${name}`} onClose={onClose}>
      <header>
        <div className="line-up between nw">
          <h2 className="mono cut">{name}</h2>
          <CloseButton onClick={onClose} />
        </div>
        <span className="muted small">{option.group}</span>
      </header>
      <section className="stack">
        {differs && (
          <Banner tone="wait" icon="warn">
            <strong>The replicas have different values.</strong> Unless they are being replaced, give them the same one.
          </Banner>
        )}
        {option.needsRestart && (
          <Banner tone="wait" icon="warn">
            <strong>A new value was read.</strong> It applies after a restart.
          </Banner>
        )}
        <p>{option.help}</p>
        <dl className="kv">
          <Fact name="Value">
            {value === null ? (
              <span className="muted">not set: {option.unset}</span>
            ) : option.secret && value === '***' ? (
              <Masked />
            ) : (
              <Copy value={value} label={name}>
                {value}
              </Copy>
            )}
          </Fact>
          <Fact name="From">{originText(option)}</Fact>
          {option.file !== null && (
            <Fact name="File">
              <code className="mono small">{option.file}</code>
            </Fact>
          )}
          <Fact name="Default">
            {option.default === null ? (
              <span className="muted">{option.unset ?? none}</span>
            ) : (
              <code className="mono small">{option.default}</code>
            )}
          </Fact>
          <Fact name="Allowed">{option.expected}</Fact>
          <Fact name="New values apply">{option.reload ? 'at SIGHUP' : 'after a restart'}</Fact>
          <Fact name="Flag">
            <code className="mono small">{option.flag}</code>
          </Fact>
          {option.fileVariable !== null && (
            <Fact name="From a file">
              <code className="mono small">{option.fileVariable}</code>
            </Fact>
          )}
        </dl>
      </section>
      <section>
        <h3>On each replica</h3>
        <ul className="rows">
          {replicas.map(({ replica, value: there, needsRestart }) => (
            <li key={replica}>
              <div className="grow">
                <strong className="strong">{replica}</strong>
                {needsRestart && <p>a new value applies after a restart</p>}
              </div>
              <span className="mono small option-there">{there ?? 'not set'}</span>
            </li>
          ))}
        </ul>
        {differs && new Set(replicas.map((one) => one.value)).size === 1 && (
          <p className="small muted">The values differ though they look the same here: secrets are masked.</p>
        )}
      </section>
    </Drawer>
  )
}

export function Masked() {
  return (
    <span className="line-up nw muted">
      <Icon name="lock" />
      <span>secret, never shown</span>
    </span>
  )
}
