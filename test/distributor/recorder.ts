/** Keeps what is reported to it, and lets a test wait for a report that was or will be made. */
export class Recorder<Report> {
  readonly reports: Report[] = []
  #waiting: (() => void)[] = []

  readonly add = (report: Report): void => {
    this.reports.push(report)
    for (const look of this.#waiting.splice(0)) look()
  }

  /** The first report that fits, from the `from`th on. */
  async next(fits: (report: Report) => boolean = () => true, from = 0): Promise<Report> {
    for (;;) {
      const found = this.reports.slice(from).find(fits)
      if (found !== undefined) return found
      await new Promise<void>((look) => this.#waiting.push(look))
    }
  }

  /** All reports, once there are so many. */
  async count(count: number): Promise<Report[]> {
    while (this.reports.length < count) await new Promise<void>((look) => this.#waiting.push(look))
    return this.reports
  }
}
