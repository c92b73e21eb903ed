import { useEffect, useRef } from 'react'
import { Modal } from '../parts/dialog.tsx'
import { views } from './navigation.ts'
import { go } from './router.tsx'
import { changeSettings, useSettings } from './settings.ts'

/** How long after `G` the letter of a view counts, in milliseconds. */
const goMs = 1_200
const never = Number.NEGATIVE_INFINITY

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable)
}

/** The keys of the whole console. Views add their own with `useKeys`. */
export function useGlobalKeys({ onFind, onHelp }: { onFind: () => void; onHelp: () => void }): void {
  const { letterKeys } = useSettings()
  const goSince = useRef(never)
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        return onFind()
      }
      if (letterKeys === 'off' || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return
      if (document.querySelector('[role=dialog]')) return
      if (event.key === '/') {
        const filter = document.querySelector<HTMLInputElement>('[data-filter]')
        if (filter) event.preventDefault()
        filter?.focus()
        return
      }
      if (event.key === '?') return onHelp()
      const key = event.key.toLowerCase()
      const target = views.find((view) => view.key === key)
      // When the key was pressed, which a busy page notices later.
      if (event.timeStamp - goSince.current < goMs && target) {
        // The key is used up: a view must not act on it as well.
        event.stopImmediatePropagation()
        goSince.current = never
        return go(target.id)
      }
      goSince.current = key === 'g' ? event.timeStamp : never
    }
    addEventListener('keydown', onKey, { capture: true })
    return () => removeEventListener('keydown', onKey, { capture: true })
  }, [letterKeys, onFind, onHelp])
}

/** Keys of a view, by `KeyboardEvent.key`. Not while text is typed or a dialog is open. */
export function useKeys(keys: Readonly<Record<string, (event: KeyboardEvent) => void>>): void {
  const { letterKeys } = useSettings()
  const latest = useRef(keys)
  latest.current = keys
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return
      if (letterKeys === 'off' && event.key.length === 1) return
      if (document.querySelector('[role=dialog]')) return
      // A focused button acts itself.
      if ((event.key === ' ' || event.key === 'Enter') && event.target instanceof HTMLButtonElement) return
      const act = latest.current[event.key]
      if (!act) return
      event.preventDefault()
      act(event)
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [letterKeys])
}

const general = [
  ['Ctrl K or ⌘ K', 'find a client, message, cursor or view'],
  ['/', 'filter'],
  ['J K or ↑ ↓', 'next and previous row'],
  ['Enter', 'open the row'],
  ['T', 'trace the message'],
  ['Space', 'pause and resume'],
  ['C', 'copy the cursor'],
  ['Esc', 'close'],
] as const

export function KeyHelp({ onClose }: { onClose: () => void }) {
  const { letterKeys } = useSettings()
  return (
    <Modal title="Keys" onClose={onClose}>
      <div className="dlg-in">
        <h2>Keys</h2>
        <dl className="kv">
          {[...general, ...views.map(({ key, title }) => [`G ${key.toUpperCase()}`, title] as const)].map(
            ([key, what]) => (
              <div className="kv-row" key={key}>
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{what}</dd>
              </div>
            ),
          )}
        </dl>
        <label className="tick">
          <input
            type="checkbox"
            checked={letterKeys === 'on'}
            onChange={(event) => changeSettings({ letterKeys: event.target.checked ? 'on' : 'off' })}
          />
          <span>Single letters act as keys</span>
        </label>
      </div>
      <div className="dlg-foot">
        <button className="btn" type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Modal>
  )
}
