import { type KeyboardEvent, useState } from 'react'
import { Icon } from '../../parts/icon.tsx'
import { useParams } from '../../shell/router.tsx'
import { filterWords, parseFilter } from './filter.ts'

/** Tokens `word:value`, which the address holds. Free text searches the body. */
export function FilterBar() {
  const [params, change] = useParams()
  const [text, setText] = useState('')
  const tokens = filterWords.flatMap((word) => {
    const value = params.get(word)
    return value === null ? [] : [[word, value] as const]
  })
  const add = (): void => {
    const parsed = parseFilter(text)
    if (!parsed) return
    change({ [parsed[0]]: parsed[1] })
    setText('')
  }
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.key === 'Enter') add()
    if (event.key === 'Escape') event.currentTarget.blur()
    const last = tokens.at(-1)
    if (event.key === 'Backspace' && text === '' && last) {
      change({ [last[0]]: undefined })
      setText(`${last[0]}:${last[1]}`)
      event.preventDefault()
    }
  }
  return (
    <div className="query">
      <Icon name="search" />
      {tokens.map(([word, value]) => (
        <span className="token" key={word}>
          <b>{word}:</b>
          {value}
          <button type="button" aria-label={`Remove the filter ${word}`} onClick={() => change({ [word]: undefined })}>
            ×
          </button>
        </span>
      ))}
      <input
        data-filter=""
        aria-label="Filter messages"
        placeholder={tokens.length === 0 ? 'client:alice  key:orders.#  exchange:orders  or text of the body' : ''}
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
        onBlur={add}
      />
    </div>
  )
}
