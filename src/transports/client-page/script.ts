/**
 * The script of the page. It joins the room with the envelope, so that it can distinguish its own
 * texts, texts of others and processed texts. If the connection is lost before the gateway has
 * confirmed a text as sent, the page sends it again on the next connection. The text may arrive
 * twice but is not lost.
 */
export const script = `
'use strict'
const element = (id) => document.getElementById(id)
const state = element('state')
const waiting = []
const maxShown = 500
let socket
let token = new URLSearchParams(location.hash.slice(1)).get('token') || ''
const tokenRequired = 'a token is required'
let attempts = 0
let refusals = 0
let timer
if (token) history.replaceState(null, '', location.pathname)

function show(list, text) {
  const box = element(list)
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 8
  const item = document.createElement('li')
  const now = new Date()
  const time = document.createElement('time')
  time.dateTime = now.toISOString()
  time.title = now.toISOString()
  time.textContent = now.toLocaleTimeString([], { hour12: false }) + '.' + String(now.getMilliseconds()).padStart(3, '0')
  const words = document.createElement('span')
  words.textContent = text
  item.append(time, words)
  box.append(item)
  while (box.children.length > maxShown) box.firstChild.remove()
  if (atEnd) box.scrollTop = box.scrollHeight
  return item
}

function setState(name, text) {
  state.dataset.state = name
  state.textContent = text
}

function textOf(frame) {
  return frame.text === undefined ? 'bytes: ' + frame.base64 : frame.text
}

function showRefusal(text) {
  setState('refused', text)
  element('who').open = true
}

/** Asks at most three times in a row; after that, a reload of the page does. */
function askForToken() {
  if (token) refusals += 1
  if (refusals < 3) return showRefusal(token ? 'this token is not accepted' : tokenRequired)
  setState('refused', 'three tokens were not accepted: reload the page to try again')
  element('who').open = false
}

function onFrame(frame) {
  if (frame.kind === 'joined') {
    attempts = 0
    refusals = 0
    setState('connected', 'connected')
    for (const { text } of waiting) socket.send(text)
  }
  if (frame.kind === 'other') show('other', textOf(frame))
  if (frame.kind === 'processed') show('processed', textOf(frame))
  if (frame.kind === 'sent') {
    const sent = waiting.shift()
    if (sent) delete sent.item.dataset.waiting
  }
}

function connect() {
  clearTimeout(timer)
  const current = new WebSocket(location.origin.replace(/^http/, 'ws') + '/ws?envelope=json')
  socket = current
  if (state.dataset.state !== 'refused') setState('connecting', 'connecting')
  current.onopen = () => {
    if (token) current.send(JSON.stringify({ token }))
    else setTimeout(() => current === socket && state.dataset.state === 'connecting' && showRefusal(tokenRequired), 1000)
  }
  current.onmessage = (event) => onFrame(JSON.parse(event.data))
  current.onclose = (event) => {
    if (current !== socket) return
    if (event.code === 4401 || event.code === 4403) return askForToken()
    if (event.code === 4292) return showRefusal('this token may not join, or its client was revoked')
    // Full jitter, so that pages do not all reconnect at once.
    const delay = Math.random() * Math.min(10000, 500 * 2 ** attempts)
    attempts += 1
    setState('waiting', 'connection lost, reconnecting')
    timer = setTimeout(connect, 100 + delay)
  }
}

element('send').addEventListener('submit', (event) => {
  event.preventDefault()
  const field = element('text')
  const text = field.value
  if (text === '') return
  field.value = ''
  const item = show('sent', text)
  item.dataset.waiting = ''
  waiting.push({ text, item })
  if (state.dataset.state === 'connected') socket.send(text)
})

element('identify').addEventListener('submit', (event) => {
  event.preventDefault()
  token = element('token').value.trim()
  element('who').open = false
  const old = socket
  setState('connecting', 'connecting')
  connect()
  old.close()
})

addEventListener('online', () => {
  if (socket.readyState === WebSocket.CLOSED && state.dataset.state === 'waiting') connect()
})
connect()
`
