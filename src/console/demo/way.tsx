import type { ReactNode } from 'react'
import { Icon } from '../parts/icon.tsx'
import type { ShopView } from './follow-shop.ts'

type Well = 'well' | 'ill' | 'waits'

/** The shop, the gateway, the network and this page, each with its state. */
export function Way({ view, onKill, onCut }: { view: ShopView; onKill: () => void; onCut: () => void }) {
  const { figures, isConnected, tally } = view
  const isUp = figures !== undefined && figures.gateway !== null
  const isCut = figures?.isCut === true
  const waiting = figures ? figures.made - figures.confirmed : 0
  const queue = isUp || waiting < 2 ? 'publishes' : `${waiting} messages wait`
  return (
    <ol className="way" aria-label="The way of a message">
      <Place name="The shop" state={waiting < 2 ? 'well' : 'waits'} text={queue} detail="another process" />
      <Place
        name="The gateway"
        state={isUp ? 'well' : 'ill'}
        text={isUp ? 'runs' : 'is being started'}
        detail={isUp ? `process ${figures.gateway}` : 'no process'}
      >
        <button type="button" className="btn danger solid" aria-disabled={!isUp} onClick={isUp ? onKill : undefined}>
          Kill the gateway
        </button>
      </Place>
      <Place
        name="The network"
        state={isCut ? 'ill' : 'well'}
        text={isCut ? 'is cut' : 'works'}
        detail={isCut ? 'for 5 seconds' : 'a WebSocket'}
      >
        <button type="button" className="btn danger solid" aria-disabled={isCut} onClick={isCut ? undefined : onCut}>
          Cut the network
        </button>
      </Place>
      <Place
        name="This page"
        state={isConnected ? 'well' : 'waits'}
        text={isConnected ? 'is connected' : 'connects again'}
        detail={tally.first === undefined ? 'no message yet' : `after change ${tally.last}`}
      />
    </ol>
  )
}

function Place(props: { name: string; state: Well; text: string; detail: string; children?: ReactNode }) {
  const { name, state, text, detail, children } = props
  return (
    <li className={`place ${state}`}>
      <h2>{name}</h2>
      <p className="state">
        <Icon name={state === 'well' ? 'ok' : state === 'ill' ? 'fail' : 'wait'} />
        {text}
      </p>
      <p className="detail">{detail}</p>
      {children}
    </li>
  )
}
