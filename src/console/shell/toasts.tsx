import { useSyncExternalStore } from 'react'

interface Toast {
  readonly id: number
  readonly text: string
  readonly action: { readonly label: string; run: () => void } | undefined
}

const listeners = new Set<() => void>()
const shownMs = 6_000
let toasts: readonly Toast[] = []
let lastId = 0

/** Reports what an action did. Errors stay at their field or in a banner instead. */
export function toast(text: string, action?: Toast['action']): void {
  lastId += 1
  const id = lastId
  // Three at most, the newest ones.
  change([...toasts, { id, text, action }].slice(-3))
  setTimeout(() => change(toasts.filter((one) => one.id !== id)), shownMs)
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => toasts,
  )
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map(({ id, text, action }) => (
        <div className="toast" key={id}>
          {text}
          {action && (
            <button type="button" onClick={() => action.run()}>
              {action.label}
            </button>
          )}
        </div>
      ))}
    </div>
  )
}

function change(next: readonly Toast[]): void {
  toasts = next
  for (const listener of listeners) listener()
}
