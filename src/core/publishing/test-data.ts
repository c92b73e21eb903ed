/** A made-up order, the same for the same number: what the test routes publish. */
export function testOrder(number: number): { number: number; order: string; status: string } {
  return { number, order: `A-${1000 + number}`, status: number % 2 === 0 ? 'shipped' : 'placed' }
}

export const testOrderType = 'order.test'
