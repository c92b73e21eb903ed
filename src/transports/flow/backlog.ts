/**
 * How many connections may wait in the system's accept queue. The system may use less (Linux:
 * `net.core.somaxconn`). When many clients reconnect at the same time they wait in this queue. With
 * Node's default of 511, the rest would retry after a second or get a reset.
 */
export const backlog = 4_096
