import { type ReactElement, useId } from 'react'

/** Drawn on a grid of 16, with one line width. */
const shapes = {
  ban: (
    <>
      <circle cx="8" cy="8" r="6.2" />
      <path d="m3.7 3.7 8.6 8.6" />
    </>
  ),
  book: (
    <path d="M8 4C6.5 2.8 4.5 2.5 2 2.7v9.6c2.5-.2 4.5.1 6 1.3 1.5-1.2 3.5-1.5 6-1.3V2.7C11.5 2.5 9.5 2.8 8 4Zm0 0v9.6" />
  ),
  bulb: (
    <path d="M6 11.5h4M6.5 13.8h3M8 1.8a4.2 4.2 0 0 0-2.5 7.5c.4.4.5 1.2.5 2.2h4c0-1 .1-1.8.5-2.2A4.2 4.2 0 0 0 8 1.8Z" />
  ),
  clients: (
    <>
      <circle cx="6" cy="5.2" r="2.4" />
      <path d="M1.5 13.3c.3-2.7 2-4.2 4.5-4.2s4.2 1.5 4.5 4.2M10.6 3.2a2.2 2.2 0 0 1 0 4.1M12 9.6c1.5.6 2.3 1.9 2.5 3.7" />
    </>
  ),
  config: (
    <>
      <path d="M2 4.5h6M12 4.5h2M2 11.5h2M8 11.5h6" />
      <circle cx="10" cy="4.5" r="1.9" />
      <circle cx="6" cy="11.5" r="1.9" />
    </>
  ),
  copy: (
    <>
      <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
      <path d="M10.5 5.5V4A1.5 1.5 0 0 0 9 2.5H4A1.5 1.5 0 0 0 2.5 4v5A1.5 1.5 0 0 0 4 10.5h1.5" />
    </>
  ),
  down: <path d="m3.5 6 4.5 4.5L12.5 6" />,
  edit: <path d="M10.3 3.2 12.8 5.7 5.5 13H3v-2.5l7.3-7.3Z" />,
  explorer: (
    <>
      <rect x="1.8" y="2.5" width="12.4" height="11" rx="1.5" />
      <path d="m4.5 6 2.2 2-2.2 2M8.5 10.3h3" />
    </>
  ),
  fail: (
    <>
      <circle cx="8" cy="8" r="6.2" />
      <path d="m5.8 5.8 4.4 4.4M10.2 5.8l-4.4 4.4" />
    </>
  ),
  filter: <path d="M2 3h12l-4.6 5.4V13l-2.8-1.5V8.4L2 3Z" />,
  flow: (
    <>
      <path d="M2 8h4M6 8c3 0 2.5-4.5 5-4.5M6 8c3 0 2.5 4.5 5 4.5M6 8h5" />
      <circle cx="12.8" cy="3.5" r="1.5" />
      <circle cx="12.8" cy="8" r="1.5" />
      <circle cx="12.8" cy="12.5" r="1.5" />
    </>
  ),
  journal: (
    <>
      <path d="M3 2.5h8.5a1.5 1.5 0 0 1 1.5 1.5v9.5H4.5A1.5 1.5 0 0 1 3 12V2.5Z" />
      <path d="M3 11.8c0-.9.7-1.3 1.5-1.3H13M6 5.5h4M6 7.8h2.5" />
    </>
  ),
  key: (
    <>
      <circle cx="5" cy="11" r="2.8" />
      <path d="m7 9 6-6M11 5l1.7 1.7M9.3 6.7l1.2 1.2" />
    </>
  ),
  live: <path d="M1.5 8.5h2.7l1.9-5 3.3 9 1.9-5.5.7 1.5h2.5" />,
  lock: (
    <>
      <rect x="3" y="7" width="10" height="7" rx="1.5" />
      <path d="M5.3 7V5a2.7 2.7 0 0 1 5.4 0v2" />
    </>
  ),
  lostid: (
    <>
      <path d="m8 1.6 6.4 6.4L8 14.4 1.6 8 8 1.6Z" />
      <path d="M6.6 6.5c.1-1 .7-1.4 1.5-1.4s1.5.5 1.5 1.3c0 1.1-1.5 1.1-1.5 2.3M8.1 10.9v.1" />
    </>
  ),
  more: <path d="M3.5 8h.1M8 8h.1M12.5 8h.1" strokeWidth="2.2" />,
  ok: (
    <>
      <circle cx="8" cy="8" r="6.2" />
      <path d="m5.3 8.2 1.9 1.9 3.6-4" />
    </>
  ),
  pause: <path d="M5.5 3.5v9M10.5 3.5v9" />,
  phone: (
    <>
      <rect x="4.5" y="1.5" width="7" height="13" rx="1.5" />
      <path d="M7.5 12h1" />
    </>
  ),
  play: <path d="M5 3.2v9.6L12.6 8 5 3.2Z" />,
  plus: <path d="M8 3v10M3 8h10" />,
  poison: (
    <>
      <path d="M5.2 1.8h5.6l3.4 3.4v5.6l-3.4 3.4H5.2l-3.4-3.4V5.2l3.4-3.4Z" />
      <path d="M8 4.8v3.7M8 11v.1" />
    </>
  ),
  quiet: <circle cx="8" cy="8" r="6.2" strokeDasharray="2.2 2.2" />,
  repeat: (
    <>
      <circle cx="6" cy="8" r="4.2" />
      <path d="M9.3 4a4.2 4.2 0 1 1 0 8" />
    </>
  ),
  replicas: (
    <>
      <rect x="2" y="2.3" width="12" height="4.6" rx="1.3" />
      <rect x="2" y="9.1" width="12" height="4.6" rx="1.3" />
      <path d="M4.7 4.6h.1M4.7 11.4h.1M8 4.6h3.3M8 11.4h3.3" />
    </>
  ),
  room: <path d="M2 3.5h9v6.5H6l-2.5 2V10H2V3.5ZM13 6.5h1v6.5h-1.5v1.7L10.3 13H7" />,
  schema: (
    <path d="M6 2.5c-2 0-1.7 1.3-1.7 2.7C4.3 7 3.5 7.5 2.5 8c1 .5 1.8 1 1.8 2.8 0 1.4-.3 2.7 1.7 2.7M10 2.5c2 0 1.7 1.3 1.7 2.7 0 1.8.8 2.3 1.8 2.8-1 .5-1.8 1-1.8 2.8 0 1.4.3 2.7-1.7 2.7" />
  ),
  search: (
    <>
      <circle cx="7" cy="7" r="4.6" />
      <path d="m10.5 10.5 3.5 3.5" />
    </>
  ),
  send: <path d="M14 2 7.3 8.7M14 2l-4.2 12-2.5-5.3L2 6.2 14 2Z" />,
  sources: (
    <path d="M8 1.8v6.4M5.3 5.6 8 8.3l2.7-2.7M2 9.5v3A1.5 1.5 0 0 0 3.5 14h9a1.5 1.5 0 0 0 1.5-1.5v-3h-3.2l-1 1.7H6.2l-1-1.7H2Z" />
  ),
  sun: (
    <>
      <circle cx="8" cy="8" r="2.8" />
      <path d="M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9" />
    </>
  ),
  trace: (
    <>
      <circle cx="3.3" cy="12.5" r="1.6" />
      <circle cx="12.7" cy="3.5" r="1.6" />
      <path d="M4.9 12.5h5.4a2.3 2.3 0 0 0 0-4.6H5.7a2.2 2.2 0 0 1 0-4.4h5.4" />
    </>
  ),
  trash: <path d="M2.5 4.5h11M6 4.5v-2h4v2M4 4.5l.7 9h6.6l.7-9" />,
  unplug: (
    <path d="m2 14 2.5-2.5M11.5 4.5 14 2M4.2 8.5l3.3 3.3-1 1a2.3 2.3 0 0 1-3.3-3.3l1-1ZM11.8 7.5 8.5 4.2l1-1a2.3 2.3 0 0 1 3.3 3.3l-1 1Z" />
  ),
  up: <path d="M8 13V3.5M4 7.3l4-4 4 4" />,
  wait: (
    <>
      <circle cx="8" cy="8" r="6.2" />
      <path d="M8 4.6V8l2.3 1.5" />
    </>
  ),
  warn: (
    <>
      <path d="M8 2 14.6 13.5H1.4L8 2Z" />
      <path d="M8 6.5v3M8 11.5v.1" />
    </>
  ),
  x: <path d="m4 4 8 8M12 4l-8 8" />,
} satisfies Record<string, ReactElement>

export type IconName = keyof typeof shapes

export function Icon({ name, className = '' }: { name: IconName; className?: string }) {
  return (
    <svg className={`ico ${className}`} viewBox="0 0 16 16" aria-hidden="true">
      {shapes[name]}
    </svg>
  )
}

/** The same inside a picture, at a place. */
export function PictureIcon({
  name,
  x,
  y,
  size = 14,
  tone,
}: {
  name: IconName
  x: number
  y: number
  size?: number
  tone: string
}) {
  return (
    <svg className={tone} x={x} y={y} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      <g className="ico-in">{shapes[name]}</g>
    </svg>
  )
}

/** The mark: one entrance, three tunnels. */
export function Mark() {
  // A mask in a hidden part of the page hides what uses it, so each mark has its own.
  const id = useId()
  return (
    <svg viewBox="0 0 64 64" aria-hidden="true">
      <mask id={id} maskUnits="userSpaceOnUse" x="0" y="0" width="64" height="64">
        <rect width="64" height="64" rx="15" fill="#fff" />
        <circle cx="32" cy="64" r="15" />
        <path
          d="M32 60V-4M32 60C32 42 12 38 12 -6M32 60C32 42 52 38 52 -6"
          fill="none"
          stroke="#000"
          strokeWidth="6.5"
        />
      </mask>
      <rect width="64" height="64" rx="15" fill="currentColor" mask={`url(#${id})`} />
    </svg>
  )
}
