import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseIndex, resolveChecked } from './checked-resolution.js';

const directory = new URL('fixtures/solver/bookworm/', import.meta.url);
const index = parseIndex(readFileSync(new URL('Packages', directory), 'utf8'));
const answers = readdirSync(directory).filter((name) => name.endsWith('.txt'));

describe('against apt, on part of a real archive', () => {
  it('has answers', () => expect(answers.length).toBe(10));

  it.each(answers)('%s', (name) => {
    const [, request = '', mode] = /^(.*)-(recommends|strict)\.txt$/.exec(name)!;
    const resolution = resolveChecked({
      repositories: [{ id: 'bookworm', suites: ['bookworm'], priority: 500, index }],
      arch: 'amd64',
      seeds: request.split('+').map((each) => ({ request: each, reason: 'template' })),
      recommends: mode === 'recommends',
    });
    const expected = readFileSync(new URL(name, directory), 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    const names = resolution.kind === 'resolved' ? resolution.closure.packages.map((each) => each.name) : [];
    expect([...new Set(names)].sort()).toEqual(expected);
    expect(expected.length).toBeGreaterThan(5);
  });
});
