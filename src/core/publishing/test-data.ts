/** An invented order that the test routes publish. The same number gives the same order. */
export function testOrder(number: number): { number: number; order: string; status: string } {
  return { number, order: `A-${1000 + number}`, status: number % 2 === 0 ? 'shipped' : 'placed' }
}

export const testOrderType = 'order.test'
