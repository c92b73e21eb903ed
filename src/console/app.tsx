import { Suspense, useEffect, useRef, useState } from 'react'
import { type Failure, whenSignedOut } from './api/graphql.ts'
import { resume, useProviderSession } from './api/provider-session.ts'
import { claimsOf, onSignIn, useToken } from './api/token.ts'
import { Empty, Loading, PanelSkeleton } from './parts/states.tsx'
import { ErrorBoundary } from './shell/error-boundary.tsx'
import { Frame } from './shell/frame.tsx'
import { viewOf } from './shell/navigation.ts'
import { Link, useView } from './shell/router.tsx'
import { SessionProvider } from './shell/session.tsx'
import { SignIn, SignInAgain } from './shell/sign-in.tsx'
import { StatsProvider } from './shell/stats.tsx'
import { viewComponents } from './shell/view-components.ts'

export function App() {
  const token = useToken()
  const [rejected, setRejected] = useState<Failure>()
  const { asking, ended } = useProviderSession()
  useEffect(() => {
    whenSignedOut(async (failure) => {
      // After a sleep, the token is old, and the session may still be good.
      if (!(await resume())) setRejected(failure)
    })
    return onSignIn(() => setRejected(undefined))
  }, [])
  if (token === undefined) return asking ? null : <SignIn problem={undefined} />
  return (
    <SessionProvider claims={claimsOf(token)}>
      <StatsProvider>
        <Page />
      </StatsProvider>
      {(rejected ?? ended) && <SignInAgain problem={rejected?.message} />}
    </SessionProvider>
  )
}

function Page() {
  const id = useView()
  const view = viewOf(id)
  const Component = view && viewComponents[view.id]
  const shown = useRef(id)
  // The next Tab is then for the view, and not for the navigation that led to it.
  useEffect(() => {
    if (shown.current === id) return
    shown.current = id
    document.getElementById('main')?.focus()
  }, [id])
  return (
    <Frame view={view}>
      <ErrorBoundary key={id}>
        <Suspense
          fallback={
            <Loading>
              <PanelSkeleton />
            </Loading>
          }
        >
          {Component ? <Component /> : <UnknownView id={id} />}
        </Suspense>
      </ErrorBoundary>
    </Frame>
  )
}

function UnknownView({ id }: { id: string }) {
  return (
    <div className="panel">
      <Empty
        title="There is no such view"
        action={
          <Link className="btn" to="">
            Go to the overview
          </Link>
        }
      >
        The address names the view “{id}”, which this version of Warren does not have.
      </Empty>
    </div>
  )
}
