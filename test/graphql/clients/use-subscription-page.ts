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
  readonly apollo: 3 | 4
  readonly url: string
  readonly token: string | undefined
  readonly text: string
  readonly variables: Record<string, unknown>
}

interface Page {
  readonly document: { querySelector(selector: string): Parameters<typeof createRoot>[0] | null }
  /** Given by the test. */
  readonly shown: (state: Shown<unknown>) => void
  render?: (rendering: Rendering) => void
}

interface State {
  readonly data?: unknown
  readonly error?: (Error & { errors?: Errors; graphQLErrors?: Errors }) | undefined
  readonly loading: boolean
}

const page = globalThis as unknown as Page

/** A component that reports each state of the hook which React has rendered. */
function reporting(use: () => State): FunctionComponent {
  return () => {
    const { data, error, loading } = use()
    useEffect(() => {
      if (loading) return
      const errors = [...(error?.errors ?? error?.graphQLErrors ?? [])]
      // A lost connection, for example.
      if (error && errors.length === 0) errors.push({ message: String(error) })
      page.shown({ data, errors })
    }, [data, error, loading])
    return null
  }
}

page.render = ({ apollo, url, token, text, variables }) => {
  const root = page.document.querySelector('#root')
  if (root === null) throw new Error('the page has no element with the id root')
  const socket = createClient({ url, connectionParams: { token }, retryAttempts: 0 })
  if (apollo === 4) {
    const client = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() })
    const child = createElement(reporting(() => useSubscription(gql(text), { variables })))
    createRoot(root).render(createElement(ApolloProvider, { client, children: child }))
  } else {
    const link = new subscriptions3.GraphQLWsLink(socket)
    const client = new apollo3.ApolloClient({ link, cache: new apollo3.InMemoryCache() })
    const child = createElement(reporting(() => apollo3.useSubscription(apollo3.gql(text), { variables })))
    createRoot(root).render(createElement(apollo3.ApolloProvider, { client, children: child }))
  }
}
