import { Dialog as Headless } from 'radix-ui'
import { type FormEvent, type ReactNode, useState } from 'react'
import { Failure } from '../api/graphql.ts'
import { Icon } from './icon.tsx'

interface Confirmation {
  readonly title: string
  readonly children: ReactNode
  /** The verb on the button. */
  readonly verb: string
  /** To be typed before the action is possible, because it cannot be undone. */
  readonly typed?: string | undefined
  /** Rejects with a `Failure` if the gateway refuses. */
  act: () => Promise<void>
  onClose: () => void
}

/**
 * Asks before an action that hurts: names the thing, what follows, and whether it can be undone.
 * The focus is on *Keep*, or on the field to type into.
 */
export function Confirm({ title, children, verb, typed, act, onClose }: Confirmation) {
  const [text, setText] = useState('')
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string>()
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    if (typed !== undefined && text !== typed) return
    setBusy(true)
    setFailure(undefined)
    try {
      await act()
      onClose()
    } catch (error) {
      setFailure(error instanceof Failure ? error.message : String(error))
      setBusy(false)
    }
  }
  return (
    <Modal title={title} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <div className="dlg-in">
          <Headless.Title asChild>
            <h2>{title}</h2>
          </Headless.Title>
          <div className="stack">{children}</div>
          {typed !== undefined && (
            <div className="field">
              <label htmlFor="confirm-name">
                Type <strong>{typed}</strong> to confirm
              </label>
              <input
                id="confirm-name"
                className="input mono"
                autoComplete="off"
                spellCheck={false}
                value={text}
                onChange={(event) => setText(event.target.value)}
              />
            </div>
          )}
          {failure !== undefined && (
            <p className="small fail" role="alert">
              {failure}
            </p>
          )}
        </div>
        <div className="dlg-foot">
          <button className="btn" type="button" onClick={onClose}>
            Keep
          </button>
          <button
            className={`btn danger solid ${busy ? 'busy' : ''}`}
            type="submit"
            disabled={busy || (typed !== undefined && text !== typed)}
          >
            {verb}
          </button>
        </div>
      </form>
    </Modal>
  )
}

/** A dialog over the page. `wide`: for lists. */
export function Modal({
  title,
  children,
  onClose,
  className = '',
}: {
  title: string
  children: ReactNode
  onClose: () => void
  className?: string
}) {
  return (
    <Headless.Root open onOpenChange={(open) => !open && onClose()}>
      <Headless.Portal>
        {/* The overlay of the library would insert a style element, which the policy refuses. */}
        <div className="scrim" aria-hidden="true" />
        <Headless.Content className={`dialog ${className}`} aria-label={title} aria-describedby={undefined}>
          {children}
        </Headless.Content>
      </Headless.Portal>
    </Headless.Root>
  )
}

/** A detail beside a list; on a phone a sheet from below. Escape closes it. */
export function Drawer({
  title,
  children,
  footer,
  onClose,
}: {
  title: string
  children: ReactNode
  footer?: ReactNode
  onClose: () => void
}) {
  return (
    <aside
      className="drawer"
      aria-label={title}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose()
      }}
    >
      <div className="detail">{children}</div>
      {footer && <footer>{footer}</footer>}
    </aside>
  )
}

export function CloseButton({ label = 'Close', onClick }: { label?: string; onClick: () => void }) {
  return (
    <button className="btn ghost icon sm" type="button" aria-label={label} onClick={onClick}>
      <Icon name="x" />
    </button>
  )
}
