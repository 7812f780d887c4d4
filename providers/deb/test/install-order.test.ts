import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { installOrder } from '../src/install/install-order.js';

const node = (id: string, ...requires: string[]) => ({ id, requires });

describe('installOrder', () => {
  it.each([
    ['a chain', [node('a', 'b'), node('b', 'c'), node('c')], 'c b a'],
    ['a cycle, entered at its smallest id', [node('b', 'a'), node('a', 'b')], 'b a'],
    ['what lies outside the set', [node('a', 'elsewhere')], 'a'],
  ])('orders %s', (_what, nodes, expected) => {
    expect(
      installOrder(nodes)
        .map(({ id }) => id)
        .join(' '),
    ).toBe(expected);
  });

  it('is a function of the set, holds each package once, and puts requirements first where there is no cycle', () => {
    const acyclic = fc
      .array(fc.array(fc.nat(9), { maxLength: 4 }), { minLength: 1, maxLength: 10 })
      .map((lists) => lists.map((targets, index) => node(String(index), ...targets.filter((target) => target < index).map(String))));
    fc.assert(
      fc.property(acyclic, (nodes) => {
        const order = installOrder(nodes).map(({ id }) => id);
        expect([...order].sort()).toEqual(nodes.map(({ id }) => id).sort());
        expect(installOrder([...nodes].reverse()).map(({ id }) => id)).toEqual(order);
        for (const { id, requires } of nodes) {
          for (const other of requires) expect(order.indexOf(other)).toBeLessThan(order.indexOf(id));
        }
      }),
    );
  });
});
