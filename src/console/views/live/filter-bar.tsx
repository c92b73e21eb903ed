import { type KeyboardEvent, useState } from 'react'
import { FilterToken } from '../../parts/filter-token.tsx'
import { Icon } from '../../parts/icon.tsx'
import { useParams } from '../../shell/router.tsx'
import { type FilterWord, parseFilter } from './filter.ts'

/**
 * Tokens `word:value`, which the address holds. Text without one of the `words` is a value of
 * `plain`.
 */
export function FilterBar({
  words,
  plain,
  placeholder,
}: {
  words: readonly FilterWord[]
  plain: FilterWord
  placeholder: string
}) {
  const [params, change] = useParams()
  const [text, setText] = useState('')
  const tokens = words.flatMap((word) => {
    const value = params.get(word)
    return value === null ? [] : [[word, value] as const]
  })
  const add = (): void => {
    const parsed = parseFilter(text, words, plain)
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
        <FilterToken word={word} value={value} onRemove={() => change({ [word]: undefined })} key={word} />
      ))}
      <input
        data-filter=""
        aria-label="Filter messages"
        placeholder={tokens.length === 0 ? placeholder : ''}
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
