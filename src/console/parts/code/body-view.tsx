import { useMemo } from 'react'
import { CodePanel, shownLength } from './code-panel.tsx'
import { jsonPieces, type Piece } from './json-text.ts'

const classes = { key: 'ck', string: 'cs', number: 'cn', word: 'cw', plain: '' } as const

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
      <CodePanel text={text} title={title}>
        {pieces.map((piece, index) => (
          <PieceView piece={piece} mark={mark} key={index} />
        ))}
        {mark !== undefined && mark >= text.length && <mark> </mark>}
      </CodePanel>
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
