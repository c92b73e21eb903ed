import type { ReactNode } from 'react'

/** A labelled field for a name or a pattern. `options`: what it suggests; `children`: hints. */
export function TextField({
  id,
  label,
  value,
  onChange,
  options,
  describedBy,
  children,
}: {
  id: string
  label: string
  value: string
  onChange: (value: string) => void
  options?: readonly string[]
  describedBy?: string
  children?: ReactNode
}) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className="input mono"
        autoComplete="off"
        spellCheck={false}
        list={options && `${id}-options`}
        value={value}
        aria-describedby={describedBy}
        onChange={(event) => onChange(event.target.value)}
      />
      {options && (
        <datalist id={`${id}-options`}>
          {options.map((option) => (
            <option value={option} key={option} />
          ))}
        </datalist>
      )}
      {children}
    </div>
  )
}

/** Names that may have been meant. A click chooses one. */
export function NearNames({ names, choose }: { names: readonly string[]; choose: (name: string) => void }) {
  if (names.length === 0) return null
  return (
    <>
      {' Did you mean '}
      {names.slice(0, 3).map((name) => (
        <button type="button" className="row-button strong" onClick={() => choose(name)} key={name}>
          {name}?{' '}
        </button>
      ))}
    </>
  )
}
