/** What comes after the # of the page's address. Your page gets the token from your back end. */
const given = new URLSearchParams(location.hash.slice(1))

export const url = given.get('gateway') ?? 'ws://localhost:4000/graphql'
export const token = given.get('token') ?? ''
export const clientId = 'alice'
