import { expect, it } from 'vitest';
import { FileConflicts } from '../src/file-conflicts.js';

it('tells each pair with its first paths, and how many more there are', () => {
  const conflicts = new FileConflicts();
  expect(conflicts.isEmpty).toBe(true);
  const one = { label: 'one', repository: 'base' };
  for (let index = 0; index < 7; index++) conflicts.add(`/opt/${index}`, one, { label: 'two' });
  conflicts.add(`/${'x'.repeat(1000)}`, one, { label: 'long' });
  for (let index = 0; index < 10; index++) conflicts.add('/opt/x', one, { label: String(index) });
  const { message, facts } = conflicts.tell('refused');
  const lines = message.split('\n  ');
  expect(lines.slice(0, 2)).toEqual(['refused:', 'one from repository "base" and two: /opt/0, /opt/1, /opt/2, /opt/3, /opt/4 and 2 more']);
  expect(lines[2]!.length).toBeLessThan(400);
  expect([lines.length, lines.at(-1)]).toEqual([12, '2 more paths of other packages']);
  expect(facts).toMatchObject({ conflicts: [{ count: 7 }, { count: 1 }, ...Array.from({ length: 8 }, () => ({}))], untold: 2 });
});
