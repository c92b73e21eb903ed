import { useMemo } from 'react'
import { CodePanel, shownLength } from './code-panel.tsx'

const lexeme = /"""[\s\S]*?"""|"(?:[^"\\\n]|\\.)*"|#[^\n]*|@\w+|\w+|[^\w"#@]+|./gu
const keywords = new Set(
  'type interface union enum scalar input extend schema directive implements on repeatable query mutation subscription'.split(
    ' ',
  ),
)

/** SDL with colours. `marks`: lines with a problem, from 1. */
export function SdlView({ text, title, marks }: { text: string; title: string; marks?: ReadonlySet<number> }) {
  const pieces = useMemo(() => sdlPieces(text.slice(0, shownLength)), [text])
  return (
    <CodePanel text={text} title={title} className="sdl">
      {pieces.map(({ text: part, className, line }, index) =>
        className === '' && !marks?.has(line) ? (
          part
        ) : (
          <span className={className} key={index}>
            {marks?.has(line) && part.trim() !== '' ? <mark>{part}</mark> : part}
          </span>
        ),
      )}
    </CodePanel>
  )
}

interface Piece {
  readonly text: string
  readonly className: string
  readonly line: number
}

/** Pieces of one colour each. */
function sdlPieces(text: string): readonly Piece[] {
  let line = 1
  return [...text.matchAll(lexeme)].map(({ 0: part, index }) => {
    const piece = {
      text: part,
      className: classOf(part, text.slice(index + part.length, index + part.length + 40)),
      line,
    }
    line += part.split('\n').length - 1
    return piece
  })
}

function classOf(part: string, after: string): string {
  if (part.startsWith('#') || part.startsWith('"""')) return 'cc'
  if (part.startsWith('"')) return 'cs'
  if (part.startsWith('@')) return 'cn'
  if (!/^\w/.test(part)) return ''
  if (keywords.has(part) && !/^\s*[:(]/.test(after)) return 'cw'
  return /^[A-Z]/.test(part) ? 'cs' : 'ck'
}
