import { DropdownMenu } from 'radix-ui'
import { type ReactNode, useState } from 'react'
import { signOut } from '../api/provider-session.ts'
import { Icon, Mark } from '../parts/icon.tsx'
import { Banner } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { Find } from './find/find.tsx'
import { KeyHelp, useGlobalKeys } from './keys.tsx'
import { type View, views } from './navigation.ts'
import { Link } from './router.tsx'
import { useSession } from './session.tsx'
import { changeSettings, themeNow, useSettings } from './settings.ts'
import { useStats } from './stats.tsx'
import { Toasts } from './toasts.tsx'

const groups = [undefined, 'Watch', 'Define', 'Run'] as const
/** The bottom bar of a phone. */
const tabs = ['', 'live', 'trace', 'clients'] as const

/** Navigation, find, state and settings around a view. */
export function Frame({ view, children }: { view: View | undefined; children: ReactNode }) {
  const [open, setOpen] = useState<'find' | 'keys'>()
  useGlobalKeys({ onFind: () => setOpen('find'), onHelp: () => setOpen('keys') })
  const { mayChange } = useSession()
  return (
    <div className="app">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <Side view={view} />
      <header className="top">
        <Link className="mark" to="" aria-label="Overview">
          <Mark />
        </Link>
        <button className="find" type="button" onClick={() => setOpen('find')}>
          <Icon name="search" />
          <span>Find a client, message id, cursor, view</span>
          <kbd>Ctrl K</kbd>
        </button>
        <div className="right">
          <LiveBadge />
          <ZoneSwitch />
          <ThemeSwitch />
          <Account />
        </div>
      </header>
      <main id="main" className={`main ${view?.fills ? 'fill' : ''}`} tabIndex={-1}>
        {!mayChange && (
          <p className="sr" id="read-only-note">
            Your token has the scope observe. This needs the scope operator.
          </p>
        )}
        <BrokerBanner />
        {children}
      </main>
      <TabBar view={view} />
      {open === 'find' && <Find onClose={() => setOpen(undefined)} />}
      {open === 'keys' && <KeyHelp onClose={() => setOpen(undefined)} />}
      <Toasts />
    </div>
  )
}

function Side({ view }: { view: View | undefined }) {
  return (
    <nav className="side" aria-label="Views">
      <Link className="brand" to="">
        <Mark />
        <span className="word">Warren</span>
      </Link>
      <div className="nav">
        {groups
          .filter((group) => views.some((one) => one.group === group))
          .map((group) => (
            <div key={group ?? ''}>
              {group && <h2>{group}</h2>}
              <ul>
                {views
                  .filter((one) => one.group === group)
                  .map((one) => (
                    <li key={one.id}>
                      <Link to={one.id} title={one.title} aria-current={one === view ? 'page' : undefined}>
                        <Icon name={one.icon} />
                        <span>{one.title}</span>
                        <Badge view={one.id} />
                      </Link>
                    </li>
                  ))}
              </ul>
            </div>
          ))}
      </div>
      <BrokerLine />
    </nav>
  )
}

/** Only on what somebody has to do. */
function Badge({ view }: { view: string }) {
  const { broker } = useStats()
  const quarantined = broker?.quarantined ?? 0
  if (view !== 'quarantine' || quarantined === 0) return null
  return (
    <span className="count" title={`${quarantined} in the quarantine`}>
      {quarantined > 999 ? '999+' : quarantined}
    </span>
  )
}

function BrokerLine() {
  const { broker, brokerAwaySince, version } = useStats()
  return (
    <div className="foot">
      {broker && (
        <div title={broker.reason ?? undefined}>
          <i className={`pulse ${brokerAwaySince ? 'fail' : ''}`} />
          Broker {brokerAwaySince ? 'away' : 'up'}
        </div>
      )}
      {version !== undefined && <div className="faint">Warren {version}</div>}
    </div>
  )
}

/** On every view, because none has anything new while the broker is away. */
function BrokerBanner() {
  const { broker, brokerAwaySince } = useStats()
  if (!brokerAwaySince) return null
  return (
    <Banner tone="fail" icon="fail">
      <strong>
        The broker is away since <Time at={brokerAwaySince.toISOString()} ms={false} />.
      </strong>{' '}
      Clients stay connected, and get what was confirmed when it is back. Publishing answers BROKER_UNAVAILABLE. The
      gateway tries again by itself. <span className="muted">{broker?.reason}</span>
    </Banner>
  )
}

function LiveBadge() {
  const { stats, state, brokerAwaySince } = useStats()
  const all = stats?.replicas.filter((replica) => replica.state !== 'ENDED').length ?? 0
  const answering = all - (stats?.unanswered.length ?? 0)
  const look = ((): { tone: string; text: string } => {
    if (state === 'paused') return { tone: 'wait', text: 'Paused' }
    if (state === 'lost') return { tone: 'fail', text: 'Gateway away, trying again' }
    if (state === 'refused') return { tone: 'fail', text: 'Not signed in' }
    if (!stats) return { tone: 'wait', text: 'Connecting' }
    if (brokerAwaySince) return { tone: 'fail', text: 'Broker away' }
    if (answering < all) return { tone: 'wait', text: `${answering} of ${all} replicas answer` }
    return { tone: '', text: all === 1 ? 'Live, 1 replica' : `Live, ${answering} of ${all} replicas` }
  })()
  return (
    <span className={`live ${look.tone}`} role="status" title={look.text}>
      <i className={`pulse ${look.tone}`} />
      <span>{look.text}</span>
    </span>
  )
}

function ZoneSwitch() {
  const { zone } = useSettings()
  return (
    <button
      className="btn ghost sm hide-phone"
      type="button"
      title="Time zone of all times in the console"
      onClick={() => changeSettings({ zone: zone === 'utc' ? 'local' : 'utc' })}
    >
      {zone === 'utc' ? 'UTC' : 'Local'}
    </button>
  )
}

function ThemeSwitch() {
  useSettings()
  return (
    <button
      className="btn ghost icon"
      type="button"
      aria-label={themeNow() === 'dark' ? 'Use the light theme' : 'Use the dark theme'}
      onClick={() => changeSettings({ theme: themeNow() === 'dark' ? 'light' : 'dark' })}
    >
      <Icon name="sun" />
    </button>
  )
}

function Account() {
  const { name, mayChange, expiresAt } = useSession()
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="btn ghost sm">
        <span className="hide-phone">{name}</span> <span className="tag">{mayChange ? 'operator' : 'observe'}</span>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
          <DropdownMenu.Label className="menu-label">
            {expiresAt ? (
              <>
                The token is valid until <Time at={expiresAt} ms={false} />
              </>
            ) : (
              'The token does not expire'
            )}
          </DropdownMenu.Label>
          <DropdownMenu.Item className="menu-item" onSelect={() => void signOut()}>
            <Icon name="key" />
            Sign out
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

function TabBar({ view }: { view: View | undefined }) {
  const shown = views.filter(({ id }) => tabs.some((tab) => tab === id))
  const rest = views.filter((one) => !shown.includes(one))
  return (
    <nav className="tabbar" aria-label="Views">
      {shown.map((one) => (
        <Link to={one.id} aria-current={one === view ? 'page' : undefined} key={one.id}>
          <Icon name={one.icon} />
          {one.title}
        </Link>
      ))}
      <DropdownMenu.Root modal={false}>
        <DropdownMenu.Trigger aria-current={view && rest.includes(view) ? 'page' : undefined}>
          <Icon name="more" />
          More
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content className="menu" align="end" side="top" sideOffset={4}>
            {rest.map((one) => (
              <DropdownMenu.Item asChild key={one.id}>
                <Link className="menu-item" to={one.id}>
                  <Icon name={one.icon} />
                  {one.title}
                </Link>
              </DropdownMenu.Item>
            ))}
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
    </nav>
  )
}
