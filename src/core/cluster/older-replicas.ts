/** How long after a connection the others may need to answer, in milliseconds. */
const settleMs = 1_000
/** So many questions in a row that no older replica answered mean that none is left. */
const maxSilentQuestions = 3

/**
 * Whether replicas of release 0.1.0 may be in the deployment. They answer questions and do not
 * announce themselves, so none can be awaited by name. Their messages about sources lack the
 * name of the replica.
 */
export class OlderReplicas {
  #connectedAt = Number.NEGATIVE_INFINITY
  #silentQuestions = maxSilentQuestions

  /** The control bus is connected (again): what others sent before is lost. */
  onConnected(): void {
    this.#connectedAt = Date.now()
  }

  /** A message arrived that only an older replica sends. */
  onSeen(): void {
    this.#silentQuestions = 0
  }

  /** All replicas had the full time to answer, and none of an older release did. */
  onSilence(): void {
    this.#silentQuestions += 1
  }

  get mayExist(): boolean {
    return this.#silentQuestions < maxSilentQuestions || Date.now() - this.#connectedAt < settleMs
  }
}
