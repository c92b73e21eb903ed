/** `drainMs`: over how long sessions end. `handOver`: other processes listen on the same ports. */
export interface HowToClose {
  readonly drainMs: number
  readonly handOver: boolean
}

/** Closes what was opened, in reverse order. */
export class Closing {
  readonly #steps: ((how: HowToClose) => Promise<void> | void)[] = []

  add(step: (how: HowToClose) => Promise<void> | void): void {
    this.#steps.push(step)
  }

  /** Runs each step once, even if called again. */
  async run(how: HowToClose): Promise<void> {
    for (const step of this.#steps.splice(0).toReversed()) await step(how)
  }
}
