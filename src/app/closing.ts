/** `drainMs`: over how long sessions end. `handOver`: other processes listen on the same ports. */
export interface CloseOptions {
  readonly drainMs: number
  readonly handOver: boolean
}

/** Closes what was opened, in reverse order. */
export class Closing {
  readonly #steps: ((how: CloseOptions) => Promise<void> | void)[] = []

  add(step: (how: CloseOptions) => Promise<void> | void): void {
    this.#steps.push(step)
  }

  /** Runs each step once, even if called again. */
  async run(how: CloseOptions): Promise<void> {
    for (const step of this.#steps.splice(0).toReversed()) await step(how)
  }
}
