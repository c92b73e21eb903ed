import { useMemo } from 'react'
import { copyText } from './copy.tsx'
import { Icon } from './icon.tsx'
import { jsonPieces, type Piece } from './json-text.ts'

const classes = { key: 'ck', string: 'cs', number: 'cn', word: 'cw', plain: '' } as const
/** More is shown on request only, in characters. */
const shownLength = 64 * 1024

/** A body as it was published: numbers keep their digits. `mark`: the offending character. */
export function BodyView({
  text,
  title,
  mark,
  indent = true,
  note,
}: {
  text: string
  title: string
  mark?: number | undefined
  indent?: boolean
  note?: string | undefined
}) {
  const pieces = useMemo(
    () => jsonPieces(text.slice(0, shownLength), { indent: indent && mark === undefined }),
    [text, indent, mark],
  )
  return (
    <>
      <section className="code" tabIndex={0} aria-label={title}>
        <div className="bar-top">
          <span>{title}</span>
          <button className="btn ghost sm" type="button" onClick={() => void copyText(text)}>
            <Icon name="copy" />
            Copy
          </button>
        </div>
        <pre>
          {pieces.map((piece, index) => (
            <PieceView piece={piece} mark={mark} key={index} />
          ))}
          {mark !== undefined && mark >= text.length && <mark> </mark>}
        </pre>
      </section>
      {text.length > shownLength && <p className="small faint">The first 64 KiB. Copy has all that was loaded.</p>}
      {note !== undefined && <p className="small faint">{note}</p>}
    </>
  )
}

function PieceView({ piece: { text, kind, at }, mark }: { piece: Piece; mark: number | undefined }) {
  if (mark === undefined || mark < at || mark >= at + text.length)
    return kind === 'plain' ? text : <span className={classes[kind]}>{text}</span>
  const place = mark - at
  return (
    <span className={classes[kind]}>
      {text.slice(0, place)}
      <mark>{text.slice(place, place + 1)}</mark>
      {text.slice(place + 1)}
    </span>
  )
}
