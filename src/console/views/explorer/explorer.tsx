import 'graphiql/style.css'
import './explorer.css'
import { GraphiQL } from 'graphiql'
import { type ComponentProps, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { Head } from '../../parts/states.tsx'
import { useSession } from '../../shell/session.tsx'
import { themeNow, useSettings } from '../../shell/settings.ts'
import { repairNames } from './accessible-names.ts'
import { EventList } from './event-list.tsx'
import { EventLog } from './event-log.ts'
import { examples } from './examples.ts'
import { createFetcher } from './fetcher.ts'

/** GraphiQL describes observables with more overloads than it calls. */
type Fetcher = ComponentProps<typeof GraphiQL>['fetcher']

const prefix = 'warren.explorer.'

/** Apart from GraphiQL at `/graphql`, which may have the same origin. */
const storage = {
  getItem: (key: string) => localStorage.getItem(prefix + key),
  setItem: (key: string, value: string) => localStorage.setItem(prefix + key, value),
  removeItem: (key: string) => localStorage.removeItem(prefix + key),
  clear: () => {
    for (const key of ownKeys()) localStorage.removeItem(key)
  },
  get length() {
    return ownKeys().length
  },
}

function ownKeys(): string[] {
  return Object.keys(localStorage).filter((key) => key.startsWith(prefix))
}

export default function Explorer() {
  useSettings()
  const { mayChange } = useSession()
  const [log] = useState(() => new EventLog())
  const [fetcher] = useState(() => createFetcher(log) as Fetcher)
  useEffect(() => () => log.hide(), [log])
  const root = useRef<HTMLDivElement>(null)
  useEffect(() => (root.current ? repairNames(root.current) : undefined), [])
  const showsEvents = useSyncExternalStore(log.listen, () => log.state() !== undefined)
  return (
    <>
      <Head
        title="Explorer"
        sub={
          <>
            GraphQL of this gateway with your token,{' '}
            {mayChange ? 'mutations included' : 'which may not change anything'}. A subscription shows every event with
            its time.
          </>
        }
      />
      <div ref={root} className={`explorer ${showsEvents ? 'with-events' : ''}`}>
        <GraphiQL
          fetcher={fetcher}
          storage={storage}
          defaultTabs={[...examples]}
          forcedTheme={themeNow()}
          isHeadersEditorEnabled={false}
          showPersistHeadersSettings={false}
          shouldPersistHeaders={false}
        >
          <GraphiQL.Logo>
            <span className="sr">GraphiQL</span>
          </GraphiQL.Logo>
          <GraphiQL.Footer>
            <EventList log={log} />
          </GraphiQL.Footer>
        </GraphiQL>
      </div>
    </>
  )
}
