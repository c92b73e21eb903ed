/** The clients of the picture: where each ends, how wide its way is, and its name. */
const clients = [
  { x: 438, y: 40, r: 24, name: 'alice', from: 200, bend: 248 },
  { x: 528, y: 116, r: 32, name: 'courier-8812', from: 204, bend: 338 },
  { x: 470, y: 202, r: 22, name: 'desk-4', from: 208, bend: 280 },
  { x: 566, y: 270, r: 27, name: 'yusuf', from: 212, bend: 376 },
  { x: 496, y: 352, r: 24, name: 'mira', from: 216, bend: 306 },
  { x: 410, y: 424, r: 20, name: 'kiosk-17', from: 220, bend: 220 },
] as const

const ways = clients.map(({ x, y, from, bend }) => `M36 236H120C${from} 236 ${bend} ${y} ${x} ${y}`)

/** One stream of messages that comes to many clients. The dots stand still for those who ask. */
export const hero = `<svg class="flow" viewBox="0 0 620 470" role="img" aria-label="One stream of messages comes in on the left and goes to many clients on the right">
${ways.map((way) => `<path class="tunnel" d="${way}"/>`).join('')}
${ways.map((way, index) => `<path class="run${index % 2 === 0 ? '' : ' slow'}" d="${way}"/>`).join('')}
${clients
  .map(
    ({ x, y, r, name }) =>
      `<circle class="pill" cx="${x}" cy="${y}" r="${r}"/><circle class="dot" cx="${x}" cy="${y}" r="4"/><text x="${x}" y="${y + r + 16}" text-anchor="middle">${name}</text>`,
  )
  .join('\n')}
<circle class="here" cx="36" cy="236" r="34"/><circle class="dot" cx="36" cy="236" r="9"/><text x="4" y="290">your exchanges</text>
</svg>`
