/**
 * The page's program. It joins the room with the envelope, so that it can tell its own texts from
 * others' and from what came back processed. A text that the gateway has not said to be sent when
 * the connection is lost is sent again on the next: it may arrive twice, and is not lost.
 */
export const script = `
'use strict'
const element = (id) => document.getElementById(id)
const state = element('state')
const waiting = []
const maxShown = 500
let socket
let token = new URLSearchParams(location.hash.slice(1)).get('token') || ''
let attempts = 0
let timer
if (token) history.replaceState(null, '', location.pathname)

function show(list, text) {
  const box = element(list)
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 8
  const item = document.createElement('li')
  item.textContent = text
  box.append(item)
  while (box.children.length > maxShown) box.firstChild.remove()
  if (atEnd) box.scrollTop = box.scrollHeight
  return item
}

function say(name, text) {
  state.dataset.state = name
  state.textContent = text
}

function textOf(told) {
  return told.text === undefined ? 'bytes: ' + told.base64 : told.text
}

function refuse() {
  say('refused', token ? 'this token does not let you in' : 'a token is needed')
  element('who').open = true
}

function onFrame(told) {
  if (told.kind === 'joined') {
    attempts = 0
    say('connected', 'connected')
    for (const { text } of waiting) socket.send(text)
  }
  if (told.kind === 'other') show('other', textOf(told))
  if (told.kind === 'processed') show('processed', textOf(told))
  if (told.kind === 'sent') {
    const sent = waiting.shift()
    if (sent) delete sent.item.dataset.waiting
  }
}

function connect() {
  clearTimeout(timer)
  const mine = new WebSocket(location.origin.replace(/^http/, 'ws') + '/ws?envelope=json')
  socket = mine
  if (state.dataset.state !== 'refused') say('connecting', 'connecting')
  mine.onopen = () => {
    if (token) mine.send(JSON.stringify({ token }))
    else setTimeout(() => mine === socket && state.dataset.state === 'connecting' && refuse(), 1000)
  }
  mine.onmessage = (event) => onFrame(JSON.parse(event.data))
  mine.onclose = (event) => {
    if (mine !== socket) return
    if (event.code === 4401 || event.code === 4403 || event.code === 4292) {
      refuse()
      return
    }
    // Full jitter, so that pages don't all come back at once.
    const delay = Math.random() * Math.min(10000, 500 * 2 ** attempts)
    attempts += 1
    say('waiting', 'connection lost, trying again')
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
  say('connecting', 'connecting')
  connect()
  old.close()
})

addEventListener('online', () => {
  if (socket.readyState === WebSocket.CLOSED && state.dataset.state === 'waiting') connect()
})
connect()
`
