import { ApolloClient, gql, InMemoryCache } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { ApolloProvider, useSubscription } from '@apollo/client/react'
import subscriptions3 from 'apollo-client-3/link/subscriptions/subscriptions.cjs'
import apollo3 from 'apollo-client-3/main.cjs'
import { createClient } from 'graphql-ws'
import { createElement, type FunctionComponent, useEffect } from 'react'
import { createRoot } from 'react-dom/client'
import type { Errors, Shown } from './client.ts'

/** What the page is asked to render, and where it reports each rendered state. */
export interface Rendering {
  /** Of its root, and of what it reports. */
  readonly id: string
  readonly apollo: 3 | 4
  readonly url: string
  readonly token: string | undefined
  readonly text: string
  readonly variables: Record<string, unknown>
}

interface Page {
  readonly document: { createElement(name: string): Parameters<typeof createRoot>[0] }
  /** Given by the test. */
  readonly shown: (id: string, state: Shown<unknown>) => void
  render?: (rendering: Rendering) => void
  /** Ends what was rendered, with its connection. */
  unmount?: (id: string) => void
}

interface State {
  readonly data?: unknown
  readonly error?: (Error & { errors?: Errors; graphQLErrors?: Errors }) | undefined
  readonly loading: boolean
}

const page = globalThis as unknown as Page

/** A component that reports each state of the hook which React has rendered. */
function reporting(id: string, use: () => State): FunctionComponent {
  return () => {
    const { data, error, loading } = use()
    useEffect(() => {
      if (loading) return
      const errors = [...(error?.errors ?? error?.graphQLErrors ?? [])]
      // A lost connection, for example.
      if (error && errors.length === 0) errors.push({ message: String(error) })
      page.shown(id, { data, errors })
    }, [data, error, loading])
    return null
  }
}

const ends = new Map<string, () => void>()

page.render = ({ id, apollo, url, token, text, variables }) => {
  // React renders into an element that is in no document, too.
  const root = createRoot(page.document.createElement('div'))
  const socket = createClient({ url, connectionParams: { token }, retryAttempts: 0 })
  ends.set(id, () => {
    root.unmount()
    void socket.dispose()
  })
  if (apollo === 4) {
    const client = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() })
    const child = createElement(reporting(id, () => useSubscription(gql(text), { variables })))
    root.render(createElement(ApolloProvider, { client, children: child }))
  } else {
    const link = new subscriptions3.GraphQLWsLink(socket)
    const client = new apollo3.ApolloClient({ link, cache: new apollo3.InMemoryCache() })
    const child = createElement(reporting(id, () => apollo3.useSubscription(apollo3.gql(text), { variables })))
    root.render(createElement(apollo3.ApolloProvider, { client, children: child }))
  }
}

page.unmount = (id) => ends.get(id)?.()
