/**
 * A client may use the id of an operation again as soon as it has sent `complete`; graphql-ws 6 then still unwinds the old operation and takes the
 * new one for it: one of them ends unasked, the other for ever goes on. So an id that is still unwinding gets another name inside.
 */
export class OperationIds {
  /** By the client's id: the name inside of what it believes to be open. */
  readonly #open = new Map<string, string>()
  /** Names inside of what has not unwound yet. */
  readonly #unwinding = new Set<string>()
  /** By the name inside: the client's id, where they differ. */
  readonly #aliases = new Map<string, string>()
  #count = 0

  /** The client subscribes. An id that it has not completed gives the same name again: that is its mistake, which graphql-ws answers. */
  begin(id: string): string {
    const open = this.#open.get(id)
    if (open !== undefined) return open
    let name = id
    while (this.#unwinding.has(name)) {
      this.#count += 1
      name = `${id}#${this.#count}`
    }
    if (name !== id) this.#aliases.set(name, id)
    this.#open.set(id, name)
    this.#unwinding.add(name)
    return name
  }

  /** The client completes. */
  complete(id: string): string {
    const name = this.#open.get(id) ?? id
    this.#open.delete(id)
    return name
  }

  /** Nothing of it is left. */
  unwound(name: string): void {
    const id = this.clientIdOf(name)
    if (this.#open.get(id) === name) this.#open.delete(id)
    this.#unwinding.delete(name)
    this.#aliases.delete(name)
  }

  /** What the client calls it. */
  clientIdOf(name: string): string {
    return this.#aliases.get(name) ?? name
  }

  /** A frame as the client is to see it; undefined for one of an operation that it has completed and whose id it has used again. */
  outgoing(frame: string): string | undefined {
    if (this.#aliases.size === 0) return frame
    const [start, printed] = /^\{"id":("(?:[^"\\]|\\.)*")/.exec(frame) ?? []
    if (start === undefined || printed === undefined) return frame
    const name = JSON.parse(printed) as string
    const id = this.clientIdOf(name)
    if (this.#open.get(id) !== name) return undefined
    return id === name ? frame : `{"id":${JSON.stringify(id)}${frame.slice(start.length)}`
  }
}
