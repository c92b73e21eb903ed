/**
 * How many connections may wait in the system's queue to be taken; the system may hold it to less
 * (Linux: `net.core.somaxconn`). A storm of clients that come back at once waits there, where
 * Node's 511 would have the rest try again a second later, or be reset.
 */
export const backlog = 4_096
