import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cyclesOf } from '../src/resolve/resolve-cycles.js';

describe('cyclesOf', () => {
  it('finds exactly the members that reach each other', () => {
    const edge = fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 }));
    fc.assert(
      fc.property(fc.array(edge, { maxLength: 14 }), (edges) => {
        const graph = new Map<string, string[]>();
        for (const [from, to] of edges) graph.set(`${from}`, [...(graph.get(`${from}`) ?? []), `${to}`]);
        const reaches = (from: string, to: string): boolean => {
          const seen = new Set<string>();
          const pending = [...(graph.get(from) ?? [])];
          for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
            if (at === to) return true;
            if (!seen.has(at)) pending.push(...(graph.get(at) ?? []));
            seen.add(at);
          }
          return false;
        };
        const names = Array.from({ length: 7 }, (_, i) => `${i}`);
        const together = (a: string, b: string): boolean => a !== b && reaches(a, b) && reaches(b, a);
        const expected = names
          .map((name) => names.filter((other) => other === name || together(name, other)))
          .filter((group, i) => group.length > 1 && group[0] === names[i]);
        expect(cyclesOf(graph)).toEqual(expected);
      }),
    );
  });

  it('takes a long chain without recursion', () => {
    const edges = new Map(Array.from({ length: 50_000 }, (_, i) => [`${i}`, [`${(i + 1) % 50_000}`]]));
    expect(cyclesOf(edges).map((cycle) => cycle.length)).toEqual([50_000]);
  });
});
