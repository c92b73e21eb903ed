import { Component, type ReactNode } from 'react'
import { Banner } from '../parts/states.tsx'

/** Keeps the navigation usable if a view fails. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: undefined }

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error }
  }

  override render(): ReactNode {
    const { error } = this.state
    if (error === undefined) return this.props.children
    return (
      <Banner
        tone="fail"
        icon="fail"
        action={
          <button className="btn sm" type="button" onClick={() => this.setState({ error: undefined })}>
            Show it again
          </button>
        }
      >
        <strong>This view failed.</strong> It is a fault of the console, not of the gateway.{' '}
        <span className="muted">{error instanceof Error && error.message}</span>
      </Banner>
    )
  }
}
