import { expect, it } from 'vitest';
import { ClauseWriter } from '../src/clause-writer.js';
import type { ClauseRoom } from '../src/clause-writer.js';
import type { Clause } from '../src/index.js';

/** A memory that is another one, in another place, whenever there is to be room; the one before has no bytes any more. */
function movingRoom(): ClauseRoom & { readonly words: () => Int32Array; grow(): void } {
  let buffer = new ArrayBuffer(0);
  let start = 0;
  const grow = (sizeBytes: number): void => {
    buffer = buffer.transfer(sizeBytes);
  };
  return {
    memory: {
      get buffer() {
        return buffer;
      },
    },
    words: () => new Int32Array(buffer, start),
    grow: () => grow(buffer.byteLength),
    room(words) {
      const kept = new Uint8Array(buffer).slice(start);
      start += 8;
      grow(start + 4 * words);
      new Uint8Array(buffer).set(kept.subarray(0, 4 * words), start);
      return start;
    },
  };
}

it('writes clauses one after the other, and on where the memory moved', () => {
  const room = movingRoom();
  const writer = new ClauseWriter(9, true);
  const first: Clause<string> = { kind: 'requires', targets: [3, 1], reason: 'first' };
  const second: Clause<string> = { kind: 'recommends', targets: [], when: [4], unless: [5, 6], reason: 'second' };
  expect(writer.write(0, [first], room)).toBe(4);
  room.grow();
  expect(writer.write(7, [second, { kind: 'conflicts', targets: [9], when: [], unless: [], reason: 'third' }], room)).toBe(14);
  expect([...room.words().subarray(0, 14)]).toEqual([0, 2, 3, 1, 1 + 4, 0, 1, 4, 2, 5, 6, 3, 1, 9]);
  room.grow();
  expect(writer.writeNumbers(Int32Array.of(0, 1, 2), room)).toBe(17);
  expect([...room.words().subarray(11, 17)]).toEqual([3, 1, 9, 0, 1, 2]);
});

it('asks for more room within the clauses of one solvable', () => {
  const room = movingRoom();
  const targets = Array.from({ length: 5_000 }, (_, i) => i + 1);
  const clauses = Array.from({ length: 9 }, (_, i): Clause<number> => ({ kind: 'suggests', targets, reason: i }));
  expect(new ClauseWriter(5_000, false).write(0, clauses, room)).toBe(9 * 5_002);
  expect([...room.words().subarray(0, 9 * 5_002)]).toEqual(clauses.flatMap(() => [2, 5_000, ...targets]));
  const other = movingRoom();
  const numbers = Int32Array.from([2, 20_000, ...Array.from({ length: 20_000 }, () => 1)]);
  expect(new ClauseWriter(9, false).writeNumbers(numbers, other)).toBe(20_002);
  expect(other.words().subarray(0, 20_002)).toEqual(numbers);
});
