import { type FormEvent, useState } from 'react'
import { Icon } from '../../parts/icon.tsx'
import { type Params, useParams } from '../../shell/router.tsx'

const places = [
  ['time', 'Time', 'such as 2026-11-28T14:26:51Z'],
  ['cursor', 'Cursor', 'A cursor, as a subscription gives it'],
  ['offset', 'Offset', 'such as 1298214374'],
  ['id', 'Message id', 'such as order-17-created'],
] as const
type PlaceName = (typeof places)[number][0]

/** Goes to a place by time, cursor, offset or message id. */
export function PlaceForm({ go: turn }: { go: (to: Params) => void }) {
  const [params] = useParams()
  const [by, setBy] = useState<PlaceName>(() => places.find(([name]) => params.has(name))?.[0] ?? 'time')
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const place = new FormData(event.currentTarget).get('place')
    const text = typeof place === 'string' ? place.trim() : ''
    turn(text === '' ? {} : { [by]: by === 'offset' ? text.replaceAll(',', '') : text })
  }
  const [, label, example] = places.find(([name]) => name === by) ?? places[0]
  return (
    <form className="filters" onSubmit={submit}>
      <div className="seg" role="group" aria-label="Go to a place by">
        {places.map(([name, title]) => (
          <button type="button" aria-pressed={name === by} onClick={() => setBy(name)} key={name}>
            {title}
          </button>
        ))}
      </div>
      <label className="search grow">
        <span className="sr">{label}</span>
        <Icon name="search" />
        <input
          className="input mono"
          name="place"
          placeholder={example}
          autoComplete="off"
          spellCheck={false}
          defaultValue={params.get(by) ?? ''}
          key={`${by} ${params.get(by) ?? ''}`}
        />
      </label>
      <button className="btn main-act" type="submit">
        Go there
      </button>
      <button className="btn" type="button" onClick={() => turn({})}>
        Newest
      </button>
    </form>
  )
}
