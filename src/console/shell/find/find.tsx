import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { Modal } from '../../parts/dialog.tsx'
import { Icon } from '../../parts/icon.tsx'
import { go, Link } from '../router.tsx'
import { foundFor } from './found.ts'
import { useAnswers } from './use-answers.ts'

/** Takes anything: a client id, a message id, a cursor, an offset, a view. */
export function Find({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('')
  const [chosen, setChosen] = useState(0)
  // Enter was pressed before the gateway had answered: the best match is not known yet.
  const [isEntered, setEntered] = useState(false)
  const { answers, isSettled } = useAnswers(text.trim())
  const found = foundFor(text, answers)
  const at = Math.min(chosen, found.length - 1)
  const open = useRef((): void => undefined)
  open.current = () => {
    const target = found[at]
    if (!target) return
    go(target.view, target.params)
    onClose()
  }
  useEffect(() => {
    if (isEntered && isSettled) open.current()
  }, [isEntered, isSettled])
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined) {
      event.preventDefault()
      setChosen((at + step + found.length) % Math.max(1, found.length))
    }
    if (event.key !== 'Enter') return
    if (isSettled || chosen !== 0) open.current()
    else setEntered(true)
  }
  return (
    <Modal title="Find" onClose={onClose} className="cmdk">
      <input
        className="input"
        placeholder="Find a client, message id, text of a body, cursor, view"
        aria-label="Find"
        role="combobox"
        aria-expanded="true"
        aria-controls="found"
        aria-activedescendant={found.length > 0 ? `found-${at}` : undefined}
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          setChosen(0)
          setEntered(false)
        }}
        onKeyDown={onKeyDown}
      />
      <div id="found" role="listbox" aria-label="Found" aria-busy={!isSettled} className="found">
        {found.map(({ title, hint, icon, view, params }, index) => (
          <Link
            id={`found-${index}`}
            className={index === at ? 'on' : ''}
            role="option"
            aria-selected={index === at}
            tabIndex={-1}
            to={view}
            params={params}
            onClick={onClose}
            key={`${view} ${title} ${hint}`}
          >
            <Icon name={icon} />
            <span className="cut">{title}</span>
            <span>{hint}</span>
          </Link>
        ))}
      </div>
    </Modal>
  )
}
