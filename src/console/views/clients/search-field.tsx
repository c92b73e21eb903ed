import { useEffect, useState } from 'react'
import { Icon } from '../../parts/icon.tsx'
import { usePaused } from '../../shell/find/use-paused.ts'

/** How long typing must pause before the gateway is asked, in milliseconds. */
const pauseMs = 250

export function SearchField({
  label,
  placeholder,
  value,
  onChange,
}: {
  label: string
  placeholder: string
  value: string
  onChange: (text: string) => void
}) {
  const [text, setText] = useState(value)
  const settled = usePaused(text, pauseMs)
  useEffect(() => {
    if (settled !== value) onChange(settled)
    // Only what was typed counts: a changed address comes back as `value`.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [settled])
  useEffect(() => setText(value), [value])
  return (
    <label className="search grow">
      <span className="sr">{label}</span>
      <Icon name="search" />
      <input
        className="input"
        data-filter=""
        type="search"
        placeholder={placeholder}
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') event.currentTarget.blur()
        }}
      />
    </label>
  )
}
