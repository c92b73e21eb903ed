import type { ReactNode } from 'react'
import { copyText } from '../copy.tsx'
import { Icon } from '../icon.tsx'

/** More is shown on request only, in characters. */
export const shownLength = 64 * 1024

/** A text with a title and a button that copies all of it. `children`: what is shown of it. */
export function CodePanel({
  text,
  title,
  className,
  children,
}: {
  text: string
  title: string
  className?: string
  children: ReactNode
}) {
  return (
    <>
      <section className={className === undefined ? 'code' : `code ${className}`} tabIndex={0} aria-label={title}>
        <div className="bar-top">
          <span>{title}</span>
          <button className="btn ghost sm" type="button" onClick={() => void copyText(text)}>
            <Icon name="copy" />
            Copy
          </button>
        </div>
        <pre>{children}</pre>
      </section>
      {text.length > shownLength && <p className="small faint">The first 64 KiB. Copy has all that was loaded.</p>}
    </>
  )
}
